"""Airflow's trigger runner in a process of its own, and this process as its supervisor."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec
import psutil
from airflow.executors.workloads.trigger import RunTrigger
from airflow.models.trigger import Trigger
from airflow.sdk.execution_time.comms import _ResponseFrame

from dev.benchmarks.children import environment
from dev.support.paths import ROOT

if TYPE_CHECKING:
    from typing_extensions import Self

LONGEST_WAIT = 300.0


class Triggerer:
    """
    Supervisor of a trigger runner. It gives triggers to the runner and answers the runner's requests.

    The runner, its event loop and its messages are Airflow's. Only the database of Airflow's supervisor is
    missing.

    :param folder: folder for the runner's log and report.
    :param connections: Airflow connections by id, as in ConnectionResult.
    :param portion: number of triggers per answer; the runner asks about once a second.
    :param variables: further environment variables.
    """

    def __init__(
        self, folder: Path, connections: dict[str, dict[str, Any]], portion: int, **variables: str
    ) -> None:
        self._connections = connections
        self._portion = portion
        self._report = folder / "report.jsonl"
        self._ours, theirs = socket.socketpair()
        self._new: deque[Any] = deque()
        self._failures: list[Any] = []
        with (folder / "triggerer.log").open("wb") as log:
            self.process = psutil.Popen(
                [sys.executable, "-m", "dev.benchmarks.triggerer_process", str(self._report)],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(**variables),
                cwd=ROOT,
            )
        theirs.close()
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join(10)
        self._ours.close()

    def add(self, described: Iterable[tuple[int, tuple[str, dict[str, Any]]]]) -> None:
        """
        Add triggers. The runner gets them with its next requests.

        :param described: number, class path and arguments of each trigger.
        """
        for number, (path, arguments) in described:
            stored = Trigger.encrypt_kwargs(arguments)
            self._new.append(RunTrigger(id=number + 1, classpath=path, encrypted_kwargs=stored))

    def settle(self, running: int) -> None:
        """
        Wait until the runner runs a number of triggers.

        :raises RuntimeError: if that takes more than five minutes, or if a trigger fails.
        """
        self.wait_for(lambda: not self._new and self.loop_state()["triggers"] >= running, f"{running} triggers")

    def wait_for(self, condition: Callable[[], bool], description: str) -> None:
        """
        Wait until a condition is true.

        :param condition: the condition.
        :param description: what is waited for, such as "20 triggers".
        :raises RuntimeError: if that takes more than five minutes, or if a trigger fails.
        """
        end = time.monotonic() + LONGEST_WAIT
        while not condition():
            if self._failures:
                raise RuntimeError(f"a trigger failed: {self._failures[0]}")
            if self.process.poll() is not None:
                raise RuntimeError("the trigger runner has ended; see its log")
            if time.monotonic() > end:
                raise RuntimeError(f"waited {LONGEST_WAIT:.0f} s for {description}")
            time.sleep(0.2)

    def loop_state(self) -> dict[str, Any]:
        """
        Ask the runner for the state of its event loop.

        :return: the longest delay of the loop in seconds since the last call (``late``), the same without garbage
            collection (``late_of_code``), and the number of running ``triggers``.
        """
        before = len(self._report_lines("late"))
        self._wait_until_watched()
        os.kill(self.process.pid, signal.SIGUSR1)
        self.wait_for(lambda: len(self._report_lines("late")) > before, "the answer to a signal")
        return self._report_lines("late")[-1]

    def events(self) -> dict[int, tuple[float, str]]:
        """Return the time and the start of the payload of each event, by the number of its trigger."""
        return {line["event"] - 1: (line["at"], line["payload"]) for line in self._report_lines("event")}

    def cpu(self) -> float:
        """Return the processor time of the runner so far, in seconds."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Return the memory of the runner, in bytes."""
        return int(self.process.memory_info().rss)

    def _wait_until_watched(self) -> None:
        # Before the runner has a handler for it, the signal would end it.
        self.wait_for(lambda: self._is_watched, "the start of the trigger runner")

    _is_watched = False

    def _report_lines(self, kind: str) -> list[dict[str, Any]]:
        if not self._report.exists():
            return []
        lines = self._report.read_text().splitlines()
        return [line for line in map(json.loads, lines) if kind in line]

    def _supervise(self) -> None:
        """Answer the runner's requests until its socket closes."""
        self._answer(0, {"type": "StartTriggerer"})
        stream = self._ours.makefile("rb")
        try:
            while len(head := stream.read(4)) == 4:
                number, body = msgspec.msgpack.decode(stream.read(int.from_bytes(head, "big")))[:2]
                self._answer(number, self._response(body))
                # The runner sends requests only after it has set its signal handler.
                self._is_watched = True
        except OSError:
            return  # the runner was killed

    def _response(self, body: dict[str, Any]) -> dict[str, Any] | None:
        if body["type"] == "GetConnection":
            return {"type": "ConnectionResult", **self._connections[body["conn_id"]]}
        if body["type"] != "TriggerStateChanges":
            return None
        self._failures += body.get("failures") or []
        created = [self._new.popleft() for _ in range(min(self._portion, len(self._new)))]
        return {
            "type": "TriggerStateSync",
            "to_create": [workload.model_dump() for workload in created],
            "to_cancel": [],
        }

    def _answer(self, number: int, body: dict[str, Any] | None) -> None:
        self._ours.sendall(_ResponseFrame(id=number, body=body).as_bytes())
