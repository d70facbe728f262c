"""Look at many imports through the list of all, as long as that works and pays."""

from __future__ import annotations

import logging
import math
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from eci_provider.api.errors import EciAuthenticationError, EciError, EciResponseError
from eci_provider.api.transport.retries import is_transient
from eci_provider.triggers.rounds import GAP, SINGLE_LOOKS, Member, Round

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.triggers.shared_client import SharedClient

log = logging.getLogger(__name__)

#: Seconds between the beginnings of two rounds for each page that the list has beyond the first.
_GAP_PER_PAGE = 2.0
#: How many pages of the list a round reads at most.
_MOST_PAGES = 20
#: After how many seconds a list that was refused is tried again.
_REFUSED_FOR = 3600.0
#: How often in a row the list may fail, and then for how many seconds single looks tell whether it is to blame.
_LIST_FAILURES = 5
_FAILING_FOR = 300.0
#: How many may be looked at singly for good because with them the list is too long.
_MOST_APART = 20


class TaskList:
    """
    Read the list of imports for those who wait, in the hub's thread.

    :param client: gives the client.
    """

    def __init__(self, client: SharedClient) -> None:
        self._client = client
        #: How many pages it had for those who wait.
        self.pages = 1
        #: How it was refused if that was a 401, and who was looked at singly since then and met one too.
        self._denial: EciAuthenticationError | None = None
        self._denied: set[str] = set()
        self._asked_at = -math.inf
        self._out_until = 0.0
        self._failures = 0
        self._has_warned = False

    def is_out(self, now: float) -> bool:
        """Tell whether it is done without for the time being."""
        return now < self._out_until

    def next_look(self, member: Member, waiting: int) -> float:
        """
        Return when it may be asked for again: later, the more pages it has, but not for an interval.

        :param member: for whom.
        :param waiting: how many wait.
        """
        if waiting <= self.pages:
            return -math.inf
        gap = max(GAP, _GAP_PER_PAGE * (self.pages - 1))
        return self._asked_at + min(gap, GAP * member.wait.schedule.poll_interval)

    def look(self, this: Round) -> EciError | None:
        """
        Read it until all were seen who are due, and leave to single looks whom it does not show.

        :param this: the round.
        :return: why it failed, if it did and that may be the server's trouble; who is due was not judged then.
        """
        self._asked_at = this.now
        wanted: dict[str, list[Member]] = {}
        for member in (*this.listed, *this.early, *this.single):
            wanted.setdefault(member.guid or "", []).append(member)
        wanted.pop("", None)
        since = min(member.begun for member in this.listed)
        needed = {member.guid for member in this.listed}
        needed |= {member.guid for member in this.early if member.begun >= since}
        try:
            self.pages = self._client.ask(partial(self._read, this, wanted, needed, since), this.now)
        except EciError as error:
            trouble = self._failed(this, error)
        except Exception as error:
            # A mistake about what all share must not become the end of each.
            log.debug("The list of imports cannot be read.", exc_info=True)
            reason = f"The list of imports cannot be read ({type(error).__name__}: {error})."
            self._go_without(this, reason, _FAILING_FOR)
            trouble = None
        else:
            self._failures, self._has_warned, self._denial = 0, False, None
            trouble = None
            self._pass_over(this)
        this.single = [member for member in this.single if member.due < math.inf]
        if trouble is None:
            this.single += this.unseen()
        return trouble

    def blame(self, this: Round, error: EciError) -> None:
        """Do without it for a while, the longer the more often it failed: it hangs, and single looks do not."""
        share = min(self._failures, _LIST_FAILURES) / _LIST_FAILURES
        self._go_without(this, error.message, _FAILING_FOR * share)

    def note_denial(self, member: Member) -> EciAuthenticationError | None:
        """
        Note that a single look met a 401, and return that of the list once there can be no doubt about the key.

        Neither the list nor two imports, each with a key that was just read: one may lack a permission.

        :param member: who was looked at.
        """
        if self._denial is not None:
            self._denied.add(member.guid or str(member.wait))
        return self._denial if len(self._denied) > 1 else None

    def note_permission(self) -> None:
        """Note that a single look was answered: the key is good."""
        self._denial = None

    def _read(
        self,
        this: Round,
        wanted: dict[str, list[Member]],
        needed: set[str | None],
        since: datetime,
        client: EciClient,
    ) -> int:
        """Judge whom the list shows, and return how many pages that took."""
        pages = 0
        for tasks in client.tasks.search(wanted, since, max_pages=_MOST_PAGES):
            pages += 1
            this.answered = True
            for task in tasks:
                # A page may repeat what the one before it ended with, when something was added meanwhile.
                for member in wanted.pop((task.task_guid or "").lower(), ()):
                    member.was_listed(task)
                    this.judge(member, partial(member.wait.evaluate, task))
            if wanted.keys().isdisjoint(needed):
                break
        return max(1, pages)

    def _pass_over(self, this: Round) -> None:
        """Note whom the list did not show, and who made it too long."""
        if self.pages >= _MOST_PAGES and (old := _older_than_most(this)):
            for member in old:
                member.is_apart = True
            self.pages = 1  # it will not be as long again, so the others need not be put off
        else:
            for member in this.unseen():
                member.was_missed()

    def _failed(self, this: Round, error: EciError) -> EciError | None:
        """Judge a failure, and return it if it may be the server's trouble and not the list's."""
        self._failures += 1
        # Those at their deadline have rounds of their own, in quick succession where they are many.
        self._out_until = this.now + GAP / 2
        if isinstance(error, EciResponseError) and not is_transient(error):
            self._denial = error if isinstance(error, EciAuthenticationError) else None
            self._denied.clear()
            self._go_without(this, error.message, _REFUSED_FOR)
            return None
        if self._failures >= _LIST_FAILURES:
            self._go_without(this, error.message, _FAILING_FOR)
        return error

    def _go_without(self, this: Round, reason: str, seconds: float) -> None:
        self._out_until = this.present() + seconds
        if not self._has_warned:
            log.warning(
                "%s The imports are looked at one by one instead, at most %g a second; the list of all is tried "
                "again in %g minutes.",
                reason,
                SINGLE_LOOKS,
                seconds / 60,
            )
        self._has_warned = True


def _older_than_most(this: Round) -> list[Member]:
    """Return those without whom the list would begin the most days later; none where few cannot help."""
    room = _MOST_APART - sum(member.is_apart for member in this.members)
    by_age = sorted(this.listed, key=lambda member: member.begun)
    steps = [after.begun - before.begun for before, after in pairwise(by_age[: room + 1])]
    longest = max(steps, default=timedelta(0))
    return by_age[: steps.index(longest) + 1] if longest >= timedelta(days=1) else []
