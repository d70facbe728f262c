"""The triggers that are compared: ours, those of two other providers, and one that only sleeps."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from dev.benchmarks.task_server import guid_of
from eci_provider.triggers import EciTaskTrigger

if TYPE_CHECKING:
    from requests import Response

KEY = "K" * 40
ACCOUNT = 1
A_DAY = 86400.0


class SleepingTrigger(BaseTrigger):
    """
    Trigger that only sleeps. Its cost is the cost of Airflow itself.

    :param number: number of the trigger, so that all differ.
    """

    def __init__(self, number: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.number = number

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        return "dev.benchmarks.waiting_triggers.SleepingTrigger", {"number": self.number}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep for a day."""
        await asyncio.sleep(A_DAY)
        yield TriggerEvent(self.number)  # type: ignore[no-untyped-call]


async def has_ended(response: Response) -> bool:
    """Return whether the task in an answer has ended, for HttpEventTrigger."""
    return bool(response.json()["endDate"])


def ours(number: int, interval: float) -> tuple[str, dict[str, Any]]:
    """Return our trigger with a deadline, as operators use it."""
    deadline = (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()
    return EciTaskTrigger(guid_of(number), poll_interval=interval, deadline=deadline).serialize()


def sleeping(number: int, interval: float) -> tuple[str, dict[str, Any]]:
    """Return the trigger that only sleeps."""
    return SleepingTrigger(number).serialize()


def http(number: int, interval: float) -> tuple[str, dict[str, Any]]:
    """Return the HTTP provider's trigger, which polls the task as ours does."""
    # Imported here, as below: the tests measure our trigger, and other providers are not installed then.
    from airflow.providers.http.triggers.http import HttpEventTrigger

    return HttpEventTrigger(
        "dev.benchmarks.waiting_triggers.has_ended",
        endpoint=f"/api/v3/task/{guid_of(number)}",
        headers={"ECI-ApiKey": KEY},
        poll_interval=interval,
    ).serialize()


def dbt(number: int, interval: float) -> tuple[str, dict[str, Any]]:
    """Return dbt Cloud's trigger."""
    from airflow.providers.dbt.cloud.triggers.dbt import DbtCloudRunJobTrigger

    return DbtCloudRunJobTrigger("dbt_cloud_default", number, time.time() + A_DAY, interval, ACCOUNT).serialize()


TRIGGERS = {"sleeping": sleeping, "ours": ours, "http": http, "dbt-cloud": dbt}


def connections(port: int, certificate: str) -> dict[str, dict[str, Any]]:
    """
    Return the Airflow connections of the triggers, as ConnectionResult has them.

    :param port: port of the server on this machine.
    :param certificate: certificate for our connection; the other providers read SSL_CERT_FILE.
    """
    blank: dict[str, Any] = dict.fromkeys(("host", "schema", "login", "password", "port", "extra"))
    host = f"https://127.0.0.1:{port}"
    extra = json.dumps({"verify": certificate})
    described = {
        "eci_default": {"conn_type": "eci", "host": host, "password": KEY, "extra": extra},
        "http_default": {"conn_type": "http", "host": host},
        "dbt_cloud_default": {"conn_type": "dbt_cloud", "host": f"127.0.0.1:{port}", "password": KEY},
    }
    return {name: {**blank, "conn_id": name, **each} for name, each in described.items()}
