"""One poller for all triggers of a connection in a triggerer: they share requests, and nothing else."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async

from eci_provider.api.errors import EciConnectionError
from eci_provider.core import clock
from eci_provider.triggers.poll_thread import PollThread
from eci_provider.triggers.polling import HubPoller
from eci_provider.triggers.rounds import Elapsed, Member
from eci_provider.waiting.schedule import LONGEST_OBEYED

if TYPE_CHECKING:
    from eci_provider.triggers.shared_client import ClientProvider
    from eci_provider.waiting.poller import Poller

#: How many triggers are told of their ends before others have their turn in the event loop.
_TOLD_AT_ONCE = 50
#: Every how many seconds a round that goes on is looked at, and how many of the connection's time-outs it, and a
#: wait beyond its deadline, may take.
_WATCHED_EVERY = 5.0
_PATIENCE = 2

_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, PollHub]] = WeakKeyDictionary()
#: Until when servers asked for a pause, and of which host and key, for the next hub of the connection.
_pauses: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, tuple[datetime, int | None]]] = WeakKeyDictionary()


def join_hub(
    eci_conn_id: str,
    make_wait: Callable[[ClientProvider], Poller[Any]],
    *,
    task_guid: str | None = None,
    begun: datetime | None = None,
) -> tuple[PollHub, Member]:
    """
    Wait together with all others of this event loop that use the same connection.

    :param eci_conn_id: the Airflow connection.
    :param make_wait: makes the wait.
    :param task_guid: the import waited for; None for what is looked at singly.
    :param begun: when the import began, as far as that is known; imports that began long ago cost more.
    :return: the hub, to be left in the end whatever happens, and the member, whose future brings what was last
        found, as plain JSON, or the error that ended the wait.
    """
    loop = asyncio.get_running_loop()
    for ref in _hubs.keyrefs():  # a copy, since the loops of other threads come and go meanwhile
        other = ref()
        if other is not None and other.is_closed():
            _hubs.pop(other, None)  # it ended without an end of its tasks
    hubs = _hubs.setdefault(loop, {})
    hub = hubs.get(eci_conn_id) or hubs.setdefault(eci_conn_id, PollHub(loop, eci_conn_id))
    return hub, hub.join(make_wait(hub.client), task_guid, begun)


class PollHub:
    """
    Make rounds as long as somebody waits: each in the hub's own thread, so that no server holds up the event loop.

    :param loop: the event loop; everything but the rounds happens in it.
    :param eci_conn_id: the Airflow connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, eci_conn_id: str) -> None:
        self._loop = loop
        self._conn_id = eci_conn_id
        self._poller = HubPoller(eci_conn_id)
        if pause := _pauses.get(loop, {}).pop(eci_conn_id, None):
            until, identity = pause
            self._poller.hold(min((until - clock.utc_now()).total_seconds(), LONGEST_OBEYED), identity)
        self._thread = PollThread(f"eci-poll-{eci_conn_id}")
        self._members: dict[Member, None] = {}
        # The hub's own clock, which counts pauses as they were meant: a test that turns the time does not wait.
        self._at, self._since = 0.0, Elapsed()
        self._next = self._joined = math.inf
        self._wake: asyncio.Future[None] | None = None
        # In an empty context: what all share is not to be logged as the first one's.
        self._task: asyncio.Task[None] = Context().run(loop.create_task, self._run())

    @property
    def client(self) -> ClientProvider:
        """Return what gives the client to those who wait."""
        return self._poller.client

    def join(self, wait: Poller[Any], guid: str | None, begun: datetime | None) -> Member:
        """
        Take part: the first look is at once, or with the next round if one has just been.

        :param wait: the wait.
        :param guid: the import; None for what has no list.
        :param begun: when it began, as far as that is known.
        """
        if not self._members:
            # All have left while a round hangs, and the connection may have been changed since.
            self._poller.client.doubt()
        member = Member(wait, self._loop.create_future(), guid, begun)
        self._members[member] = None
        now = self._now()
        moment = self._poller.next_look(member, now)
        self._joined = min(self._joined, moment if moment > now else self._at)
        if self._wake is not None and not self._wake.done() and moment < self._next:
            self._wake.set_result(None)
        return member

    def leave(self, member: Member) -> None:
        """
        Take part no more; the last who leaves ends the hub, but not before its round: a server that hangs holds up
        one thread, and not one for each that came and went.

        :param member: what :meth:`join` returned.
        """
        self._members.pop(member, None)
        if self._members or self._wake is None:
            return
        if not self._wake.done() and not self._loop.is_closed():
            self._wake.set_result(None)

    async def _run(self) -> None:
        try:
            while self._members:
                await self._pause()
                await self._round()
        except Exception as error:
            # Whatever it was must reach the tasks, which would otherwise wait for ever.
            self._forget()
            await self._tell([(member, error) for member in self._members])
        finally:
            self._forget()
            for member in self._members:
                if not self._loop.is_closed():
                    member.future.cancel()
            # In its thread, and thus after a round that still hangs there.
            with suppress(RuntimeError):
                self._thread.submit(self._poller.close)
            self._thread.shutdown(wait=False)

    async def _pause(self) -> None:
        """Sleep until the next round is due, unless somebody joins who is due before."""
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
                self._set(max(self._at + slept, self._now()))
            finally:
                self._wake = None
                sleep.cancel()
            if slept:
                sleep.result()  # says so when the event loop ends
                return

    async def _round(self) -> None:
        if not self._members:
            return
        self._next = math.inf
        this = await self._in_thread(self._poller.ask_list, list(self._members), self._at)
        await self._tell(this.ended)
        this.ended.clear()
        await self._in_thread(self._poller.ask_singly, this)
        self._set(this.end)
        self._next = this.next_due
        await self._tell(this.ended)

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        # Not asyncio.to_thread: on Airflow 3.0 a connection is looked up through the loop that this one knows.
        in_thread = sync_to_async(work, thread_sensitive=False, executor=cast("Any", self._thread))
        running, began = asyncio.ensure_future(in_thread(*arguments)), clock.utc_now()
        try:
            while not (await asyncio.wait((running,), timeout=_WATCHED_EVERY))[0]:
                await self._give_up_the_late(began)
            return running.result()
        finally:
            running.cancel()

    async def _give_up_the_late(self, began: datetime) -> None:
        """End those whose deadline is long over, while the thread hangs in what began at a moment."""
        patience = _PATIENCE * self._poller.client.timeout
        if (clock.utc_now() - began).total_seconds() < patience:
            return
        late = [member for member in self._members if member.wait.schedule.seconds_left() <= -patience]
        cause = EciConnectionError(
            f"There was no complete answer within {patience:g} s.",
            kind="timeout",
            sent=True,
            method="GET",
            path="",
        )
        await self._tell([(member, member.wait.timeout_error(cause)) for member in late])

    async def _tell(self, ended: list[tuple[Member, Any]]) -> None:
        for number, (member, outcome) in enumerate(ended, start=1):
            self._members.pop(member, None)
            if not member.future.done():
                member.future.set_result(outcome)
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _now(self) -> float:
        return self._at + self._since.seconds()

    def _set(self, moment: float) -> None:
        self._at, self._since = moment, Elapsed()

    def _forget(self) -> None:
        hubs = _hubs.get(self._loop, {})
        if hubs.get(self._conn_id) is self:
            del hubs[self._conn_id]
            held, identity = self._poller.held(self._now())
            if held > 0:
                until = clock.utc_now() + timedelta(seconds=held)
                _pauses.setdefault(self._loop, {})[self._conn_id] = until, identity
