"""
Airflow's own trigger runner, watched: ``python -m dev.benchmarks.triggerer_process REPORT``, its input a socket.

It writes a line of JSON for every event, with the moment by the monotonic clock. To SIGUSR1 it answers by how much
the loop was late at most since the signal before, and the same without Python's garbage collection, which stops
all threads. The loop is asked to wake up every 10 ms for that.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, TextIO

from airflow.jobs.triggerer_job_runner import TriggerRunner

BEAT = 0.01


class TimedEvents(deque[Any]):
    """
    Note when each event comes.

    :param report: the file that takes the lines.
    """

    def __init__(self, report: TextIO) -> None:
        super().__init__()
        self._report = report

    def append(self, entry: Any) -> None:
        """Take an event."""
        number, event = entry[0], entry[1]
        line = {"event": number, "at": time.monotonic(), "said": str(event.payload)[:200]}
        self._report.write(json.dumps(line) + "\n")
        super().append(entry)


class WatchedRunner(TriggerRunner):
    """
    Be Airflow's runner, and notice when its loop is late.

    :param report: the file that takes the lines.
    """

    def __init__(self, report: TextIO) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.events = TimedEvents(report)
        self._report = report
        self._latest = self._latest_of_code = 0.0
        self._collected = self._collection_began = 0.0
        gc.callbacks.append(self._note_collection)

    async def init_comms(self) -> None:
        """Begin as Airflow does, and begin to watch."""
        await super().init_comms()  # type: ignore[no-untyped-call]
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._tell)
        self._beats_on = asyncio.create_task(self._beats())

    async def _beats(self) -> None:
        while True:
            expected, collected = time.monotonic() + BEAT, self._collecting()
            await asyncio.sleep(BEAT)
            late = time.monotonic() - expected
            self._latest = max(self._latest, late)
            self._latest_of_code = max(self._latest_of_code, late - (self._collecting() - collected))

    def _note_collection(self, phase: str, info: dict[str, int]) -> None:
        """Be told by Python, in whatever thread it collects its garbage; all of them stand still meanwhile."""
        if phase == "start":
            self._collection_began = time.monotonic()
        else:
            self._collected, self._collection_began = self._collecting(), 0.0

    def _collecting(self) -> float:
        """Return the seconds of garbage collection so far, one that has not told of its end included."""
        began = self._collection_began
        return self._collected + (time.monotonic() - began if began else 0.0)

    def _tell(self) -> None:
        told = {"late": self._latest, "late_of_code": self._latest_of_code, "triggers": len(self.triggers)}
        self._report.write(json.dumps(told) + "\n")
        self._latest = self._latest_of_code = 0.0


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", buffering=1) as opened:
        WatchedRunner(opened).run()  # type: ignore[no-untyped-call]
