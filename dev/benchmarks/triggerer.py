"""Run Airflow's trigger runner in a process of its own, and be the supervisor at its other end."""

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

from dev.benchmarks.children import ROOT, environment

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE = 300.0


class Triggerer:
    """
    Give triggers to a runner, answer what it asks, and read what was noted about it.

    Only the supervisor's database is missing; the runner, its loop and its messages are Airflow's.

    :param folder: takes the runner's log and the notes.
    :param connections: Airflow connections by name, as ConnectionResult has them.
    :param portion: how many triggers it is given at a time; it asks about once a second.
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
        Hand triggers over; the runner takes them when it looks next.

        :param described: each one's number, class path and arguments.
        """
        from airflow.executors.workloads.trigger import RunTrigger
        from airflow.models.trigger import Trigger

        for number, (path, arguments) in described:
            stored = Trigger.encrypt_kwargs(arguments)
            self._new.append(RunTrigger(id=number + 1, classpath=path, encrypted_kwargs=stored))

    def settle(self, running: int) -> None:
        """
        Wait until it runs this many triggers.

        :raises RuntimeError: when it does not within five minutes, or a trigger failed.
        """
        self.wait_for(lambda: not self._new and self.note()["triggers"] >= running, f"{running} triggers")

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """
        Wait for something.

        :param condition: whether it has come.
        :param what: the same in words.
        :raises RuntimeError: when it does not come within five minutes, or a trigger failed.
        """
        end = time.monotonic() + PATIENCE
        while not condition():
            if self._failures:
                raise RuntimeError(f"a trigger failed: {self._failures[0]}")
            if self.process.poll() is not None:
                raise RuntimeError("the trigger runner has ended; its log says why")
            if time.monotonic() > end:
                raise RuntimeError(f"waited {PATIENCE:.0f} s for {what} in vain")
            time.sleep(0.2)

    def note(self) -> dict[str, Any]:
        """
        Return what the runner tells of itself.

        :return: by how many seconds the loop was late at most since the last call (``late``), the same without
            garbage collection (``late_of_code``), and how many ``triggers`` run.
        """
        before = len(self._notes("late"))
        self._wait_until_watched()
        os.kill(self.process.pid, signal.SIGUSR1)
        self.wait_for(lambda: len(self._notes("late")) > before, "an answer to a signal")
        return self._notes("late")[-1]

    def events(self) -> dict[int, tuple[float, str]]:
        """Return the moment of each event by its trigger's number, and the start of what it said."""
        return {line["event"] - 1: (line["at"], line["said"]) for line in self._notes("event")}

    def cpu(self) -> float:
        """Return the seconds of processor time that the runner has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Return the bytes of memory that the runner has."""
        return int(self.process.memory_info().rss)

    def _wait_until_watched(self) -> None:
        # Before it has its handler, the signal would end it.
        self.wait_for(lambda: self._is_watched, "the trigger runner's start")

    _is_watched = False

    def _notes(self, kind: str) -> list[dict[str, Any]]:
        if not self._report.exists():
            return []
        lines = self._report.read_text().splitlines()
        return [note for note in map(json.loads, lines) if kind in note]

    def _supervise(self) -> None:
        """Be the other end until it closes."""
        self._answer(0, {"type": "StartTriggerer"})
        stream = self._ours.makefile("rb")
        try:
            while len(head := stream.read(4)) == 4:
                number, body = msgspec.msgpack.decode(stream.read(int.from_bytes(head, "big")))[:2]
                self._answer(number, self._said_to(body))
                # It asks only once it has begun to watch.
                self._is_watched = True
        except OSError:
            return  # it was killed meanwhile

    def _said_to(self, body: dict[str, Any]) -> dict[str, Any] | None:
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
        from airflow.sdk.execution_time.comms import _ResponseFrame

        self._ours.sendall(_ResponseFrame(id=number, body=body).as_bytes())
