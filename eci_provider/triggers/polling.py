"""Look at many imports with few requests: what a round asks, and what its answers mean for each that waits."""

from __future__ import annotations

import math
from contextlib import suppress
from functools import partial

from eci_provider.api.errors import EciAuthenticationError, EciConnectionError, EciError
from eci_provider.api.transport.retries import is_transient
from eci_provider.triggers.listing import TaskList
from eci_provider.triggers.rounds import GAP, SINGLE_LOOKS, Member, Round, shared
from eci_provider.triggers.shared_client import LIFETIME, SharedClient
from eci_provider.waiting.schedule import obeyed_delay

#: The share of its pause by which a look is brought forward to be made with others. With half of it, all that wait
#: at the same pace come to be looked at in the same rounds, whenever they began.
_BROUGHT_FORWARD = 0.5
#: After how many transient failures in a row the trouble is taken for everybody's.
_EVERYBODYS = 2
#: After how many in a row those are given up who are at their deadline, whose last look it would be. One to which
#: no answer came, which can take a minute, or which asked for a pause counts as two.
_HOPELESS = 4


class HubPoller:
    """
    Make a hub's rounds, in its thread: first what the list shows, then single looks.

    :param eci_conn_id: the Airflow connection.
    """

    def __init__(self, eci_conn_id: str) -> None:
        self.client = SharedClient(eci_conn_id)
        self._list = TaskList(self.client)
        #: How many wait, and when anything was asked for last.
        self._members = 0
        self._round_at = -math.inf
        self._allowance, self._counted_at = SINGLE_LOOKS, 0.0
        self._silent_until = self._asked_until = 0.0
        self._asked_of: int | None = None
        self._lost = 0

    def hold(self, seconds: float, identity: int | None) -> None:
        """
        Ask for nothing at first, except at deadlines, since the server asked for a pause before.

        :param seconds: for how long still.
        :param identity: of which host and key it was asked.
        """
        self._silent_until = self._asked_until = seconds
        self._asked_of = identity

    def held(self, now: float) -> tuple[float, int | None]:
        """
        Return for how many seconds still the server asked for a pause, and of which host and key.

        :param now: the hub's time.
        """
        return self._asked_until - now, self._asked_of

    def next_look(self, member: Member, now: float) -> float:
        """
        Return when a member may be looked at.

        :param member: who waits.
        :param now: the hub's time.
        """
        schedule = member.wait.schedule
        if member.due > now and schedule.ends_at_deadline:
            return member.due
        soonest = self._round_at + GAP * min(1.0, schedule.poll_interval)
        if member.is_listed:
            soonest = max(soonest, self._list.next_look(member, self._members))
        if member.due > now:
            return max(member.due, soonest)
        # Its turn has come; at its deadline it is whatever happens, and then as soon as one more may be asked.
        left = schedule.seconds_left()
        return max(now, self._round_at + 1 / SINGLE_LOOKS) if left <= 0 else min(max(now, soonest), now + left)

    def ask_list(self, members: list[Member], now: float) -> Round:
        """
        Begin a round: choose who is due, and look at many of them at once.

        :param members: all who wait.
        :param now: the hub's time.
        """
        this = Round(members, now)
        if now < self._asked_until:
            self._doubt_the_pause(this)
        self._choose(this)
        if not (this.listed or this.single):
            return this
        self.client.refresh(now)
        self._lost = min(self._lost, _EVERYBODYS - 1)
        self._members, self._round_at = len(members), now
        if self._list.is_out(now) or len(this.listed) + len(this.early) <= self._list.pages:
            this.single += this.listed
        elif any(
            one.wait.schedule.ends_at_deadline or self._list.next_look(one, self._members) <= now
            for one in this.listed
        ):
            self._ask_list(this)
        this.settle()
        return this

    def ask_singly(self, this: Round) -> None:
        """
        End a round: look singly at those who are still due, as many as the server can be asked to bear.

        :param this: the round.
        """
        self._allowance += SINGLE_LOOKS * (this.now - self._counted_at)
        self._allowance, self._counted_at = min(self._allowance, SINGLE_LOOKS), this.now
        goes_on = True
        # At the deadline first, then those who have waited longest.
        for member in sorted(this.single, key=lambda one: (not one.is_at_its_end, one.due)):
            is_last = member.is_at_its_end
            if member.future.done():
                continue  # it has left
            if this.end < self._silent_until and not is_last:
                continue
            if member.due == math.inf:
                continue  # it was judged with all
            # What ended before the deadline is worth asking for, whatever became of the list and of others.
            trouble = this.trouble if not is_last else this.failure if this.failed >= _HOPELESS else None
            if trouble is not None:
                this.stumble([member], trouble)
            elif self._allowance < 1 or not (goes_on or is_last):
                break
            else:
                goes_on = self._look(this, member) and goes_on
        this.settle()
        if (this.trouble is not None or this.list_failed) and not this.answered:
            self._be_silent(this.end + this.backoff)
        for member in this.members:
            self._put_off(member, this.end)
            this.next_due = min(this.next_due, self.next_look(member, this.end))
        if this.end < self._asked_until:
            this.next_due = min(this.next_due, this.end + LIFETIME)

    def close(self) -> None:
        """Close the connections to EnergyCAP."""
        self.client.close()

    def _doubt_the_pause(self, this: Round) -> None:
        """Forget the pause that a server asked for if the connection leads to another one, or has another key."""
        with suppress(EciError):
            self.client.refresh(this.now)
            self.client.get_conn()
        if self.client.identity not in (None, self._asked_of):
            self._silent_until = self._asked_until = this.now
            for member in this.members:
                member.resume(this.now)

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
        error = self._list.look(this)
        if error is None:
            if not self._list.is_out(this.now):
                self._lost = 0
            return
        this.list_failed = True
        unseen = this.unseen()
        if isinstance(error, EciConnectionError) and error.sent and error.kind == "timeout":
            # A single look tells whether it is the list alone; more time-outs of it would take minutes.
            this.hang, self._lost = error, _EVERYBODYS - 1
            this.single += unseen
            return
        last = {member for member in unseen if is_transient(error) and member.is_at_its_end}
        this.single += last
        self._note_trouble(this, error, lost=_EVERYBODYS if isinstance(error, EciConnectionError) else 1)
        this.stumble([member for member in unseen if member not in last], error)

    def _look(self, this: Round, member: Member) -> bool:
        """Look at one, and tell whether to go on with the next."""
        self._allowance -= 1
        member.skips = max(0, member.skips - 1)
        try:
            found = self.client.ask(member.wait.request, this.now)
        except EciError as error:
            this.judge(member, partial(member.wait.handle_failure, error))
            denial = self._list.note_denial(member) if isinstance(error, EciAuthenticationError) else None
            if denial is not None:
                this.trouble = denial
                this.stumble([one for one in this.members if one.due < math.inf], denial)
            this.failure, this.failed = shared(error), this.failed + _weight(error)
            return self._note_trouble(this, this.failure, lost=1)
        except Exception as error:
            this.judge(member, partial(_raise, error))
            return True
        self._lost, this.failed, this.trouble, this.answered = 0, 0, None, True
        self._list.note_permission()
        if this.hang is not None:
            self._list.blame(this, this.hang)
            this.hang = None
        member.learn(found)
        this.judge(member, partial(member.wait.evaluate, found))
        return True

    def _note_trouble(self, this: Round, error: EciError, *, lost: int) -> bool:
        """Note what a failure says about the server, and tell whether more can be asked now."""
        if not is_transient(error) and not isinstance(error, EciConnectionError):
            self._lost = 0
            return True
        asked = obeyed_delay(error)
        if asked is not None:
            this.settle()
            self._asked_until = max(self._asked_until, this.end + asked)
            self._asked_of = self.client.identity
            self._be_silent(self._asked_until)
            return False
        # One may be the fault of what was asked; others are asked then, and if they fare no better, all know.
        self._lost += lost
        if self._lost >= _EVERYBODYS or (isinstance(error, EciConnectionError) and not error.sent):
            this.trouble = error
        return this.trouble is not None


def _weight(error: EciError) -> int:
    if isinstance(error, EciConnectionError) or obeyed_delay(error) is not None:
        return 2
    return int(is_transient(error))


def _raise(error: Exception) -> None:
    raise error
