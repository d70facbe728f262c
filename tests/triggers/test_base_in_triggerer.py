"""A trigger finds its connection through the triggerer's own channel, many at once, without blocking its loop."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from airflow import __version__ as airflow_version

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from tests.support.waiting_tasks import bill_file

# Airflow's decoder and messages are real; the supervisor at the other end, which needs a database, is not.
SCRIPT = """
import asyncio, json, os, socket, sys, threading
for name in [name for name in os.environ if name.startswith("AIRFLOW_CONN")]:
    del os.environ[name]
guid, host, key = sys.argv[1:]
import msgspec
from airflow.jobs.triggerer_job_runner import TriggerCommsDecoder
from airflow.sdk.execution_time import comms, task_runner
from eci_provider.triggers import EciTaskTrigger

ours, theirs = socket.socketpair()
asked = []

def supervise():
    stream = theirs.makefile("rb")
    while len(head := stream.read(4)) == 4:
        number, body = msgspec.msgpack.decode(stream.read(int.from_bytes(head, "big")))[:2]
        asked.append(body["type"])
        answer = None
        if body["type"] == "GetConnection":
            blank = dict.fromkeys(("schema", "login", "port", "extra"))
            answer = comms.ConnectionResult(
                conn_id="eci_default", conn_type="eci", host=host, password=key, **blank
            )
            answer = answer.model_dump(mode="json", by_alias=True)
        theirs.sendall(comms._ResponseFrame(id=number, body=answer).as_bytes())

async def one():
    async for event in EciTaskTrigger(guid).run():
        return event.payload

async def main():
    ours.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=ours)
    decoder = TriggerCommsDecoder(async_writer=writer, async_reader=reader, socket=None)
    task_runner.SUPERVISOR_COMMS = decoder
    if hasattr(decoder, "start_reader"):
        await decoder.start_reader()
    events = await asyncio.wait_for(asyncio.gather(*[one() for _ in range(5)]), 30)
    print(json.dumps({"events": events, "asked": asked}))
    sys.stdout.flush()
    os._exit(0)

threading.Thread(target=supervise, daemon=True).start()
asyncio.run(main())
"""


@pytest.mark.skipif(airflow_version.startswith("2."), reason="Airflow 2's triggerer reads connections itself")
def test_connections_come_through_the_triggerers_channel(eci_sandbox: Sandbox, tmp_path: Path) -> None:
    eci_sandbox.add_account("A-1")
    with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, "A-1"))

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, guid, eci_sandbox.url, eci_sandbox.api_key],
        capture_output=True,
        text=True,
        timeout=90,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert [event["status"] for event in told["events"]] == ["found"] * 5, told
    assert {event["task_guid"] for event in told["events"]} == {guid}
    assert told["asked"].count("GetConnection") == 1  # they share one poller
