"""The wait of one trigger among those of a hub."""

from __future__ import annotations

import math
from contextvars import Context, copy_context
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from eci_provider.api.tasks import TaskResponse
from eci_provider.core import clock
from eci_provider.core.dates import parse_datetime
from eci_provider.waiting.poller import Poller

if TYPE_CHECKING:
    from asyncio import Future

#: How long before joining an import began at most, if that is not known: a wait of six hours, and some.
_UNKNOWN_AGE = timedelta(hours=24)
#: How old an import may be by its ``beginDate``, and how far ahead that may be: time zones differ.
_OLDEST = timedelta(days=35)
_AHEAD = timedelta(days=1)
#: The most single polls in a row of an import that the list does not show, before the list is read for it again.
_MOST_SKIPS = 16


class Member:
    """
    The wait of one trigger.

    :param poller: the wait.
    :param future: what the trigger awaits: what was found, or the error that ended the wait.
    :param guid: the import; None for a wait that cannot use the list of imports.
    :param begun: when the import began, if that is known.
    """

    __slots__ = (
        "begun",
        "context",
        "due",
        "exempt",
        "future",
        "guid",
        "is_apart",
        "is_dated",
        "misses",
        "planned",
        "poller",
        "skips",
    )

    def __init__(self, poller: Poller[Any], future: Future[Any], guid: str | None, begun: datetime | None) -> None:
        self.poller = poller
        self.future = future
        self.guid = guid.lower() if guid else None
        self.begun = begun or clock.utc_now() - _UNKNOWN_AGE
        # Log lines about a wait belong to its own trigger, whichever thread writes them.
        self.context: Context = copy_context()
        #: When the next poll is due, by the hub's clock.
        self.due = -math.inf
        #: When it was due before it was postponed; None before the first poll.
        self.planned: float | None = None
        #: For how many seconds of the postponement the server asked.
        self.exempt = 0.0
        #: For how many polls the list is not read for it, and how often in a row the list did not show it.
        self.skips = self.misses = 0
        #: Whether EnergyCAP has shown when it began.
        self.is_dated = False
        #: Whether it is so much older than the others that the list would be too long with it.
        self.is_apart = False

    @property
    def is_listed(self) -> bool:
        """Return whether the list is likely to show it."""
        return self.guid is not None and self.skips == 0 and not self.is_apart

    @property
    def is_at_deadline(self) -> bool:
        """Return whether its deadline has come, so that the next poll is the last."""
        return self.poller.schedule.seconds_left() <= 0

    def postpone(self, now: float, until: float, *, asked_until: float) -> None:
        """
        Postpone the next poll, but not beyond the deadline.

        :param now: the hub's time.
        :param until: until when.
        :param asked_until: until when the server itself asked for a pause.
        """
        if now >= until or self.due >= until:
            return
        before = max(now, self.due)
        self.due = max(before, min(until, now + max(0.0, self.poller.schedule.seconds_left())))
        self.exempt += max(0.0, min(self.due, asked_until) - before)

    def end_postponement(self, now: float) -> None:
        """
        Make the next poll due now, because the reason for its postponement is gone.

        :param now: the hub's time.
        """
        if self.due > now:
            self.due = now
            self.exempt = min(self.exempt, now - (self.planned or now))

    def note_listed(self, task: TaskResponse) -> None:
        """
        Note that the list shows it.

        :param task: its task.
        """
        self.skips = self.misses = 0
        self.note_begin(task)

    def note_missing(self) -> None:
        """Note that the list does not show it: it may be too young, or never be listed."""
        self.skips = min(2**self.misses, _MOST_SKIPS)
        self.misses += 1

    def note_unknown(self) -> None:
        """Note that a poll of it was answered with 404: the list is asked next."""
        self.skips = 0

    def note_begin(self, found: Any) -> None:
        """
        Note when the import began; a date that cannot be true would make the list long for all.

        :param found: what EnergyCAP returned.
        """
        if self.guid is None or not isinstance(found, TaskResponse) or not found.begin_date:
            return
        try:
            begun = parse_datetime(found.begin_date)
        except (ValueError, OverflowError):
            return
        if -_AHEAD <= clock.utc_now() - begun <= _OLDEST:
            self.begun, self.is_dated = begun, True
