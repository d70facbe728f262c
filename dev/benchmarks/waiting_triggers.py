"""The triggers that wait beside each other: ours, two peers' and one that only sleeps."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from dev.benchmarks.task_server import guid_of

if TYPE_CHECKING:
    from requests import Response

KEY = "K" * 40
ACCOUNT = 1
A_DAY = 86400.0


class SleepingTrigger(BaseTrigger):
    """
    Wait for nothing: what is left is what Airflow itself takes for a trigger.

    :param number: which one it is; they must differ.
    """

    def __init__(self, number: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.number = number

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes it again."""
        return "dev.benchmarks.waiting_triggers.SleepingTrigger", {"number": self.number}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep for a day."""
        await asyncio.sleep(A_DAY)
        yield TriggerEvent(self.number)  # type: ignore[no-untyped-call]


async def has_ended(response: Response) -> bool:
    """Tell HttpEventTrigger whether the task that it asked for is over."""
    return bool(response.json()["endDate"])


def ours(number: int, interval: float) -> tuple[str, dict[str, Any]]:
    """Wait as the operators do, with a deadline."""
    from eci_provider.triggers import EciTaskTrigger

    deadline = (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()
    return EciTaskTrigger(guid_of(number), poll_interval=interval, deadline=deadline).serialize()


def sleeping(number: int, interval: float) -> tuple[str, dict[str, Any]]:
    """Wait for nothing."""
    return SleepingTrigger(number).serialize()


def http(number: int, interval: float) -> tuple[str, dict[str, Any]]:
    """Wait with the HTTP provider's trigger, asking for the task as we do."""
    from airflow.providers.http.triggers.http import HttpEventTrigger

    return HttpEventTrigger(
        "dev.benchmarks.waiting_triggers.has_ended",
        endpoint=f"/api/v3/task/{guid_of(number)}",
        headers={"ECI-ApiKey": KEY},
        poll_interval=interval,
    ).serialize()


def dbt(number: int, interval: float) -> tuple[str, dict[str, Any]]:
    """Wait with dbt Cloud's trigger."""
    from airflow.providers.dbt.cloud.triggers.dbt import DbtCloudRunJobTrigger

    return DbtCloudRunJobTrigger("dbt_cloud_default", number, time.time() + A_DAY, interval, ACCOUNT).serialize()


WAYS = {"sleeping": sleeping, "ours": ours, "http": http, "dbt-cloud": dbt}


def connections(port: int, certificate: str) -> dict[str, dict[str, Any]]:
    """
    Return the Airflow connections that the triggers ask for, as the triggerer is told them.

    :param port: the server's, on this machine.
    :param certificate: what ours checks it with; the peers read SSL_CERT_FILE.
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
