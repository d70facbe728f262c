"""The run of one cell: the task runs and dies, and Airflow's part is played until the task has ended."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.crash.cells import DOUBLED, HOURS_APART, Cell, Point
from tests.crash.death import BETWEEN, CLOCK_OFFSETS
from tests.crash.process import phase, start_process
from tests.crash.scenario import DAY, Scenario, fatal_request
from tests.crash.server import Server
from tests.crash.task_record import TaskRecord

#: Real seconds after which a process counts as hanging.
LONGEST_PROCESS = 30.0
#: More processes than any cell needs.
MOST_PROCESSES = 12

#: How the sandbox treats the request at which the process dies.
_FAULTS: dict[Point, dict[str, Any]] = {
    Point.BEFORE_COMMIT: {"hang": True, "commit": False},
    Point.AFTER_COMMIT: {"hang": True, "commit": True},
    # The next attempt searches one second after the crash, and again 15 seconds later.
    Point.COMMIT_SOON: {"drop": "late", "commit_after": 0.5},
    Point.COMMIT_SETTLING: {"drop": "late", "commit_after": 10},
    Point.COMMIT_LATE: {"drop": "late", "commit_after": 20},
    # Until the next attempt sends its own request; see tests.crash.death.
    Point.COMMIT_BETWEEN: {"drop": "late", "commit_after": BETWEEN},
}
#: Which answer to a doubled request comes back.
DOUBLES = dict(zip(DOUBLED, ("first", "second"), strict=True))
_DIES_IN_WAIT = (Point.WAITING, Point.WAITING_LONG)
_DIES_AT_END = (Point.RESUMING, Point.BEFORE_RESULT, Point.AFTER_RESULT, Point.AFTER_SUCCESS)


@dataclass
class CellResult:
    """
    Result of a cell.

    :param record: Airflow's record at the end.
    :param state: the server's state at the end.
    :param log: output of the processes.
    :param died: number of processes that were killed.
    :param problems: problems of the run itself.
    """

    record: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    log: str = ""
    died: int = 0
    problems: list[str] = field(default_factory=list)


class CellRun:
    """
    Run of one cell.

    :param cell: the cell.
    :param server: the sandbox, which is reset.
    :param folder: folder for the task's files.
    :param other_key: the API key of another user.
    """

    def __init__(self, cell: Cell, server: Server, folder: Path, other_key: str) -> None:
        self._cell = cell
        self._server = server
        self._record = TaskRecord(folder / "record.json")
        self._log = folder / "processes.log"
        self._scenario = Scenario(cell, server, folder, other_key)
        self._result = CellResult()

    def run(self) -> CellResult:
        """Run the cell to its end."""
        self._log.write_text("")
        self._server.control("POST", "reset")
        self._scenario.prepare()
        self._record.start(self._server.now() + CLOCK_OFFSETS[self._cell.clock])
        if self._cell.course.startswith("success"):
            self._succeed_and_clear()
        self._run_to_the_end(armed=self._cell.point is not Point.NOWHERE)
        # Requests that are still on their way take effect.
        self._server.advance(3600)
        self._result.record = self._record.all()
        self._result.state = self._server.control("GET", "state")
        self._result.log = self._log.read_text()
        return self._result

    def _succeed_and_clear(self) -> None:
        """Run the task to its successes, and clear it, in the order of the course of the cell."""
        for step in self._cell.course.split(", "):
            if step == "success":
                self._run_to_the_end(armed=False)
                self._expect_success()
                self._server.advance(DAY)
            elif step != "crash":
                self._record.clear(discards_state=step == "discard")

    def _expect_success(self) -> None:
        end = self._record.read("end") or {}
        if end.get("state") != "success":
            self._result.problems.append(f"the first run did not succeed: {end}")

    def _run_to_the_end(self, *, armed: bool) -> None:
        """Run one process after the other, as Airflow does."""
        for _ in range(MOST_PROCESSES):
            now = phase(self._record)
            dies = armed and self._dies_in(now)
            died = self._run_process(dies=dies)
            if dies and not died:
                self._result.problems.append(f"the point was not reached: the process of {now} did not die")
                return
            if died:
                armed = False
                self._after_death(now)
                continue
            end = self._record.read("end")
            if end is None:
                continue  # the task was deferred, or its trigger has fired
            if end["is_final"] or self._record.read("try_number") > self._record.read("max_tries"):
                return
            self._server.advance(1)
            self._record.next_attempt()
        self._result.problems.append("it does not end")

    def _dies_in(self, now: str) -> bool:
        point = self._cell.point
        if not self._cell.deferrable:
            return now == "execute"
        is_late = self._cell.rounds > 1 and "rounds" not in self._record.read("xcoms")
        if point in _DIES_IN_WAIT:
            return now == "trigger" and not is_late
        if point in _DIES_AT_END:
            return now == "resume" and not is_late
        return now == ("resume" if self._cell.rounds > 1 else "execute")

    def _after_death(self, now: str) -> None:
        """Let others import, then do what Airflow does after the death of a process."""
        self._result.died += 1
        self._scenario.company()
        # A search must not be saved by its margin if the next attempt starts soon, so it starts late.
        late = self._cell.point is Point.WAITING_LONG or self._cell.clock in HOURS_APART
        self._server.advance(3600 if late else 1)
        if self._cell.course in ("clear", "discard"):
            self._record.clear(discards_state=self._cell.course == "discard")
        elif now != "trigger":  # after the death of a triggerer, its triggers are restarted in the same attempt
            self._record.next_attempt()

    def _run_process(self, *, dies: bool) -> bool:
        """Run one process, and return whether it was killed."""
        method, pattern = fatal_request(self._cell)
        fault = _FAULTS.get(self._cell.point) if dies else None
        double = self._double()
        if double:
            # A fault that hits all requests would hit the fatal one first, so it is added again after the other.
            self._server.control("DELETE", "faults")
        if fault:
            self._server.control("DELETE", "requests")
            where = {"method": method, "path": pattern, "skip": self._skipped()}
            self._server.control("POST", "faults", **where, **fault, **double)
        if double:
            self._server.control("POST", "faults", method=method, path=pattern, times=None, **double)
        kills = fault is not None and "hang" in fault
        arrivals = 1 + self._skipped()
        child = start_process(self._scenario, self._record, self._log, armed=dies)
        began = time.monotonic()
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            if kills and self._hangs(method, pattern, arrivals):
                os.kill(child, signal.SIGKILL)
                kills = False
            elif time.monotonic() - began > LONGEST_PROCESS:
                self._result.problems.append(f"a process took longer than {LONGEST_PROCESS:.0f} s")
                os.kill(child, signal.SIGKILL)
                began = time.monotonic()
            time.sleep(0.002)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if killed and not dies:
            self._result.problems.append("a process was killed that must not be")
        if not killed and os.waitstatus_to_exitcode(status):
            self._result.problems.append(f"a process ended with code {os.waitstatus_to_exitcode(status)}")
        return killed

    def _double(self) -> dict[str, str]:
        """Return how the sandbox doubles requests of the fatal kind; empty if it does not."""
        return {"double": DOUBLES[self._cell.habit]} if self._cell.habit in DOUBLES else {}

    def _skipped(self) -> int:
        """Return the number of requests of the fatal kind that the dying process sends before the fatal one."""
        return 1 if self._cell.rounds > 1 and not self._cell.deferrable else 0

    def _hangs(self, method: str, pattern: str, arrivals: int) -> bool:
        """Return whether the fatal request has arrived, and has taken effect if it must."""
        arrived = [
            request
            for request in self._server.control("GET", "requests")
            if request["method"] == method and fnmatchcase(request["path"], pattern)
        ]
        if len(arrived) < arrivals:
            return False
        return arrived[-1]["status"] is not None or self._cell.point is Point.BEFORE_COMMIT
