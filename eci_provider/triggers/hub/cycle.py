"""One cycle of polls: which members take part, and what the answers mean for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from eci_provider.api.errors import EciConnectionError, EciError, EciResponseError
from eci_provider.triggers.hub.elapsed import Elapsed
from eci_provider.triggers.hub.member import Member

#: The least seconds between the starts of two cycles.
MIN_GAP = 0.9
#: The most single polls a second.
SINGLE_POLLS_PER_SECOND = 10.0


@dataclass
class PollCycle:
    """
    One cycle of polls.

    :param members: all members of the hub.
    :param now: when the cycle starts, in seconds of the hub's clock.
    """

    members: list[Member]
    now: float
    #: The members whose wait is over, each with what was found or the error.
    ended: list[tuple[Member, dict[str, Any] | Exception]] = field(default_factory=list)
    #: The members that are due and polled through the list, those that join them early, and those polled singly.
    listed: list[Member] = field(default_factory=list)
    early: list[Member] = field(default_factory=list)
    single: list[Member] = field(default_factory=list)
    #: The members that the list, read to its end, does not show.
    unlisted: set[Member] = field(default_factory=set)
    #: When the cycle ended, and when the next one is due.
    end: float = 0.0
    next_due: float = math.inf
    #: The server's failure, for all members that are still due; and whether the list failed for it.
    shared_failure: EciError | None = None
    list_failed: bool = False
    #: The timeout of the list, until a single poll shows whether the whole server hangs.
    list_timeout: EciError | None = None
    #: The last failure of a single poll, and the weight of those in a row.
    last_failure: EciError | None = None
    failure_weight: int = 0
    #: Whether any request was answered, and after how many seconds the first of those that failed is polled again.
    answered: bool = False
    backoff: float = math.inf
    _elapsed: Elapsed = field(default_factory=Elapsed)
    _continuing: list[Member] = field(default_factory=list)

    def unanswered(self) -> list[Member]:
        """Return the members that the list should have answered and did not."""
        return [member for member in self.listed if member.due < math.inf]

    def decide(self, member: Member, decision: Callable[[], Any]) -> None:
        """
        Let a member's poller decide what an answer or a failure means.

        :param member: the member.
        :param decision: returns what was found, or None if the wait continues.
        """
        if member.planned is not None:
            member.poller.schedule.correct_pause(self.now - member.planned, exempt=member.exempt)
        member.planned, member.exempt = None, 0.0
        try:
            found = member.context.run(decision)
            outcome = None if found is None else found.documented()
        except Exception as error:
            outcome = error
        member.due = math.inf  # until its pause begins, if the wait continues
        if outcome is None:
            self._continuing.append(member)
            if member.poller.schedule.failures:
                self.backoff = min(self.backoff, member.poller.delay)
        else:
            self.ended.append((member, outcome))

    def fail(self, members: Iterable[Member], error: EciError) -> None:
        """
        Let pollers handle a failure that they share.

        :param members: the members.
        :param error: the failure.
        """
        for member in members:
            self.decide(member, partial(member.poller.handle_failure, error))

    def present(self) -> float:
        """Return the present time of the hub's clock."""
        return self.now + self._elapsed.seconds()

    def begin_pauses(self) -> None:
        """Start the pauses of the members whose wait continues."""
        self.end = self.present()
        for member in self._continuing:
            member.planned = member.due = self.end + member.poller.delay
        self._continuing.clear()


def shared_error(error: EciError) -> EciError:
    """
    Return the failure of one member's poll as a failure of all, without that member's import.

    :param error: the failure.
    """
    if not isinstance(error, (EciConnectionError, EciResponseError)) or not error.path:
        return error
    path = f"{error.path.rpartition('/')[0]}/..."
    outcome = (
        f"was answered with {error.status}" if isinstance(error, EciResponseError) else f"failed ({error.kind})"
    )
    return error.copy(f"{error.method} {path} {outcome} for another wait of the same connection.", path=path)
