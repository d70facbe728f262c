"""Triggers get their connection through the triggerer's own channel, without blocking its event loop."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow import __version__ as airflow_version

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from tests.support.triggerer import run_in_triggerer
from tests.support.waiting_tasks import bill_file

SCRIPT = """
import asyncio
from eci_provider.triggers import EciTaskTrigger
from tests.support.triggerer import asked

async def one(guid):
    async for event in EciTaskTrigger(guid).run():
        return event.payload

async def main(arguments):
    events = await asyncio.wait_for(asyncio.gather(*[one(arguments[0]) for _ in range(5)]), 30)
    return {"events": events, "asked": asked}
"""


@pytest.mark.skipif(airflow_version.startswith("2."), reason="Airflow 2's triggerer reads connections itself")
def test_connections_come_through_the_triggerers_channel(eci_sandbox: Sandbox, tmp_path: Path) -> None:
    eci_sandbox.add_account("A-1")
    with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, "A-1"))

    told, _ = run_in_triggerer(SCRIPT, eci_sandbox, guid)

    assert [event["status"] for event in told["events"]] == ["found"] * 5, told
    assert {event["task_guid"] for event in told["events"]} == {guid}
    assert told["asked"].count("GetConnection") == 1  # they share one client
