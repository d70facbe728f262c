"""Where a process dies: at seams that every way of running a task passes, never by the clock."""

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

from eci_provider.api.transport.session import EciSession
from eci_provider.core import clock
from tests.crash.cells import Cell, Point
from tests.crash.server import Server
from tests.crash.stage import victim

#: Where the process dies with its request on the way.
ON_ITS_WAY = (Point.COMMIT_SOON, Point.COMMIT_SETTLING, Point.COMMIT_BETWEEN, Point.COMMIT_LATE)
#: In which sleep of a wait a process dies.
FATAL_SLEEP = 3
#: Seconds that pass between the last look of a try and its request, where the first request commits between them.
BETWEEN = 3000.0
#: How far Airflow's clock is ahead of the server's.
SKEW = {"even": timedelta(0), "ahead": timedelta(minutes=30), "behind": timedelta(minutes=-30)}
#: What is pushed or kept with the GUID, or with the batch's number.
STORED_KEYS = ("task_guid", "batch_id")


class Doom:
    """
    Know where this process dies, and let it die there.

    :param cell: the cell; of its points, those that the server or the parent brings about are passed over.
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
        # The first of two rounds is passed over: its end is pushed before the second begins.
        self._is_early = cell.operator == "rounds"

    def dies(self, point: Point) -> None:
        """Die if this is the point."""
        if self._point is point:
            die()

    def meets(self, method: str, path: str) -> bool:
        """Tell whether a request is the one at which the process dies, or will when it is sent again."""
        return not self._is_early and is_victim(self._cell, method, path)

    def acts(self) -> None:
        """Note that something is about to leave the process."""
        if self._phase == "resume":
            self.dies(Point.RESUMING)

    def before_storing(self, key: str, value: Any) -> None:
        """Note what is about to be kept in the task state."""
        self.acts()
        if self._cell.is_import and self._holds_answer(value):
            self.dies(Point.AFTER_ANSWER)

    def after_storing(self, key: str, value: Any) -> None:
        """Note what was kept in the task state."""
        if self._cell.is_import and self._holds_answer(value):
            self.dies(Point.AFTER_STORING)

    def before_push(self, key: str, value: Any) -> None:
        """Note what is about to be pushed as XCom."""
        self.acts()
        if key == "rounds":
            self._is_early = False

    def after_push(self, key: str, value: Any) -> None:
        """Note what was pushed; where there is a task state, an import's GUID is stored before."""
        if key in STORED_KEYS and not self._is_early and not (self._cell.is_import and self._cell.remembers):
            self.dies(Point.AFTER_STORING)

    def sent(self, answer: Any) -> None:
        """Note that the request which creates was answered."""
        self._answer = next(iter(answer.values()), "") if isinstance(answer, dict) else ""
        if not (self._cell.is_import and self._cell.remembers):
            self.dies(Point.AFTER_ANSWER)

    def sleeps(self) -> None:
        """Note a sleep; those before the request was answered are no wait for the import."""
        if self._phase == "trigger" or self._answer:
            self._sleeps += 1
        if self._sleeps == FATAL_SLEEP:
            self.dies(Point.WAITING)
            self.dies(Point.WAITING_LONG)

    def _holds_answer(self, value: Any) -> bool:
        return bool(self._answer) and str(self._answer) in json.dumps(value)


def die() -> NoReturn:
    """End this process as an out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it lives")


def doom_requests(cell: Cell, server: Server, doom: Doom) -> None:
    """Let the process die around the request that creates."""
    send: Callable[..., Any] = HTTPAdapter.send
    request: Callable[..., Any] = EciSession.request

    def doomed_send(self: HTTPAdapter, prepared: Any, **arguments: Any) -> Any:
        doom.acts()
        if not doom.meets(prepared.method, urlsplit(prepared.url).path):
            return send(self, prepared, **arguments)
        doom.dies(Point.BEFORE_REQUEST)
        if cell.point is Point.COMMIT_BETWEEN and not doom.armed:
            server.advance(BETWEEN)
        try:
            return send(self, prepared, **arguments)
        except Exception:
            # Its connection is lost and the request on its way: see Point.
            for point in ON_ITS_WAY:
                doom.dies(point)
            raise

    def doomed_request(self: EciSession, operation: str, method: str, path: str, **arguments: Any) -> Any:
        answer = request(self, operation, method, path, **arguments)
        if doom.meets(method, path):
            doom.sent(answer.data)
        return answer

    HTTPAdapter.send = doomed_send
    EciSession.request = doomed_request


def is_victim(cell: Cell, method: str, path: str) -> bool:
    """Tell whether a request is of the kind at which a cell's process dies."""
    wanted, pattern = victim(cell)
    return method == wanted and fnmatchcase(path, pattern)


def turn_clock(cell: Cell, server: Server, doom: Doom) -> None:
    """Let the provider's time go with the server's: who sleeps turns it."""
    moments = [server.now()]

    def sleep(seconds: float) -> None:
        doom.sleeps()
        moments.append(server.advance(seconds))

    async def sleep_async(seconds: float) -> None:
        sleep(seconds)

    def utc_now() -> datetime:
        return moments[-1] + SKEW[cell.clock]

    clock.sleep, clock.sleep_async, clock.utc_now = sleep, sleep_async, utc_now
