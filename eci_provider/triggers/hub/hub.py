"""One hub for all triggers of a connection in a triggerer: they share requests, and nothing else."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from datetime import datetime, timedelta
from typing import Any, cast
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async

from eci_provider.api.errors import EciConnectionError
from eci_provider.core import clock
from eci_provider.triggers.hub.elapsed import Elapsed
from eci_provider.triggers.hub.member import Member
from eci_provider.triggers.hub.runner import CycleRunner
from eci_provider.triggers.hub.thread import PollThread
from eci_provider.waiting.client import ClientProvider
from eci_provider.waiting.poller import Poller
from eci_provider.waiting.schedule import LONGEST_OBEYED

#: How many triggers get their outcome before others have their turn in the event loop.
_OUTCOMES_AT_ONCE = 50
#: How often a running cycle is watched, in seconds.
_WATCH_INTERVAL = 5.0
#: How many of the connection's timeouts a cycle may take, and a wait may exceed its deadline.
_TIMEOUTS_ALLOWED = 2

_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, PollHub]] = WeakKeyDictionary()
#: Until when servers asked for a pause, and of which host and key, for the next hub of the connection.
_pauses: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, tuple[datetime, int | None]]] = WeakKeyDictionary()


def join_hub(
    eci_conn_id: str,
    make_poller: Callable[[ClientProvider], Poller[Any]],
    *,
    task_guid: str | None = None,
    begun: datetime | None = None,
) -> tuple[PollHub, Member]:
    """
    Wait together with all triggers of this event loop that use the same connection.

    :param eci_conn_id: the Airflow connection.
    :param make_poller: makes the poller of the wait.
    :param task_guid: the import; None for what is polled singly.
    :param begun: when the import began, if that is known; imports that began long ago cost more.
    :return: the hub, which must be left at the end, and the member, whose future brings what the last poll found
        (plain JSON) or the error that ended the wait.
    """
    loop = asyncio.get_running_loop()
    for ref in _hubs.keyrefs():  # a copy, since the event loops of other threads come and go meanwhile
        other = ref()
        if other is not None and other.is_closed():
            _hubs.pop(other, None)  # it was closed before its tasks ended
    hubs = _hubs.setdefault(loop, {})
    hub = hubs.get(eci_conn_id) or hubs.setdefault(eci_conn_id, PollHub(loop, eci_conn_id))
    return hub, hub.join(make_poller(hub.client), task_guid, begun)


def open_hubs() -> list[PollHub]:
    """Return the hubs of all event loops in this process."""
    return [hub for hubs in list(_hubs.values()) for hub in hubs.values()]


class PollHub:
    """
    Run cycles of polls while members wait, in a thread of its own, so that no server blocks the event loop.

    :param loop: the event loop; everything but the cycles happens in it.
    :param eci_conn_id: the Airflow connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, eci_conn_id: str) -> None:
        self._loop = loop
        self._conn_id = eci_conn_id
        self._runner = CycleRunner(eci_conn_id)
        if pause := _pauses.get(loop, {}).pop(eci_conn_id, None):
            until, identity = pause
            self._runner.start_quiet(min((until - clock.utc_now()).total_seconds(), LONGEST_OBEYED), identity)
        self._thread = PollThread(f"eci-poll-{eci_conn_id}")
        self._members: dict[Member, None] = {}
        # The hub's own clock counts pauses as they were planned, so that a test can turn the time.
        self._at, self._since = 0.0, Elapsed()
        self._next = self._joined = math.inf
        self._wake: asyncio.Future[None] | None = None
        # In an empty context: what all members share must not be logged as the first one's.
        self._task: asyncio.Task[None] = Context().run(loop.create_task, self._run())

    @property
    def client(self) -> ClientProvider:
        """Return the client of the members."""
        return self._runner.client

    @property
    def is_pausing(self) -> bool:
        """Return whether the hub sleeps until its next cycle, and nothing has woken it."""
        return self._wake is not None and not self._wake.done()

    def join(self, poller: Poller[Any], guid: str | None, begun: datetime | None) -> Member:
        """
        Add a member; its first poll is due at once, or with the next cycle if one has just run, or after a pause
        that its poller begins with.

        :param poller: the poller of the wait.
        :param guid: the import; None for what is polled singly.
        :param begun: when the import began, if that is known.
        """
        if not self._members:
            # All have left while a cycle hangs, and the connection may have changed since.
            self._runner.client.expire()
        member = Member(poller, self._loop.create_future(), guid, begun)
        self._members[member] = None
        now = self._now()
        if poller.delay:
            member.planned = member.due = now + poller.delay
        moment = self._runner.next_poll(member, now)
        self._joined = min(self._joined, moment if moment > now else self._at)
        if moment < self._next:
            self._wake_up()
        return member

    def leave(self, member: Member) -> None:
        """
        Remove a member. The last one ends the hub, but not before its cycle: a server that hangs takes
        one thread, and not one for each trigger that came and went.

        :param member: what :meth:`join` returned.
        """
        self._members.pop(member, None)
        if not self._members and not self._loop.is_closed():
            self._wake_up()

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _run(self) -> None:
        try:
            while self._members:
                await self._pause()
                await self._run_cycle()
        except Exception as error:
            # Whatever it is must reach the tasks, which would otherwise wait for ever.
            self._forget()
            await self._resolve([(member, error) for member in self._members])
        finally:
            self._forget()
            for member in self._members:
                if not self._loop.is_closed():
                    member.future.cancel()
            # In its thread, and so after a cycle that still hangs there.
            with suppress(RuntimeError):
                self._thread.submit(self._runner.close)
            self._thread.shutdown(wait=False)

    async def _pause(self) -> None:
        """Sleep until the next cycle is due, or a member that is due earlier joins."""
        while self._members:
            self._next, self._joined = min(self._next, self._joined), math.inf
            pause = min(self._next - self._at, LONGEST_OBEYED)
            if pause <= 0:
                return
            self._wake = self._loop.create_future()
            sleep = self._loop.create_task(clock.sleep_async(pause))
            try:
                await asyncio.wait((sleep, self._wake), return_when=asyncio.FIRST_COMPLETED)
                slept = pause if sleep.done() else 0.0
                self._set_clock(max(self._at + slept, self._now()))
            finally:
                self._wake = None
                sleep.cancel()
            if slept:
                sleep.result()  # raises if the event loop ends
                return

    async def _run_cycle(self) -> None:
        if not self._members:
            return
        self._next = math.inf
        cycle = await self._in_thread(self._runner.start_cycle, list(self._members), self._at)
        await self._resolve(cycle.ended)
        cycle.ended.clear()
        await self._in_thread(self._runner.finish_cycle, cycle)
        self._set_clock(cycle.end)
        self._next = cycle.next_due
        await self._resolve(cycle.ended)

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        # Not asyncio.to_thread: Airflow 3.0 looks connections up through the event loop that asgiref knows.
        in_thread = sync_to_async(work, thread_sensitive=False, executor=cast("Any", self._thread))
        running, began = asyncio.ensure_future(in_thread(*arguments)), clock.utc_now()
        try:
            while not (await asyncio.wait((running,), timeout=_WATCH_INTERVAL))[0]:
                await self._end_late_waits(began)
            return running.result()
        finally:
            running.cancel()

    async def _end_late_waits(self, began: datetime) -> None:
        """End the waits whose deadline has long passed while the thread hangs in work that began at a moment."""
        allowed = _TIMEOUTS_ALLOWED * self._runner.client.timeout
        if (clock.utc_now() - began).total_seconds() < allowed:
            return
        late = [member for member in self._members if member.poller.schedule.seconds_left() <= -allowed]
        cause = EciConnectionError(
            f"There was no complete answer within {allowed:g} s.",
            kind="timeout",
            sent=True,
            method="GET",
            path="",
        )
        await self._resolve([(member, member.poller.timeout_error(cause)) for member in late])

    async def _resolve(self, ended: list[tuple[Member, Any]]) -> None:
        """Give members their outcome."""
        for number, (member, outcome) in enumerate(ended, start=1):
            self._members.pop(member, None)
            if not member.future.done():
                member.future.set_result(outcome)
            if number % _OUTCOMES_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _now(self) -> float:
        return self._at + self._since.seconds()

    def _set_clock(self, moment: float) -> None:
        self._at, self._since = moment, Elapsed()

    def _forget(self) -> None:
        hubs = _hubs.get(self._loop, {})
        if hubs.get(self._conn_id) is self:
            del hubs[self._conn_id]
            seconds, identity = self._runner.remaining_pause(self._now())
            if seconds > 0:
                until = clock.utc_now() + timedelta(seconds=seconds)
                _pauses.setdefault(self._loop, {})[self._conn_id] = until, identity
