"""When to poll next and when to give up."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from eci_provider.api.transport.retries import asked_delay, retry_delay
from eci_provider.core import clock
from eci_provider.core.errors import EciError

log = logging.getLogger(__name__)

#: Which of a task's timeouts ended a wait.
EndedBy = Literal["timeout", "execution_timeout"]

#: When polling gives up: after so many consecutive failures, or so many seconds since the first of them.
MOST_FAILURES = 60
MOST_FAILING_SECONDS = 1800.0

#: The longest ``Retry-After`` that is obeyed, in seconds; a longer one may be a mistake.
LONGEST_OBEYED = 86400.0

#: The first interval between two polls, in seconds, and its growth up to ``poll_interval``.
_FIRST_INTERVAL = 1.0
_GROWTH = 1.5
#: By how many seconds the counted time may differ from the wall clock's.
_ROUNDING = 1.0


class Stopwatch:
    """Count the seconds of a wait, even if the wall clock is set meanwhile."""

    __slots__ = ("_began", "_exempt", "_slept")

    def __init__(self) -> None:
        self._began = clock.monotonic()
        self._slept = 0.0
        self._exempt = 0.0

    def add(self, seconds: float, *, exempt: float = 0.0) -> None:
        """
        Add a pause that begins now, or correct an earlier one.

        :param seconds: the length of the pause; for a correction, how much longer it was than planned.
        :param exempt: how many seconds do not count.
        """
        self._slept += seconds
        self._exempt += exempt

    def seconds(self) -> float:
        """Return the seconds that count: planned pauses plus actual request time."""
        return max(clock.monotonic() - self._began, self._slept) - self._exempt


@dataclass(slots=True)
class PollSchedule:
    """
    The timing of one wait: interval, consecutive failures, deadlines. It never sleeps and sends nothing.

    :param poll_interval: seconds between two polls after the ramp-up.
    :param deadline: when the wait ends; None for never.
    :param random: a source of numbers in [0, 1), for jitter.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try; None for never.
    """

    poll_interval: float
    deadline: datetime | None
    random: Callable[[], float]
    execution_deadline: datetime | None = None
    #: Consecutive failures.
    failures: int = field(default=0, init=False)
    #: Whether the last answer was a 404.
    is_missing: bool = field(default=False, init=False)
    #: Whether the pause that was returned last ends at a deadline.
    ends_at_deadline: bool = field(default=False, init=False)
    _polls: int = field(default=0, init=False)
    _failing: Stopwatch | None = field(default=None, init=False)
    _waiting: Stopwatch = field(default_factory=Stopwatch, init=False)
    _left_at_first: float = field(default=0.0, init=False)
    _has_cut: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._left_at_first = self._left_by_wall_clock()

    def before_first_poll(self, seconds: float) -> float:
        """
        Return how many seconds to pause before the first poll; the deadline is kept.

        :param seconds: the pause; below zero for none.
        """
        return self._until_deadline(seconds) or 0.0 if seconds > 0 else 0.0

    def after_poll(self) -> float | None:
        """
        Return how many seconds to pause after a poll that found the work unfinished; None at the deadline.

        The interval grows from one second to ``poll_interval``, plus or minus a tenth: short imports are noticed
        fast, and long ones cost few requests. The last poll happens exactly at the deadline.
        """
        self.failures, self._failing, self.is_missing = 0, None, False
        interval = min(self.poll_interval, _FIRST_INTERVAL * _GROWTH ** min(self._polls, 40))
        self._polls += 1
        return self._until_deadline(interval * (0.9 + 0.2 * self.random()))

    def after_failure(self, error: EciError) -> float | None:
        """
        Return how many seconds to pause after a failed poll; None to give up.

        A ``Retry-After`` of up to a day is obeyed, and does not count towards the time of the failures.

        :param error: why the poll failed.
        """
        self._failing = self._failing or Stopwatch()
        self.failures += 1
        delay = retry_delay(
            error,
            method="GET",
            failures=self.failures,
            most_failures=MOST_FAILURES,
            elapsed=self._failing.seconds(),
            most_elapsed=MOST_FAILING_SECONDS,
            random=self.random,
            longest=max(60.0, self.poll_interval),
            longest_asked=math.inf,
            most_obeyed=LONGEST_OBEYED,
            asked_counts=False,
        )
        if delay is None:
            return None
        asked, obeyed = asked_delay(error) or 0.0, obeyed_delay(error) or 0.0
        if asked > obeyed and not self._has_cut:
            log.warning("EnergyCAP asked for a pause of %g s; the next request is sent after %g s.", asked, obeyed)
            self._has_cut = True
        pause = self._until_deadline(delay)
        self._failing.add(pause or 0.0, exempt=min(obeyed, pause or 0.0))
        return pause

    def after_missing(self, settle_time: float) -> float | None:
        """
        Return how many seconds to pause after a 404, since a read may lag; None to give up, after another one.

        :param settle_time: seconds until a read shows what a request has started.
        """
        if self.is_missing:
            return None
        self.is_missing = True
        return self._until_deadline(settle_time)

    def correct_pause(self, seconds: float, *, exempt: float = 0.0) -> None:
        """
        Correct the pause before a poll that did not come when it was planned.

        :param seconds: how much longer the pause was; below zero if it was shorter.
        :param exempt: how many of these seconds the server asked for; they do not count as its failing.
        """
        self._waiting.add(seconds)
        if self._failing is not None:
            self._failing.add(seconds, exempt=exempt)

    @property
    def ended_by(self) -> EndedBy:
        """Return which deadline is the earlier one."""
        if self.execution_deadline is None:
            return "timeout"
        if self.deadline is not None and self.deadline <= self.execution_deadline:
            return "timeout"
        return "execution_timeout"

    def deadline_text(self, ended_by: EndedBy) -> str:
        """
        Return a deadline in ISO 8601.

        :param ended_by: which one; a deadline that is not known is now, because somebody else ended the wait.
        """
        end = self.deadline if ended_by == "timeout" else self.execution_deadline
        return (end or clock.utc_now()).isoformat(timespec="seconds")

    def is_expired(self) -> bool:
        """Return whether a deadline has passed."""
        return self.seconds_left() <= 0

    def seconds_left(self) -> float:
        """
        Return the seconds until the earlier deadline; infinity without a deadline.

        A wall clock that is set back does not prolong the wait.
        """
        return min(self._left_by_wall_clock(), self._left_at_first + _ROUNDING - self._waiting.seconds())

    def _left_by_wall_clock(self) -> float:
        ends = [end for end in (self.deadline, self.execution_deadline) if end is not None]
        return (min(ends) - clock.utc_now()).total_seconds() if ends else math.inf

    def _until_deadline(self, delay: float) -> float | None:
        left = self.seconds_left()
        if left <= 0:
            return None
        pause = min(delay, left)
        self.ends_at_deadline = pause == left
        self._waiting.add(pause)
        return pause


def obeyed_delay(error: EciError) -> float | None:
    """
    Return for how many seconds no request is sent because the server asked for a pause: a day at most.

    :param error: what a request ended with.
    :return: seconds; None if the server did not ask.
    """
    asked = asked_delay(error)
    return None if asked is None else min(asked, LONGEST_OBEYED)
