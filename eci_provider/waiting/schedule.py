"""Decide what a look at an import means: how it stands, when to look again, when to give up."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from eci_provider.api.transport.retries import asked_delay, retry_delay
from eci_provider.core import clock

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.errors import EciError
    from eci_provider.api.tasks import TaskResponse

log = logging.getLogger(__name__)

Outcome = Literal["completed", "completed_with_kickouts", "failed"]
EndedBy = Literal["timeout", "execution_timeout"]

#: The one status the documentation gives for a bill import (pages get-batch and retry-kickouts).
KICKOUTS_STATUS = "completed with kickouts"

#: When polling gives up on a server: consecutive failures, and seconds since the first of them.
MOST_FAILURES = 60
MOST_FAILING_SECONDS = 1800.0

#: How long Airflow may take to resume a task whose trigger has fired.
_TIME_TO_RESUME = timedelta(seconds=60)

#: By how much Airflow's time-out for a trigger is later than the deadline, which ends the wait by itself.
FRAMEWORK_GRACE = timedelta(minutes=10)

#: The first interval between two looks, in seconds, and how it grows up to `poll_interval`.
_FIRST_INTERVAL = 1.0
_GROWTH = 1.5

#: The longest pause between two looks, in seconds, that a server's ``Retry-After`` makes: it may be a mistake.
LONGEST_OBEYED = 86400.0
#: By how much the seconds that were counted may differ from the wall clock's, in seconds.
_ROUNDING = 1.0


def classify(status: str | None, *, ended: bool, success_statuses: Iterable[str] = ()) -> Outcome | None:
    """
    Tell how an import stands.

    Only ``endDate`` says that a task has ended. Of the statuses, only "Completed with kickouts" is documented.
    Assumption: others that begin with "complete" mean success, unless they speak of errors or of anything that
    it was completed "with". What is unknown at the end counts as failed.

    :param status: the task's status, in any case.
    :param ended: whether it has an ``endDate``.
    :param success_statuses: further literals that count as success, in any case.
    :return: the outcome, or None while it is going on.
    """
    if not ended:
        return None
    text = (status or "").strip().casefold()
    if text == KICKOUTS_STATUS:
        return "completed_with_kickouts"
    if text in {literal.strip().casefold() for literal in success_statuses}:
        return "completed"
    doubtful = any(word in text for word in (" with ", "error", "fail", "kick", "partial", " but "))
    return "completed" if text.startswith("complete") and not doubtful else "failed"


def task_has_ended(task: TaskResponse, *, wait_for_analysis: bool) -> bool:
    """
    Tell whether an import is over; with analysis, whether its bills were analysed too.

    :param task: the task.
    :param wait_for_analysis: whether ``analyzingCount`` must be down to 0; it can be above after the end.
    """
    return bool(task.end_date) and not (wait_for_analysis and task.analyzing_count)


def batch_has_arrived(batch: BatchResponse, *, batch_status: str | None, wait_for_analysis: bool) -> bool:
    """
    Tell whether a batch is where it is waited for.

    :param batch: the batch.
    :param batch_status: the wanted status, in any case; None for any.
    :param wait_for_analysis: whether no bill of it may be under analysis any more.
    """
    arrived = batch_status is None or batch.has_status(batch_status)
    return arrived and not (wait_for_analysis and batch.analyzing_count)


class Stopwatch:
    """Count a wait's seconds, whatever the wall clock does meanwhile."""

    __slots__ = ("_began", "_free", "_slept")

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._slept = 0.0
        self._free = 0.0

    def add(self, seconds: float, *, free: float = 0.0) -> None:
        """
        Note a pause that begins now, or how much longer one was than it was meant to be.

        :param seconds: how long it is; below zero when it was shorter.
        :param free: how much of it, or of others, does not count.
        """
        self._slept += seconds
        self._free += free

    def seconds(self) -> float:
        """Return the seconds that count: pauses as they were meant, and requests as they took."""
        return max(time.monotonic() - self._began, self._slept) - self._free


@dataclass(slots=True)
class PollSchedule:
    """
    Keep the time of one wait: the interval, the failures in a row, the deadlines. It never sleeps or asks.

    :param poll_interval: seconds between two looks, once the wait is not young any more.
    :param deadline: when the wait ends whatever happens; None for never.
    :param random: a source of numbers in [0, 1), for jitter.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try; None for never.
    """

    poll_interval: float
    deadline: datetime | None
    random: Callable[[], float]
    execution_deadline: datetime | None = None
    failures: int = field(default=0, init=False)
    #: Whether the pause that it returned last ends at a deadline.
    ends_at_deadline: bool = field(default=False, init=False)
    _looks: int = field(default=0, init=False)
    _failing: Stopwatch | None = field(default=None, init=False)
    _waiting: Stopwatch = field(default_factory=Stopwatch, init=False)
    _left_at_first: float = field(default=0.0, init=False)
    _has_cut: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._left_at_first = self._left_by_the_wall()

    def after_look(self) -> float | None:
        """
        Return how many seconds to wait after a look that found it unfinished; None when the deadline is here.

        The interval grows from one second to ``poll_interval``, give or take a tenth, so that short imports end
        fast and long ones cost little. The last look falls on the deadline itself.
        """
        self.failures, self._failing = 0, None
        interval = min(self.poll_interval, _FIRST_INTERVAL * _GROWTH ** min(self._looks, 40))
        self._looks += 1
        return self._until_the_end(interval * (0.9 + 0.2 * self.random()))

    def after_failure(self, error: EciError) -> float | None:
        """
        Return how many seconds to wait after a failed look; None to give up.

        A ``Retry-After`` is obeyed for up to a day, and the time that it takes is not the server's failing.

        :param error: why it failed.
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
            log.warning("EnergyCAP asks for a pause of %g s; it is asked again after %g s.", asked, obeyed)
            self._has_cut = True
        pause = self._until_the_end(delay)
        self._failing.add(pause or 0.0, free=min(obeyed, pause or 0.0))
        return pause

    def note_delay(self, seconds: float, *, free: float = 0.0) -> None:
        """
        Note that the pause before a look was not as long as it was meant to be.

        :param seconds: by how much it was longer, or below zero: shorter.
        :param free: how much of that a server asked for, which is not its failing.
        """
        self._waiting.add(seconds)
        if self._failing is not None:
            self._failing.add(seconds, free=free)

    @property
    def ended_by(self) -> EndedBy:
        """Return which of the two deadlines comes first."""
        if self.execution_deadline is None:
            return "timeout"
        if self.deadline is not None and self.deadline <= self.execution_deadline:
            return "timeout"
        return "execution_timeout"

    def deadline_text(self, ended_by: EndedBy) -> str:
        """
        Return when a limit ended the wait or will end it, in ISO 8601.

        :param ended_by: which limit; where its moment is not known somebody else ends the wait, now.
        """
        end = self.deadline if ended_by == "timeout" else self.execution_deadline
        return (end or clock.utc_now()).isoformat(timespec="seconds")

    def is_over(self) -> bool:
        """Tell whether a deadline has passed."""
        return self.seconds_left() <= 0

    def _left_by_the_wall(self) -> float:
        ends = [end for end in (self.deadline, self.execution_deadline) if end is not None]
        return (min(ends) - clock.utc_now()).total_seconds() if ends else math.inf

    def seconds_left(self) -> float:
        """
        Return the seconds until the earlier deadline; infinite where there is none.

        A wall clock that was set back does not make the wait longer than it was.
        """
        return min(self._left_by_the_wall(), self._left_at_first + _ROUNDING - self._waiting.seconds())

    def _until_the_end(self, delay: float) -> float | None:
        left = self.seconds_left()
        if left <= 0:
            return None
        pause = min(delay, left)
        self.ends_at_deadline = pause == left
        self._waiting.add(pause)
        return pause


def obeyed_delay(error: EciError) -> float | None:
    """
    Return for how many seconds nothing is asked for since the server asked for that, if it did: a day at most.

    :param error: what a request ended with.
    """
    asked = asked_delay(error)
    return None if asked is None else min(asked, LONGEST_OBEYED)


def deadline_after(timeout: timedelta | float, *, since: datetime | None = None) -> datetime:
    """
    Return the deadline of a wait.

    :param timeout: how long it may take; a number is in seconds.
    :param since: from when on; now without.
    """
    span = timeout if isinstance(timeout, timedelta) else timedelta(seconds=timeout)
    return (since or clock.utc_now()) + span


def execution_deadline(execution_timeout: timedelta | None, started: datetime | None) -> datetime | None:
    """
    Return when a trigger must end its wait for the sake of Airflow's ``execution_timeout``; None when it need not.

    That is a little before the time is up: Airflow 2 counts the time-out on after the deferral, and would end the
    task, which then has to be resumed, before it can say what it had waited for.

    :param execution_timeout: the task's.
    :param started: when the try began; now where that is not known.
    """
    if execution_timeout is None:
        return None
    return deadline_after(execution_timeout - min(execution_timeout / 10, _TIME_TO_RESUME), since=started)


def framework_timeout(deadline: datetime) -> timedelta:
    """
    Return the time-out to hand to Airflow with a trigger: later than the deadline, which ends the wait by itself.

    :param deadline: the wait's own deadline.
    """
    return max(deadline - clock.utc_now(), timedelta(0)) + FRAMEWORK_GRACE
