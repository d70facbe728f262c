"""One round of looks: who takes part, and what its answers mean for each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError
from eci_provider.core import clock

if TYPE_CHECKING:
    from asyncio import Future

    from eci_provider.api.tasks import TaskResponse
    from eci_provider.waiting.poller import Poller

#: How long before joining an import began at most, where that is not known: a wait of six hours, and some.
_UNKNOWN_AGE = timedelta(hours=24)
#: How long ago an import may have begun by what EnergyCAP says, and how far ahead that may lie: time zones differ.
_OLDEST = timedelta(days=35)
_AHEAD = timedelta(days=1)
#: Seconds between the beginnings of two rounds, at least.
GAP = 0.9
#: Single looks a second, at most.
SINGLE_LOOKS = 10.0
#: For how many looks an import that the list does not show is not looked for in it, at most.
_MOST_SKIPS = 16


class Elapsed:
    """Count seconds by the machine's clock and the wall's, whichever says less; so a test can turn them."""

    __slots__ = ("_by_machine", "_by_wall")

    def __init__(self) -> None:
        self._by_machine, self._by_wall = time.monotonic(), clock.utc_now()

    def seconds(self) -> float:
        """Return how many have passed; a wall clock that is set makes them fewer, and never more."""
        by_wall = (clock.utc_now() - self._by_wall).total_seconds()
        return max(0.0, min(time.monotonic() - self._by_machine, by_wall))


class Member:
    """
    Hold one trigger's wait among those of a hub.

    :param wait: the wait.
    :param future: what the trigger waits for: what was found, or the error that ended the wait.
    :param guid: the import; None for what has no list.
    :param begun: when it began, as far as that is known.
    """

    __slots__ = (
        "begun",
        "context",
        "due",
        "free",
        "future",
        "guid",
        "is_apart",
        "misses",
        "planned",
        "skips",
        "wait",
    )

    def __init__(self, wait: Poller[Any], future: Future[Any], guid: str | None, begun: datetime | None) -> None:
        self.wait = wait
        self.future = future
        self.guid = guid.lower() if guid else None
        self.begun = begun or clock.utc_now() - _UNKNOWN_AGE
        # Log lines about a wait belong to its trigger, whoever finds out.
        self.context: Context = copy_context()
        #: When the next look is due, when it was before it was put off (None before the first), and for how many
        #: of those seconds because the server asked for it.
        self.due = -math.inf
        self.planned: float | None = None
        self.free = 0.0
        #: How many looks the list is passed over for, and how often in a row it did not show the import.
        self.skips = self.misses = 0
        #: Whether it is so much older than others that the list would be too long with it.
        self.is_apart = False

    @property
    def is_listed(self) -> bool:
        """Tell whether the list is likely to show it."""
        return self.guid is not None and self.skips == 0 and not self.is_apart

    @property
    def is_at_its_end(self) -> bool:
        """Tell whether its deadline is here, so that this look is the last."""
        return self.wait.schedule.seconds_left() <= 0

    def put_off(self, now: float, until: float, *, asked_until: float) -> None:
        """
        Do not look before a moment, except at the deadline.

        :param now: the present.
        :param until: the moment.
        :param asked_until: how far the server itself asked for that.
        """
        if now >= until or self.due >= until:
            return
        before = max(now, self.due)
        self.due = max(before, min(until, now + max(0.0, self.wait.schedule.seconds_left())))
        self.free += max(0.0, min(self.due, asked_until) - before)

    def resume(self, now: float) -> None:
        """
        Look now: what it was put off for does not hold any more.

        :param now: the present.
        """
        if self.due > now:
            self.due = now
            self.free = min(self.free, now - (self.planned or now))

    def was_listed(self, task: TaskResponse) -> None:
        """Note that the list shows it."""
        self.skips = self.misses = 0
        self.learn(task)

    def was_missed(self) -> None:
        """Note that the list does not show it: it may be too young for it, or not be shown at all."""
        self.skips = min(2**self.misses, _MOST_SKIPS)
        self.misses += 1

    def learn(self, found: Any) -> None:
        """Note when it began, by EnergyCAP's own clock; what cannot be true would make the list long for all."""
        from eci_provider.api.tasks import parse_datetime

        text = getattr(found, "begin_date", None)
        if self.guid is not None and text:
            try:
                begun = parse_datetime(text)
            except (ValueError, OverflowError):
                return
            if -_AHEAD <= clock.utc_now() - begun <= _OLDEST:
                self.begun = begun


def shared(error: EciError) -> EciError:
    """Return the failure of a single look as everybody's: it names the path, and not whose look it was."""
    own_path = getattr(error, "path", "")
    if not own_path:
        return error
    path = f"{own_path.rpartition('/')[0]}/..."
    general = copy(error)
    general.args = (error.message.replace(own_path, path),)
    general.details = {**error.details, "path": path}
    general.path = path  # type: ignore[attr-defined]
    return general


@dataclass
class Round:
    """
    Hold one round.

    :param members: all who wait.
    :param now: when it begins, by the hub's clock, in seconds.
    """

    members: list[Member]
    now: float
    #: Those whose wait is over, each with what was found or the error.
    ended: list[tuple[Member, dict[str, Any] | Exception]] = field(default_factory=list)
    #: Who is looked at through the list, who may be as well since it is almost time, and who singly.
    listed: list[Member] = field(default_factory=list)
    early: list[Member] = field(default_factory=list)
    single: list[Member] = field(default_factory=list)
    #: When it ended, and when the next one is due.
    end: float = 0.0
    next_due: float = math.inf
    #: What is the matter with the server, for all who are still due; and whether the list failed for that.
    trouble: EciError | None = None
    list_failed: bool = False
    #: The time-out of the list, until a single look tells whose fault it is.
    hang: EciError | None = None
    #: The last failure of a single look, and what those in a row weigh.
    failure: EciError | None = None
    failed: int = 0
    #: Whether anything was answered, and after how many seconds the first of those who failed looks again.
    answered: bool = False
    backoff: float = math.inf
    _elapsed: Elapsed = field(default_factory=Elapsed)
    _judged: list[Member] = field(default_factory=list)

    def unseen(self) -> list[Member]:
        """Return who was to be looked at through the list and has not been judged."""
        return [member for member in self.listed if member.due < math.inf]

    def judge(self, member: Member, verdict: Callable[[], Any]) -> None:
        """
        Let a wait judge an answer or a failure.

        :param verdict: does so, and returns what was found, or None when the wait goes on.
        """
        if member.planned is not None:
            member.wait.schedule.correct_pause(self.now - member.planned, exempt=member.free)
        member.planned, member.free = None, 0.0
        try:
            found = member.context.run(verdict)
            outcome = None if found is None else found.documented()
        except Exception as error:
            outcome = error
        member.due = math.inf  # if it goes on, until its pause begins
        if outcome is None:
            self._judged.append(member)
            if member.wait.schedule.failures:
                self.backoff = min(self.backoff, member.wait.delay)
        else:
            self.ended.append((member, outcome))

    def stumble(self, members: Iterable[Member], error: EciError) -> None:
        """Let all of them judge a failure that is everybody's."""
        for member in members:
            self.judge(member, partial(member.wait.handle_failure, error))

    def present(self) -> float:
        """Return the present, by the hub's clock."""
        return self.now + self._elapsed.seconds()

    def settle(self) -> None:
        """Let the pauses of those begin who go on waiting."""
        self.end = self.present()
        for member in self._judged:
            member.planned = member.due = self.end + member.wait.delay
        self._judged.clear()
