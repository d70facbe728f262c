"""
A triggerer in a process of its own, without the supervisor's database.

Airflow's decoder, runner and messages are real; the supervisor at the other end is :func:`_supervise`. A test
passes the source of ``async def main(arguments)`` to :func:`run_in_triggerer`, whose process runs :func:`start`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from eci_provider.sandbox import Sandbox

#: The types of the messages that the triggerer sent to its supervisor.
asked: list[str] = []

_ROOT = Path(__file__).parents[2]


def run_in_triggerer(source: str, sandbox: Sandbox, *arguments: str) -> Any:
    """
    Run a script in a process whose connection ``eci_default`` comes from the supervisor alone.

    :param source: the source of ``async def main(arguments: list[str]) -> Any``, and its imports.
    :param sandbox: where the connection leads.
    :param arguments: what ``main`` gets; the supervisor answers questions for a variable with the first one.
    :return: what ``main`` returned, through JSON, and the output of the process.
    """
    script = f"{source}\nfrom tests.support.triggerer import start\nstart(main)\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN")}
    done = subprocess.run(
        [sys.executable, "-c", script, sandbox.url, sandbox.api_key, *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert sandbox.api_key not in done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout


def start(main: Callable[[list[str]], Awaitable[Any]]) -> None:
    """Run ``main`` as the triggerer's process, and print what it returns as the last line."""
    host, key, *arguments = sys.argv[1:]
    ours, theirs = socket.socketpair()
    threading.Thread(target=_supervise, args=(theirs, host, key, arguments[0]), daemon=True).start()

    async def run() -> None:
        from airflow.jobs.triggerer_job_runner import TriggerCommsDecoder
        from airflow.sdk.execution_time import task_runner

        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        decoder: Any = TriggerCommsDecoder(async_writer=writer, async_reader=reader, socket=None)  # type: ignore[arg-type]
        task_runner.SUPERVISOR_COMMS = decoder
        if hasattr(decoder, "start_reader"):
            await decoder.start_reader()
        print(json.dumps(await main(arguments)))

    asyncio.run(run())
    sys.stdout.flush()
    os._exit(0)  # Airflow's threads would keep the process


def _supervise(channel: socket.socket, host: str, key: str, variable: str) -> None:
    """Answer as a supervisor that knows one connection and one variable."""
    import msgspec
    from airflow.sdk.execution_time import comms

    stream = channel.makefile("rb")
    while len(head := stream.read(4)) == 4:
        number, body = msgspec.msgpack.decode(stream.read(int.from_bytes(head, "big")))[:2]
        asked.append(body["type"])
        answer: Any = None
        if body["type"] == "GetConnection":
            blank = dict.fromkeys(("schema", "login", "port", "extra"))
            answer = comms.ConnectionResult(
                conn_id=body["conn_id"], conn_type="eci", host=host, password=key, **blank
            )
        elif body["type"] == "GetVariable":
            answer = comms.VariableResult(key=body["key"], value=variable)
        sent = None if answer is None else answer.model_dump(mode="json", by_alias=True)
        channel.sendall(comms._ResponseFrame(id=number, body=sent).as_bytes())
