"""Decide what a look at an import means: how it stands, when to look again, when to give up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from eci_provider import clock
from eci_provider.api.retries import retry_delay

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.errors import EciError
    from eci_provider.api.tasks import TaskResponse

Outcome = Literal["completed", "completed_with_kickouts", "failed"]

#: The one status the documentation gives for a bill import (pages get-batch and retry-kickouts).
KICKOUTS_STATUS = "completed with kickouts"

#: When polling gives up on a server: consecutive failures, and seconds since the first of them.
MOST_FAILURES = 60
MOST_FAILING_SECONDS = 1800.0

#: The first interval between two looks, in seconds, and how it grows up to `poll_interval`.
_FIRST_INTERVAL = 1.0
_GROWTH = 1.5


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


@dataclass
class Watch:
    """
    Keep the time of one wait: the interval, the failures in a row, the deadline. It never sleeps or asks.

    :param poll_interval: seconds between two looks, once the wait is not young any more.
    :param deadline: when the wait ends whatever happens; None for never.
    :param random: a source of numbers in [0, 1), for jitter.
    """

    poll_interval: float
    deadline: datetime | None
    random: Callable[[], float]
    failures: int = field(default=0, init=False)
    _looks: int = field(default=0, init=False)
    _failing_since: datetime | None = field(default=None, init=False)

    def after_look(self) -> float | None:
        """
        Return how many seconds to wait after a look that found it unfinished; None when the deadline is here.

        The interval grows from one second to ``poll_interval``, give or take a tenth, so that short imports end
        fast and long ones cost little. The last look falls on the deadline itself.
        """
        self.failures, self._failing_since = 0, None
        interval = min(self.poll_interval, _FIRST_INTERVAL * _GROWTH ** min(self._looks, 40))
        self._looks += 1
        return self._until_deadline(interval * (0.9 + 0.2 * self.random()))

    def after_failure(self, error: EciError) -> float | None:
        """
        Return how many seconds to wait after a failed look; None to give up.

        :param error: why it failed.
        """
        moment = clock.utc_now()
        self._failing_since = self._failing_since or moment
        self.failures += 1
        delay = retry_delay(
            error,
            method="GET",
            failures=self.failures,
            most_failures=MOST_FAILURES,
            elapsed=(moment - self._failing_since).total_seconds(),
            most_elapsed=MOST_FAILING_SECONDS,
            random=self.random,
            longest=max(60.0, self.poll_interval),
            longest_asked=MOST_FAILING_SECONDS,
        )
        return None if delay is None else self._until_deadline(delay)

    @property
    def deadline_text(self) -> str:
        """Return when the wait ended or will end, in ISO 8601; without a deadline somebody else ends it, now."""
        return (self.deadline or clock.utc_now()).isoformat(timespec="seconds")

    def is_over(self) -> bool:
        """Tell whether the deadline has passed."""
        return self.deadline is not None and clock.utc_now() >= self.deadline

    def _until_deadline(self, delay: float) -> float | None:
        if self.deadline is None:
            return delay
        left = (self.deadline - clock.utc_now()).total_seconds()
        return None if left <= 0 else min(delay, left)


def deadline_after(timeout: timedelta | float, *, since: datetime | None = None) -> datetime:
    """
    Return the deadline of a wait.

    :param timeout: how long it may take; a number is in seconds.
    :param since: from when on; now without.
    """
    span = timeout if isinstance(timeout, timedelta) else timedelta(seconds=timeout)
    return (since or clock.utc_now()) + span


def framework_timeout(deadline: datetime) -> timedelta:
    """
    Return the time-out to hand to Airflow with a trigger: later than the deadline, which ends the wait by itself.

    :param deadline: the wait's own deadline.
    """
    return max(deadline - clock.utc_now(), timedelta(0)) + timedelta(minutes=10)
