"""Look at many imports with few requests: what a round asks, and what its answers mean for each that waits."""

from __future__ import annotations

import logging
import math
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from eci_provider.api.errors import EciAuthenticationError, EciConnectionError, EciError, EciResponseError
from eci_provider.api.retries import asked_delay, is_transient
from eci_provider.triggers.rounds import GAP, Member, Round
from eci_provider.triggers.shared_client import SharedClient

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

log = logging.getLogger(__name__)

#: The share of its pause by which a look is brought forward to be made with others. With half of it, all that wait
#: at the same pace come to be looked at in the same rounds, whenever they began.
_BROUGHT_FORWARD = 0.5
#: Seconds between the beginnings of two rounds for each page that the list has beyond the first.
_GAP_PER_PAGE = 2.0
#: How many pages of the list a round reads at most.
_MOST_PAGES = 20
#: Single looks a second, at most.
_SINGLE_LOOKS = 10.0
#: After how many seconds a list that was refused is tried again.
_REFUSED_FOR = 3600.0
#: How often in a row the list may fail, and then for how many seconds single looks tell whether it is to blame.
_LIST_FAILURES = 5
_FAILING_FOR = 300.0
#: After how many transient failures in a row the trouble is taken for everybody's.
_EVERYBODYS = 2


class Poller:
    """
    Make a hub's rounds, in its thread: first what the list shows, then single looks.

    :param eci_conn_id: the Airflow connection.
    """

    def __init__(self, eci_conn_id: str) -> None:
        self.client = SharedClient(eci_conn_id)
        #: How many wait, how many pages the list had for them, and when it and anything was asked for last.
        self._members, self._pages = 0, 1
        self._listed_at = self._round_at = -math.inf
        self._allowance, self._counted_at = _SINGLE_LOOKS, 0.0
        self._silent_until = self._asked_until = 0.0
        self._lost = 0
        self._list_from = 0.0
        self._list_failures = 0
        self._is_denied = False
        self._has_warned = False

    def next_look(self, member: Member, now: float) -> float:
        """
        Return when a member may be looked at.

        :param member: who waits.
        :param now: the hub's time.
        """
        watch = member.wait.watch
        if member.due > now and watch.ends_at_deadline:
            return member.due
        soonest = self._round_at + GAP * min(1.0, watch.poll_interval)
        if member.is_listed:
            soonest = max(soonest, self._next_list(member))
        if member.due > now:
            return max(member.due, soonest)
        # Its turn has come; at its deadline it is whatever happens, and then as soon as one more may be asked.
        left = watch.seconds_left()
        return max(now, self._round_at + 1 / _SINGLE_LOOKS) if left <= 0 else min(max(now, soonest), now + left)

    def _next_list(self, member: Member) -> float:
        """Return when the list may be asked for again: later, the more pages it has, but not for an interval."""
        if self._members <= self._pages:
            return -math.inf
        gap = max(GAP, _GAP_PER_PAGE * (self._pages - 1))
        return self._listed_at + min(gap, GAP * member.wait.watch.poll_interval)

    def ask_list(self, members: list[Member], now: float) -> Round:
        """
        Begin a round: choose who is due, and look at many of them at once.

        :param members: all who wait.
        :param now: the hub's time.
        """
        this = Round(members, now)
        self._choose(this)
        if not (this.listed or this.single):
            return this
        self.client.refresh(now)
        self._lost = min(self._lost, _EVERYBODYS - 1)
        self._members, self._round_at = len(members), now
        if now < self._list_from or len(this.listed) + len(this.early) <= self._pages:
            this.single += this.listed
        elif any(one.wait.watch.ends_at_deadline or self._next_list(one) <= now for one in this.listed):
            self._listed_at = now
            self._ask_list(this)
        this.settle()
        return this

    def ask_singly(self, this: Round) -> None:
        """
        End a round: look singly at those who are still due, as many as the server can be asked to bear.

        :param this: the round.
        """
        self._allowance += _SINGLE_LOOKS * (this.now - self._counted_at)
        self._allowance, self._counted_at = min(self._allowance, _SINGLE_LOOKS), this.now
        # At the deadline first, then those who have waited longest.
        for member in sorted(this.single, key=lambda one: (one.wait.watch.seconds_left() > 0, one.due)):
            if member.future.done():
                continue  # it has left
            if this.end < self._silent_until and member.wait.watch.seconds_left() > 0:
                continue
            if member.due == math.inf:
                continue  # it was judged with all
            if this.trouble is not None:
                this.stumble([member], this.trouble)
            elif self._allowance < 1 or not self._look(this, member):
                break
        this.settle()
        if (this.trouble is not None or this.list_failed) and not this.answered:
            self._be_silent(this.end + this.backoff)
        for member in this.members:
            self._put_off(member, this.end)
            this.next_due = min(this.next_due, self.next_look(member, this.end))

    def close(self) -> None:
        """Close the connections to EnergyCAP."""
        self.client.close()

    def _choose(self, this: Round) -> None:
        for member in this.members:
            self._put_off(member, this.now)
            if member.due <= this.now:
                (this.listed if member.is_listed else this.single).append(member)
            elif (
                member.is_listed
                and self._silent_until <= this.now
                and member.due - this.now <= _BROUGHT_FORWARD * member.wait.delay
            ):
                this.early.append(member)

    def _put_off(self, member: Member, now: float) -> None:
        member.put_off(now, self._silent_until, asked_until=self._asked_until)

    def _be_silent(self, until: float) -> None:
        """Ask for nothing before a moment, except at deadlines: so that a server in trouble is left in peace."""
        if until < math.inf:
            self._silent_until = max(self._silent_until, until)

    def _ask_list(self, this: Round) -> None:
        """Read the list until all were seen who are due; whom it does not show is looked at singly."""
        wanted: dict[str, list[Member]] = {}
        for member in (*this.listed, *this.early, *this.single):
            wanted.setdefault(member.guid or "", []).append(member)
        wanted.pop("", None)
        since = min(member.begun for member in this.listed)
        needed = {member.guid for member in this.listed}
        needed |= {member.guid for member in this.early if member.begun >= since}
        try:
            self._pages = self.client.ask(partial(self._read, this, wanted, needed, since), this.now)
            self._lost, self._list_failures, self._has_warned = 0, 0, False
        except EciError as error:
            unseen = [member for member in this.listed if member.guid in wanted]
            self._list_failures += 1
            if isinstance(error, EciResponseError) and not is_transient(error):
                self._is_denied = isinstance(error, EciAuthenticationError)
                self._go_without_list(this, error, _REFUSED_FOR)
                this.single += unseen
                return
            if self._list_failures >= _LIST_FAILURES:
                self._go_without_list(this, error, _FAILING_FOR)
            this.list_failed = True
            self._note_trouble(this, error, lost=_EVERYBODYS if isinstance(error, EciConnectionError) else 1)
            this.stumble(unseen, error)
            return
        finally:
            this.single = [one for one in this.single if one.guid is None or one.guid in wanted]
        for member in this.listed:
            if member.guid in wanted:
                member.was_missed()
                this.single.append(member)

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
        for tasks in client.tasks.look_out(wanted, since, most_pages=_MOST_PAGES):
            pages += 1
            this.answered = True
            for task in tasks:
                # A page may repeat what the one before it ended with, when something was added meanwhile.
                for member in wanted.pop((task.task_guid or "").lower(), ()):
                    member.was_listed(task)
                    this.judge(member, partial(member.wait.take, task))
            if wanted.keys().isdisjoint(needed):
                break
        return max(1, pages)

    def _go_without_list(self, this: Round, error: EciError, seconds: float) -> None:
        self._list_from = this.now + seconds
        if not self._has_warned:
            log.warning(
                "%s The imports are looked at one by one instead, at most %g a second; the list of all is tried "
                "again in %g minutes.",
                error,
                _SINGLE_LOOKS,
                seconds / 60,
            )
        self._has_warned = True

    def _look(self, this: Round, member: Member) -> bool:
        """Look at one, and tell whether to go on with the next."""
        self._allowance -= 1
        member.skips = max(0, member.skips - 1)
        try:
            found = self.client.ask(member.wait.look, this.now)
        except EciError as error:
            this.judge(member, partial(member.wait.stumble, error))
            if self._is_denied and isinstance(error, EciAuthenticationError):
                # Neither the list nor an import, with a key that was just read: it is the key, and thus everybody.
                this.trouble = error
                this.stumble([one for one in this.members if one.due < math.inf], error)
            return self._note_trouble(this, error, lost=1)
        except Exception as error:
            this.judge(member, partial(_raise, error))
            return True
        self._lost, self._is_denied, this.answered = 0, False, True
        member.learn(found)
        this.judge(member, partial(member.wait.take, found))
        return True

    def _note_trouble(self, this: Round, error: EciError, *, lost: int) -> bool:
        """Note what a failure says about the server, and tell whether more can be asked now."""
        if not is_transient(error) and not isinstance(error, EciConnectionError):
            self._lost = 0
            return True
        asked = asked_delay(error)
        if asked is not None:
            this.settle()
            self._asked_until = max(self._asked_until, this.end + asked)
            self._be_silent(self._asked_until)
            return False
        # One may be the fault of what was asked; others are asked then, and if they fare no better, all know.
        self._lost += lost
        if self._lost >= _EVERYBODYS or (isinstance(error, EciConnectionError) and not error.sent):
            this.trouble = error
        return this.trouble is not None


def _raise(error: Exception) -> None:
    raise error
