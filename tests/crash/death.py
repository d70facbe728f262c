"""The death of a process: at calls that every task makes in both modes, and never after some time."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, NoReturn
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter

from eci_provider.api.models import ResponseModel
from eci_provider.api.transport.session import EciSession
from eci_provider.core import clock
from tests.crash.cells import Cell, Point
from tests.crash.scenario import fatal_request
from tests.crash.server import Server

#: Points at which the process dies while its request is on its way.
ON_ITS_WAY = (Point.COMMIT_SOON, Point.COMMIT_SETTLING, Point.COMMIT_BETWEEN, Point.COMMIT_LATE)
#: Number of the sleep of a wait in which a process dies.
FATAL_SLEEP = 3
#: Seconds between the last search of an attempt and its request, if the first request takes effect between them.
BETWEEN = 3000.0
#: Time by which Airflow's clock is ahead of the server's.
CLOCK_OFFSETS = {
    "even": timedelta(0),
    "ahead": timedelta(minutes=30),
    "behind": timedelta(minutes=-30),
    "3 h ahead": timedelta(hours=3),
    "3 h behind": timedelta(hours=-3),
}
#: Keys of XComs that hold the GUID or the batch id.
STORED_KEYS = ("task_guid", "batch_id")


class DeathPoint:
    """
    Point at which this process dies. Its methods are called at possible points, and kill the process at the right
    one.

    :param cell: the cell. At some of its points, the server or the parent process acts instead.
    :param phase: ``execute``, ``trigger`` or ``resume``.
    :param armed: whether it dies at all.
    """

    def __init__(self, cell: Cell, phase: str, *, armed: bool) -> None:
        self._cell = cell
        self._phase = phase
        self.armed = armed
        self._point = cell.point if armed else Point.NOWHERE
        self._answer = ""
        self._sleeps = 0
        # It dies in the second of two rounds; the first one's result is pushed before.
        self._is_early = cell.rounds > 1

    def dies(self, point: Point) -> None:
        """Die if the cell's point is this one."""
        if self._point is point:
            die()

    def is_at(self, method: str, path: str) -> bool:
        """Return whether a request is the fatal one, or a repetition of it."""
        return not self._is_early and is_fatal(self._cell, method, path)

    def before_output(self) -> None:
        """Call this before anything leaves the process."""
        if self._phase == "resume":
            self.dies(Point.RESUMING)

    def before_storing(self, key: str, value: Any) -> None:
        """Call this before a change of the task state."""
        self.before_output()
        if self._cell.is_import and self._holds_answer(value):
            self.dies(Point.AFTER_ANSWER)

    def after_storing(self, key: str, value: Any) -> None:
        """Call this after a change of the task state."""
        if self._cell.is_import and self._holds_answer(value):
            self.dies(Point.AFTER_STORING)

    def before_push(self, key: str, value: Any) -> None:
        """Call this before an XCom is pushed."""
        self.before_output()
        if key == "rounds":
            self._is_early = False

    def after_push(self, key: str, value: Any) -> None:
        """Call this after an XCom was pushed. If there is a task state, an import's GUID is in it already."""
        if key in STORED_KEYS and not self._is_early and not (self._cell.is_import and self._cell.remembers):
            self.dies(Point.AFTER_STORING)

    def after_answer(self, answer: Any) -> None:
        """Call this after the fatal request was answered."""
        fields = answer.documented() if isinstance(answer, ResponseModel) else {}
        self._answer = next(iter(fields.values()), "")
        if not (self._cell.is_import and self._cell.remembers):
            self.dies(Point.AFTER_ANSWER)

    def before_sleep(self) -> None:
        """
        Call this before a sleep. Sleeps before the answer to the fatal request are not a wait for the import.
        """
        if self._phase == "trigger" or self._answer:
            self._sleeps += 1
        if self._sleeps == FATAL_SLEEP:
            self.dies(Point.WAITING)
            self.dies(Point.WAITING_LONG)

    def _holds_answer(self, value: Any) -> bool:
        return bool(self._answer) and str(self._answer) in json.dumps(value)


def die() -> NoReturn:
    """End this process with SIGKILL, as an out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("the process has survived SIGKILL")


def watch_requests(cell: Cell, server: Server, death: DeathPoint) -> None:
    """Let the process die before or after its fatal request."""
    send: Callable[..., Any] = HTTPAdapter.send
    request: Callable[..., Any] = EciSession.request

    def watched_send(self: HTTPAdapter, prepared: Any, **arguments: Any) -> Any:
        death.before_output()
        if not death.is_at(prepared.method, urlsplit(prepared.url).path):
            return send(self, prepared, **arguments)
        death.dies(Point.BEFORE_REQUEST)
        if cell.point is Point.COMMIT_BETWEEN and not death.armed:
            server.advance(BETWEEN)
        try:
            return send(self, prepared, **arguments)
        except Exception:
            # The connection is lost while the request is on its way; see Point.
            for point in ON_ITS_WAY:
                death.dies(point)
            raise

    def watched_request(self: EciSession, operation: str, method: str, path: str, **arguments: Any) -> Any:
        answer = request(self, operation, method, path, **arguments)
        if death.is_at(method, path):
            death.after_answer(answer)
        return answer

    HTTPAdapter.send = watched_send
    EciSession.request = watched_request


def is_fatal(cell: Cell, method: str, path: str) -> bool:
    """Return whether a request is of the kind at which a cell's process dies."""
    wanted, pattern = fatal_request(cell)
    return method == wanted and fnmatchcase(path, pattern)


def use_server_clock(cell: Cell, server: Server, death: DeathPoint) -> None:
    """Replace the provider's clock: each sleep advances the server's clock instead."""
    moments = [server.now()]

    def sleep(seconds: float) -> None:
        death.before_sleep()
        moments.append(server.advance(seconds))

    async def sleep_async(seconds: float) -> None:
        sleep(seconds)

    def utc_now() -> datetime:
        return moments[-1] + CLOCK_OFFSETS[cell.clock]

    clock.sleep, clock.sleep_async, clock.utc_now = sleep, sleep_async, utc_now
