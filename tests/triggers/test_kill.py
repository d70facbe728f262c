"""A triggerer calls a trigger's kill when a user acts on the task, and never when it merely stops."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.triggers.base import BaseTrigger

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from tests.support.triggerer import run_in_triggerer
from tests.support.waiting_tasks import bill_file

SCRIPT = """
import asyncio, logging
from airflow.executors.workloads import RunTrigger
from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.models.trigger import Trigger
from eci_provider.triggers import EciTaskTrigger

class Polled(logging.Handler):
    # Wait until each import was polled: its status is logged then.
    def __init__(self, guids):
        super().__init__()
        self.missing, self.all, self.loop = set(guids), asyncio.Event(), asyncio.get_running_loop()
    def emit(self, record):
        self.missing -= {guid for guid in self.missing if guid in record.getMessage()}
        if not self.missing:
            self.loop.call_soon_threadsafe(self.all.set)

async def main(guids):
    polled = Polled(guids)
    log = logging.getLogger("eci_provider.waiting.poller")
    log.addHandler(polled)
    log.setLevel(logging.INFO)
    runner = TriggerRunner()
    for number, (guid, action) in enumerate(zip(guids, ("void_batch", "detach", "void_batch"))):
        path, arguments = EciTaskTrigger(guid, on_kill=action).serialize()
        stored = Trigger.encrypt_kwargs(arguments)
        runner.to_create.append(RunTrigger(id=number, classpath=path, encrypted_kwargs=stored))
    await runner.create_triggers()
    await asyncio.wait_for(polled.all.wait(), 60)
    tasks = [details["task"] for details in runner.triggers.values()]
    runner.to_cancel.extend([0, 1])
    await runner.cancel_triggers()
    tasks[2].cancel()
    await asyncio.wait(tasks, timeout=60)
    return {"cancelled": [task.cancelled() for task in tasks], "events": len(runner.events)}
"""


@pytest.mark.skipif(not hasattr(BaseTrigger, "on_kill"), reason="this Airflow does not pass kills on to triggers")
def test_only_a_user_voids_a_batch(eci_sandbox: Sandbox, tmp_path: Path) -> None:
    eci_sandbox.settings.delay = 3600
    path = bill_file(tmp_path, "A-1")
    with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
        guids = [
            client.bill_imports.submit(path, batch_settings={"batch_mode": "smart batch", "new_batch_code": code})
            for code in ("voided", "detached", "stopped")
        ]

    told, output = run_in_triggerer(SCRIPT, eci_sandbox, *guids)

    assert told == {"cancelled": [True] * 3, "events": 0}
    ends = {batch["batch_code"]: batch["batch_status"].lower() for batch in eci_sandbox.batches()}
    assert ends == {"voided": "pending", "detached": "open", "stopped": "open"}
    assert output.count("invoking on_kill") == 2, output
