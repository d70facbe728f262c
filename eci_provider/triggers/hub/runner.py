"""The requests of a hub: which ones a cycle sends, and what their answers mean for each member."""

from __future__ import annotations

import math
from contextlib import suppress
from functools import partial

from eci_provider.api.errors import EciAuthenticationError, EciConnectionError, EciError, EciNotFoundError
from eci_provider.api.transport.retries import is_transient
from eci_provider.triggers.hub.client import LIFETIME, SharedClient
from eci_provider.triggers.hub.cycle import MIN_GAP, SINGLE_POLLS_PER_SECOND, PollCycle, shared_error
from eci_provider.triggers.hub.member import Member
from eci_provider.triggers.hub.task_list import TaskList
from eci_provider.waiting.schedule import obeyed_delay

#: The share of its pause by which a poll is advanced to join others. With half of it, all members with the same
#: interval come to be polled in the same cycles, whenever they began.
_ADVANCED = 0.5
#: After how many transient failures in a row all members share the failure.
_SHARED_AFTER = 2
#: After which weight of failures in a row members at their deadline get no last poll of their own. A failure
#: weighs two if no answer came, which can take a minute, or if the server asked for a pause; else one.
_HOPELESS_WEIGHT = 4


class CycleRunner:
    """
    Run a hub's cycles in its thread: first the list, then single polls.

    :param eci_conn_id: the Airflow connection.
    """

    def __init__(self, eci_conn_id: str) -> None:
        self.client = SharedClient(eci_conn_id)
        self._list = TaskList(self.client)
        #: How many members wait, and when the last cycle with requests started.
        self._waiting = 0
        self._last_start = -math.inf
        #: How many single polls may be sent now, and when that was counted.
        self._allowance, self._counted_at = SINGLE_POLLS_PER_SECOND, 0.0
        #: Until when nothing but last polls is sent; until when the server asked for that, and of which identity.
        self._quiet_until = self._asked_until = 0.0
        self._asked_identity: int | None = None
        self._failures = 0

    def start_quiet(self, seconds: float, identity: int | None) -> None:
        """
        Begin with the rest of a pause for which the server asked an earlier hub; last polls are sent.

        :param seconds: the rest of the pause.
        :param identity: the host and key of which the server asked it.
        """
        self._quiet_until = self._asked_until = seconds
        self._asked_identity = identity

    def remaining_pause(self, now: float) -> tuple[float, int | None]:
        """
        Return the rest of the pause for which the server asked, and of which host and key.

        :param now: the hub's time.
        """
        return self._asked_until - now, self._asked_identity

    def next_poll(self, member: Member, now: float) -> float:
        """
        Return when a member may be polled.

        :param member: the member.
        :param now: the hub's time.
        """
        schedule = member.poller.schedule
        if member.due > now and schedule.ends_at_deadline:
            return member.due
        soonest = self._last_start + MIN_GAP * min(1.0, schedule.poll_interval)
        if member.is_listed:
            soonest = max(soonest, self._list.next_read(member, self._waiting))
        if member.due > now:
            return max(member.due, soonest)
        # It is due. At its deadline it is polled in any case, as soon as one more request may be sent.
        left = schedule.seconds_left()
        if left <= 0:
            return max(now, self._last_start + 1 / SINGLE_POLLS_PER_SECOND)
        return min(max(now, soonest), now + left)

    def start_cycle(self, members: list[Member], now: float) -> PollCycle:
        """
        Start a cycle: choose the members that are due, and poll many of them through the list.

        :param members: all members.
        :param now: the hub's time.
        """
        cycle = PollCycle(members, now)
        if now < self._asked_until:
            self._recheck_pause(cycle)
        self._choose(cycle)
        if not (cycle.listed or cycle.single):
            return cycle
        self.client.refresh(now)
        self._failures = min(self._failures, _SHARED_AFTER - 1)
        self._waiting, self._last_start = len(members), now
        if self._list.is_suspended(now) or len(cycle.listed) + len(cycle.early) <= self._list.pages:
            cycle.single += cycle.listed
        elif any(
            one.poller.schedule.ends_at_deadline or self._list.next_read(one, self._waiting) <= now
            for one in cycle.listed
        ):
            self._read_list(cycle)
        cycle.begin_pauses()
        return cycle

    def finish_cycle(self, cycle: PollCycle) -> None:
        """
        Finish a cycle: poll singly the members that are still due, as many as the rate allows.

        :param cycle: the cycle.
        """
        self._allowance += SINGLE_POLLS_PER_SECOND * (cycle.now - self._counted_at)
        self._allowance, self._counted_at = min(self._allowance, SINGLE_POLLS_PER_SECOND), cycle.now
        self._poll_singly(cycle)
        cycle.begin_pauses()
        if (cycle.shared_failure is not None or cycle.list_failed) and not cycle.answered:
            self._be_quiet(cycle.end + cycle.backoff)
        for member in cycle.members:
            self._postpone(member, cycle.end)
            cycle.next_due = min(cycle.next_due, self.next_poll(member, cycle.end))
        if cycle.end < self._asked_until:
            cycle.next_due = min(cycle.next_due, cycle.end + LIFETIME)

    def close(self) -> None:
        """Close the connections to EnergyCAP."""
        self.client.close()

    def _recheck_pause(self, cycle: PollCycle) -> None:
        """End the pause for which the server asked if the connection has another host or another key by now."""
        with suppress(EciError):
            self.client.refresh(cycle.now)
            self.client.get_conn()
        if self.client.identity not in (None, self._asked_identity):
            self._quiet_until = self._asked_until = cycle.now
            for member in cycle.members:
                member.end_postponement(cycle.now)

    def _choose(self, cycle: PollCycle) -> None:
        for member in cycle.members:
            self._postpone(member, cycle.now)
            if member.due <= cycle.now:
                (cycle.listed if member.is_listed else cycle.single).append(member)
            elif (
                member.is_listed
                and self._quiet_until <= cycle.now
                and member.due - cycle.now <= _ADVANCED * member.poller.delay
            ):
                cycle.early.append(member)

    def _postpone(self, member: Member, now: float) -> None:
        member.postpone(now, self._quiet_until, asked_until=self._asked_until)

    def _be_quiet(self, until: float) -> None:
        """Send nothing but last polls for a while, so that a server in trouble is left alone."""
        if until < math.inf:
            self._quiet_until = max(self._quiet_until, until)

    def _read_list(self, cycle: PollCycle) -> None:
        error = self._list.read(cycle)
        if error is None:
            if not self._list.is_suspended(cycle.now):
                self._failures = 0
            return
        cycle.list_failed = True
        unanswered = cycle.unanswered()
        if isinstance(error, EciConnectionError) and error.sent and error.kind == "timeout":
            # A single poll shows whether it is the list alone; more timeouts of the list would take minutes.
            cycle.list_timeout, self._failures = error, _SHARED_AFTER - 1
            cycle.single += unanswered
            return
        last = {member for member in unanswered if is_transient(error) and member.is_at_deadline}
        cycle.single += last
        weight = _SHARED_AFTER if isinstance(error, EciConnectionError) else 1
        self._note_failure(cycle, error, weight=weight)
        cycle.fail([member for member in unanswered if member not in last], error)

    def _poll_singly(self, cycle: PollCycle) -> None:
        may_continue = True
        # Members at their deadline first, then those that have waited longest.
        for member in sorted(cycle.single, key=lambda one: (not one.is_at_deadline, one.due)):
            is_last = member.is_at_deadline
            if member.future.done():
                continue  # it has left the hub
            if cycle.end < self._quiet_until and not is_last:
                continue
            if member.due == math.inf:
                continue  # it was decided together with all
            # An import that ended before the deadline must be found, whatever became of the list and of others.
            failure = cycle.shared_failure
            if is_last:
                failure = cycle.last_failure if cycle.failure_weight >= _HOPELESS_WEIGHT else None
            if failure is not None:
                cycle.fail([member], failure)
            elif self._allowance < 1 or not (may_continue or is_last):
                break
            else:
                may_continue = self._poll(cycle, member) and may_continue

    def _poll(self, cycle: PollCycle, member: Member) -> bool:
        """Poll one member, and return whether the cycle may continue."""
        self._allowance -= 1
        member.skips = max(0, member.skips - 1)
        try:
            request = partial(member.poller.request, is_unlisted=member in cycle.unlisted)
            found = self.client.call(request, cycle.now)
        except EciError as error:
            return self._handle_failure(cycle, member, error)
        except Exception as error:
            cycle.decide(member, partial(_raise, error))
            return True
        self._failures, cycle.failure_weight, cycle.shared_failure, cycle.answered = 0, 0, None, True
        self._list.note_permission()
        if cycle.list_timeout is not None:
            self._list.suspend_after_timeout(cycle, cycle.list_timeout)
            cycle.list_timeout = None
        member.note_begin(found)
        cycle.decide(member, partial(member.poller.evaluate, found))
        return True

    def _handle_failure(self, cycle: PollCycle, member: Member, error: EciError) -> bool:
        """Let a member handle its failed poll, and return whether the cycle may continue."""
        if isinstance(error, EciNotFoundError):
            member.note_unknown()
        cycle.decide(member, partial(member.poller.handle_failure, error))
        denial = self._list.note_denial(member) if isinstance(error, EciAuthenticationError) else None
        if denial is not None:
            cycle.shared_failure = denial
            cycle.fail([one for one in cycle.members if one.due < math.inf], denial)
        cycle.last_failure = shared_error(error)
        cycle.failure_weight += _weight(error)
        return self._note_failure(cycle, cycle.last_failure, weight=1)

    def _note_failure(self, cycle: PollCycle, error: EciError, *, weight: int) -> bool:
        """Note what a failure says about the server, and return whether the cycle may continue."""
        if not is_transient(error) and not isinstance(error, EciConnectionError):
            self._failures = 0
            return True
        asked = obeyed_delay(error)
        if asked is not None:
            cycle.begin_pauses()
            self._asked_until = max(self._asked_until, cycle.end + asked)
            self._asked_identity = self.client.identity
            self._be_quiet(self._asked_until)
            return False
        # One failure may be due to what was requested. If the next poll fails too, all members share the failure.
        self._failures += weight
        if self._failures >= _SHARED_AFTER or (isinstance(error, EciConnectionError) and not error.sent):
            cycle.shared_failure = error
        return cycle.shared_failure is not None


def _weight(error: EciError) -> int:
    if isinstance(error, EciConnectionError) or obeyed_delay(error) is not None:
        return 2
    return int(is_transient(error))


def _raise(error: Exception) -> None:
    raise error
