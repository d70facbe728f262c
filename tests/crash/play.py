"""Play a cell: run the task, let it die, do what Airflow does then, until the task has ended."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.crash.cells import Cell, Point
from tests.crash.dying import BETWEEN, SKEW
from tests.crash.life import born, phase
from tests.crash.memory import Memory
from tests.crash.server import Server
from tests.crash.stage import DAY, Stage, victim

#: Real seconds after which a process counts as hanging.
LONGEST_LIFE = 30.0
#: More lives than any cell needs.
MOST_LIVES = 12

#: How the sandbox treats the request at which the process dies.
_FAULTS: dict[Point, dict[str, Any]] = {
    Point.BEFORE_COMMIT: {"hang": True, "commit": False},
    Point.AFTER_COMMIT: {"hang": True, "commit": True},
    # The next try looks one second after the crash, and again when 15 more have passed.
    Point.COMMIT_SOON: {"drop": "late", "commit_after": 0.5},
    Point.COMMIT_SETTLING: {"drop": "late", "commit_after": 10},
    Point.COMMIT_LATE: {"drop": "late", "commit_after": 20},
    # Until the next try sends its own, see tests.crash.dying.
    Point.COMMIT_BETWEEN: {"drop": "late", "commit_after": BETWEEN},
}
_DIES_IN_WAIT = (Point.WAITING, Point.WAITING_LONG)
_DIES_AT_END = (Point.RESUMING, Point.BEFORE_RESULT, Point.AFTER_RESULT, Point.AFTER_SUCCESS)


@dataclass
class Played:
    """
    Hold what became of a cell.

    :param memory: what Airflow knows at the end.
    :param state: what the server holds at the end.
    :param log: what the processes wrote.
    :param died: how many processes were killed.
    :param complaints: what went wrong with playing itself.
    """

    memory: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    log: str = ""
    died: int = 0
    complaints: list[str] = field(default_factory=list)


class Play:
    """
    Play one cell.

    :param cell: the cell.
    :param server: the sandbox; it is reset.
    :param folder: for the task's files.
    :param other_key: the API key of another user.
    """

    def __init__(self, cell: Cell, server: Server, folder: Path, other_key: str) -> None:
        self._cell = cell
        self._server = server
        self._memory = Memory(folder / "memory.json")
        self._log = folder / "processes.log"
        self._stage = Stage(cell, server, folder, other_key)
        self._played = Played()

    def run(self) -> Played:
        """Play it to its end."""
        self._log.write_text("")
        self._server.control("POST", "reset")
        self._stage.set()
        self._memory.start(self._server.now() + SKEW[self._cell.clock])
        if self._cell.course.startswith("success"):
            self._to_the_end(armed=False)
            self._expect_success()
            self._server.advance(DAY)
            self._memory.clear()
        self._to_the_end(armed=self._cell.point is not Point.NOWHERE)
        # What was on its way arrives at last.
        self._server.advance(3600)
        self._played.memory = self._memory.all()
        self._played.state = self._server.control("GET", "state")
        self._played.log = self._log.read_text()
        return self._played

    def _expect_success(self) -> None:
        end = self._memory.read("end") or {}
        if end.get("state") != "success":
            self._played.complaints.append(f"the first run did not succeed: {end}")

    def _to_the_end(self, *, armed: bool) -> None:
        """Run process after process as Airflow does."""
        for _ in range(MOST_LIVES):
            now = phase(self._memory)
            doomed = armed and self._dies_in(now)
            died = self._one_life(doomed=doomed)
            if doomed and not died:
                self._played.complaints.append(f"the point was not reached: the process of {now} lived on")
                return
            if died:
                armed = False
                self._after_death(now)
                continue
            end = self._memory.read("end")
            if end is None:
                continue  # deferred, or the trigger has fired
            if end["is_final"] or self._memory.read("try_number") > self._memory.read("max_tries"):
                return
            self._server.advance(1)
            self._memory.next_try()
        self._played.complaints.append("it does not come to an end")

    def _dies_in(self, now: str) -> bool:
        point = self._cell.point
        if not self._cell.deferrable:
            return now == "execute"
        is_late = self._cell.operator == "rounds" and "rounds" not in self._memory.read("xcoms")
        if point in _DIES_IN_WAIT:
            return now == "trigger" and not is_late
        if point in _DIES_AT_END:
            return now == "resume" and not is_late
        return now == ("resume" if self._cell.operator == "rounds" else "execute")

    def _after_death(self, now: str) -> None:
        """Do what Airflow does about a process that is gone; meanwhile others import."""
        self._played.died += 1
        self._stage.company()
        self._server.advance(3600 if self._cell.point is Point.WAITING_LONG else 1)
        if self._cell.course == "clear":
            self._memory.clear()
        elif now != "trigger":  # a triggerer's death is no new try: its triggers are started again
            self._memory.next_try()

    def _one_life(self, *, doomed: bool) -> bool:
        """Run one process, and tell whether it was killed."""
        method, pattern = victim(self._cell)
        fault = _FAULTS.get(self._cell.point) if doomed else None
        if fault:
            self._server.control("DELETE", "requests")
            self._server.control("POST", "faults", method=method, path=pattern, skip=self._passed_over(), **fault)
        kills = fault is not None and "hang" in fault
        arrivals = 1 + self._passed_over()
        child = born(self._stage, self._memory, self._log, armed=doomed)
        began = time.monotonic()
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            if kills and self._hangs(method, pattern, arrivals):
                os.kill(child, signal.SIGKILL)
                kills = False
            elif time.monotonic() - began > LONGEST_LIFE:
                self._played.complaints.append(f"a process lived longer than {LONGEST_LIFE:.0f} s")
                os.kill(child, signal.SIGKILL)
                began = time.monotonic()
            time.sleep(0.002)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if killed and not doomed:
            self._played.complaints.append("a process was killed that should have lived")
        if not killed and os.waitstatus_to_exitcode(status):
            self._played.complaints.append(f"a process ended with {os.waitstatus_to_exitcode(status)}")
        return killed

    def _passed_over(self) -> int:
        """Return how many requests of the victim's kind the doomed life sends before it."""
        return 1 if self._cell.operator == "rounds" and not self._cell.deferrable else 0

    def _hangs(self, method: str, pattern: str, arrivals: int) -> bool:
        """Tell whether the request has arrived and taken its effect, if it is to have one."""
        arrived = [
            request
            for request in self._server.control("GET", "requests")
            if request["method"] == method and fnmatchcase(request["path"], pattern)
        ]
        if len(arrived) < arrivals:
            return False
        return arrived[-1]["status"] is not None or self._cell.point is Point.BEFORE_COMMIT
