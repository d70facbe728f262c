"""A triggerer calls a trigger's kill when a user acts on the task, and never when it merely stops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from airflow.triggers.base import BaseTrigger

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from tests.support.waiting_tasks import bill_file

# Airflow's runner and its messages are real; the supervisor at the other end, which needs a database, is not.
SCRIPT = """
import asyncio, os, socket, sys, threading
for name in [name for name in os.environ if name.startswith("AIRFLOW_CONN")]:
    del os.environ[name]
host, key, *guids = sys.argv[1:]
import msgspec
from airflow.executors.workloads import RunTrigger
from airflow.jobs.triggerer_job_runner import TriggerCommsDecoder, TriggerRunner
from airflow.models.trigger import Trigger
from airflow.sdk.execution_time import comms, task_runner
from eci_provider.triggers import EciTaskTrigger
from eci_provider.waiting.task import TaskPoller

ours, theirs = socket.socketpair()

def supervise():
    stream = theirs.makefile("rb")
    while len(head := stream.read(4)) == 4:
        number, body = msgspec.msgpack.decode(stream.read(int.from_bytes(head, "big")))[:2]
        blank = dict.fromkeys(("schema", "login", "port", "extra"))
        answer = comms.ConnectionResult(conn_id="eci_default", conn_type="eci", host=host, password=key, **blank)
        body = answer.model_dump(mode="json", by_alias=True)
        theirs.sendall(comms._ResponseFrame(id=number, body=body).as_bytes())

async def main():
    ours.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=ours)
    decoder = TriggerCommsDecoder(async_writer=writer, async_reader=reader, socket=None)
    task_runner.SUPERVISOR_COMMS = decoder
    await decoder.start_reader()
    looked, all_looked = set(), asyncio.Event()
    look, loop = TaskPoller.evaluate, asyncio.get_running_loop()
    def look_and_note(wait, found):
        looked.add(wait.task_guid)
        if len(looked) == len(guids):
            loop.call_soon_threadsafe(all_looked.set)
        return look(wait, found)
    TaskPoller.evaluate = look_and_note
    runner = TriggerRunner()
    for number, (guid, action) in enumerate(zip(guids, ("void_batch", "detach", "void_batch"))):
        path, arguments = EciTaskTrigger(guid, on_kill=action).serialize()
        stored = Trigger.encrypt_kwargs(arguments)
        runner.to_create.append(RunTrigger(id=number, classpath=path, encrypted_kwargs=stored))
    await runner.create_triggers()
    await asyncio.wait_for(all_looked.wait(), 60)
    tasks = [details["task"] for details in runner.triggers.values()]
    runner.to_cancel.extend([0, 1])
    await runner.cancel_triggers()
    tasks[2].cancel()
    await asyncio.wait(tasks, timeout=60)
    print("ended", [task.cancelled() for task in tasks], len(runner.events))
    sys.stdout.flush()
    os._exit(0)

threading.Thread(target=supervise, daemon=True).start()
asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(BaseTrigger, "on_kill"), reason="this Airflow does not tell a trigger of a kill")
def test_only_a_user_voids_a_batch(eci_sandbox: Sandbox, tmp_path: Path) -> None:
    eci_sandbox.settings.delay = 3600
    path = bill_file(tmp_path, "A-1")
    with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
        guids = [
            client.bill_imports.submit(path, batch_settings={"batch_mode": "smart batch", "new_batch_code": code})
            for code in ("voided", "detached", "stopped")
        ]

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, eci_sandbox.url, eci_sandbox.api_key, *guids],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "ended [True, True, True] 0", done.stdout[-3000:]
    ends = {batch["batch_code"]: batch["batch_status"].lower() for batch in eci_sandbox.batches()}
    assert ends == {"voided": "pending", "detached": "open", "stopped": "open"}
    assert done.stdout.count("invoking on_kill") == 2, done.stdout
    assert eci_sandbox.api_key not in done.stdout + done.stderr
