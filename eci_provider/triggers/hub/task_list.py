"""Poll many imports through the list of imports, as long as the list works and saves requests."""

from __future__ import annotations

import logging
import math
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from eci_provider.api.errors import (
    EciAuthenticationError,
    EciConnectionError,
    EciError,
    EciResponseError,
    EciUnreadableResponseError,
)
from eci_provider.api.transport.retries import is_transient
from eci_provider.core import clock
from eci_provider.core.text import shown
from eci_provider.triggers.hub.client import SharedClient
from eci_provider.triggers.hub.cycle import MIN_GAP, SINGLE_POLLS_PER_SECOND, PollCycle
from eci_provider.triggers.hub.member import Member

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

log = logging.getLogger(__name__)

#: The least seconds between the starts of two cycles, for each page of the list after the first.
_GAP_PER_PAGE = 2.0
#: The most pages of the list that a cycle reads.
_MOST_PAGES = 20
#: For how many of the connection's timeouts a cycle begins to read further pages.
_MOST_TIMEOUTS = 2
#: For how many seconds a list that was refused is not read.
_REFUSED_FOR = 3600.0
#: After how many failures in a row the list is not read for a while, and for how many seconds then.
_MOST_FAILURES = 5
_FAILING_FOR = 300.0
#: The most members that are polled singly for good because the list would be too long with them.
_MOST_APART = 20


class TaskList:
    """
    The list of imports, read for the members of a hub in the hub's thread.

    :param client: the client of the connection.
    """

    def __init__(self, client: SharedClient) -> None:
        self._client = client
        #: How many pages the last reading took.
        self.pages = 1
        #: The list's 401, if that was its answer, and the members whose single poll was answered so since.
        self._denial: EciAuthenticationError | None = None
        self._denied: set[str] = set()
        self._read_at = -math.inf
        self._suspended_until = 0.0
        self._failures = 0
        self._has_warned = False

    def is_suspended(self, now: float) -> bool:
        """
        Return whether the list is not to be read now.

        :param now: the hub's time.
        """
        return now < self._suspended_until

    def next_read(self, member: Member, waiting: int) -> float:
        """
        Return when the list may be read again: the more pages it has, the later, but within an interval.

        :param member: the member that needs it.
        :param waiting: how many members wait.
        """
        if waiting <= self.pages:
            return -math.inf
        gap = max(MIN_GAP, _GAP_PER_PAGE * (self.pages - 1))
        return self._read_at + min(gap, MIN_GAP * member.poller.schedule.poll_interval)

    def read(self, cycle: PollCycle) -> EciError | None:
        """
        Read the list until it has shown all members that are due; those it does not show are polled singly.

        :param cycle: the cycle.
        :return: why it failed, if it did and the whole server may be the cause; the members that are due were not
            decided then.
        """
        self._read_at = cycle.now
        wanted: dict[str, list[Member]] = {}
        for member in (*cycle.listed, *cycle.early, *cycle.single):
            wanted.setdefault(member.guid or "", []).append(member)
        wanted.pop("", None)
        since = min(member.begun for member in cycle.listed)
        needed = {member.guid for member in cycle.listed}
        needed |= {member.guid for member in cycle.early if member.begun >= since}
        failure = None
        try:
            self.pages = self._client.call(partial(self._read_pages, cycle, wanted, needed, since), cycle.now)
        except EciError as error:
            failure = self._note_failure(cycle, error)
        except Exception as error:
            # A mistake of ours in what all share must not end each wait.
            log.debug("Reading the list of imports failed.", exc_info=True)
            reason = f"Reading the list of imports failed ({type(error).__name__}: {shown(str(error))})."
            self._suspend(cycle, reason, _FAILING_FOR)
        else:
            self._failures, self._has_warned, self._denial = 0, False, None
            self._note_missing(cycle)
        cycle.single = [member for member in cycle.single if member.due < math.inf]
        if failure is None:
            cycle.single += cycle.unanswered()
        return failure

    def suspend_after_timeout(self, cycle: PollCycle, error: EciError) -> None:
        """
        Suspend the list, since single polls are answered and it is not: the longer, the more often it failed.

        :param cycle: the cycle.
        :param error: its timeout.
        """
        share = min(self._failures, _MOST_FAILURES) / _MOST_FAILURES
        self._suspend(cycle, error.message, _FAILING_FOR * share)

    def note_denial(self, member: Member) -> EciAuthenticationError | None:
        """
        Note that a single poll was answered with 401; return the list's own 401 once the key must be wrong.

        That is after the list and two imports, each with a key that was just read; one may lack a permission.

        :param member: the member that was polled.
        """
        if self._denial is not None:
            self._denied.add(member.guid or str(member.poller))
        return self._denial if len(self._denied) > 1 else None

    def note_permission(self) -> None:
        """Note that a single poll succeeded, so the key is right."""
        self._denial = None

    def _read_pages(
        self,
        cycle: PollCycle,
        wanted: dict[str, list[Member]],
        needed: set[str | None],
        since: datetime,
        client: EciClient,
    ) -> int:
        """
        Decide for the members that the list shows, and return how many pages were read.

        :raises EciConnectionError: if it is so slow that the waits would hang.
        """
        deadline = clock.utc_now() + timedelta(seconds=_MOST_TIMEOUTS * self._client.timeout)
        pages = 0
        try:
            for tasks in client.tasks.search(wanted, since, max_pages=_MOST_PAGES, deadline=deadline):
                pages += 1
                cycle.answered = True
                for task in tasks:
                    # A page may begin with the last tasks of the one before, if a task was added meanwhile.
                    for member in wanted.pop((task.task_guid or "").lower(), ()):
                        member.note_listed(task)
                        cycle.decide(member, partial(member.poller.evaluate, task))
                if wanted.keys().isdisjoint(needed):
                    break
        except EciUnreadableResponseError as error:
            if clock.utc_now() < deadline:
                raise
            # Single polls may be faster, as after a timeout.
            raise EciConnectionError(
                error.message, kind="timeout", sent=True, method="GET", path=error.path
            ) from None
        return max(1, pages)

    def _note_missing(self, cycle: PollCycle) -> None:
        """Note the members that the list did not show, and those that made it too long."""
        if self.pages >= _MOST_PAGES and (old := _older_than_most(cycle)):
            for member in old:
                member.is_apart = True
            self.pages = 1  # the list will be short again, so the others need not wait longer
        else:
            for member in cycle.unanswered():
                member.note_missing()
                # The list may be read from a later day on than one began of which that is not known.
                if member.is_dated and self.pages < _MOST_PAGES:
                    cycle.unlisted.add(member)

    def _note_failure(self, cycle: PollCycle, error: EciError) -> EciError | None:
        """Note a failure; return it if the whole server may be the cause, and not the list alone."""
        self._failures += 1
        # Members at their deadline have cycles of their own, in quick succession if they are many.
        self._suspended_until = cycle.now + MIN_GAP / 2
        if isinstance(error, EciResponseError) and not is_transient(error):
            self._denial = error if isinstance(error, EciAuthenticationError) else None
            self._denied.clear()
            self._suspend(cycle, error.message, _REFUSED_FOR)
            return None
        if self._failures >= _MOST_FAILURES:
            self._suspend(cycle, error.message, _FAILING_FOR)
        return error

    def _suspend(self, cycle: PollCycle, reason: str, seconds: float) -> None:
        self._suspended_until = cycle.present() + seconds
        if not self._has_warned:
            log.warning(
                "%s Imports are polled one by one, at most %g a second; the list is tried again in %g minutes.",
                reason,
                SINGLE_POLLS_PER_SECOND,
                seconds / 60,
            )
        self._has_warned = True


def _older_than_most(cycle: PollCycle) -> list[Member]:
    """Return the few members without which the list would begin the most days later; none if few cannot help."""
    room = _MOST_APART - sum(member.is_apart for member in cycle.members)
    by_age = sorted(cycle.listed, key=lambda member: member.begun)
    steps = [after.begun - before.begun for before, after in pairwise(by_age[: room + 1])]
    longest = max(steps, default=timedelta(0))
    return by_age[: steps.index(longest) + 1] if longest >= timedelta(days=1) else []
