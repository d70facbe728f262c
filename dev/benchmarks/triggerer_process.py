"""
Airflow's trigger runner with a report: ``python -m dev.benchmarks.triggerer_process REPORT``. Its input is a
socket.

The report has one line of JSON for each event, with its time by the monotonic clock. After SIGUSR1 it has a line
with the longest delay of the event loop since the last signal, and the same without Python's garbage collection,
which stops all threads. To measure delays, a task in the loop wakes up every 10 ms.
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

INTERVAL = 0.01


class TimedEvents(deque[Any]):
    """
    Queue of events that writes each event to the report.

    :param report: the file.
    """

    def __init__(self, report: TextIO) -> None:
        super().__init__()
        self._report = report

    def append(self, entry: Any) -> None:
        """Add an event."""
        number, event = entry[0], entry[1]
        line = {"event": number, "at": time.monotonic(), "payload": str(event.payload)[:200]}
        self._report.write(json.dumps(line) + "\n")
        super().append(entry)


class ReportingRunner(TriggerRunner):
    """
    Airflow's runner, which also measures the delays of its event loop.

    :param report: the file for events and delays.
    """

    def __init__(self, report: TextIO) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.events = TimedEvents(report)
        self._report = report
        self._latest = self._latest_of_code = 0.0
        self._collected = self._collection_began = 0.0
        gc.callbacks.append(self._note_collection)

    async def init_comms(self) -> None:
        """Start as Airflow does, and start to measure."""
        await super().init_comms()  # type: ignore[no-untyped-call]
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._write_delays)
        self._measurement = asyncio.create_task(self._measure())

    async def _measure(self) -> None:
        while True:
            expected, collected = time.monotonic() + INTERVAL, self._collecting()
            await asyncio.sleep(INTERVAL)
            late = time.monotonic() - expected
            self._latest = max(self._latest, late)
            self._latest_of_code = max(self._latest_of_code, late - (self._collecting() - collected))

    def _note_collection(self, phase: str, info: dict[str, int]) -> None:
        """Add up the time of garbage collections. Python calls this in any thread; all threads wait meanwhile."""
        if phase == "start":
            self._collection_began = time.monotonic()
        else:
            self._collected, self._collection_began = self._collecting(), 0.0

    def _collecting(self) -> float:
        """Return the seconds of garbage collection so far, including one that has not ended."""
        began = self._collection_began
        return self._collected + (time.monotonic() - began if began else 0.0)

    def _write_delays(self) -> None:
        line = {"late": self._latest, "late_of_code": self._latest_of_code, "triggers": len(self.triggers)}
        self._report.write(json.dumps(line) + "\n")
        self._latest = self._latest_of_code = 0.0


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", buffering=1) as opened:
        ReportingRunner(opened).run()  # type: ignore[no-untyped-call]
