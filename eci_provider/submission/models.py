"""The data of a submission: the job, the attempt, what was decided, and what was submitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eci_provider.api.tasks import TaskResponse
    from eci_provider.submission.marker import Identity, Target


@dataclass(frozen=True)
class Job:
    """
    An import that is to be submitted once.

    :param description: what it is, for messages, such as ``file 'bills.csv'``.
    :param identity: returns which piece of work it is; it reads the file.
    :param target: what is known of its batch.
    :param send: sends it with a marker and returns the GUID of its task.
    :param resubmit_hint: what to set so that it is sent whatever earlier attempts did, for messages.
    """

    description: str
    identity: Callable[[], Identity]
    target: Target
    send: Callable[[str], str]
    resubmit_hint: str = "set reattach=False"


@dataclass(frozen=True)
class AttemptContext:
    """
    Context of the current attempt.

    :param try_number: the number of Airflow's try, from 1.
    :param max_tries: Airflow's count, which grows when a task is cleared and not when it is retried.
    :param earliest_start: the earliest time at which an attempt can have submitted the job; None if not known.
    :param reattach: whether imports of earlier attempts are searched for.
    :param settle_time: seconds until a request whose answer was lost has taken effect.
    :param deadline: when a search ends at the latest, whether or not it has read the whole list; None for never.
    :param other_imports: the GUIDs, in lower case, of imports that are known not to be the job's.
    :param success_statuses: further statuses that count as success.
    """

    try_number: int
    max_tries: int | None
    earliest_start: datetime | None
    reattach: bool
    settle_time: float
    deadline: datetime | None = None
    other_imports: frozenset[str] = frozenset()
    success_statuses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Submitted:
    """
    The import that the task waits for.

    :param task_guid: its GUID.
    :param submitted_at: when it was submitted, by this machine's clock.
    :param reattached: whether an earlier attempt, or somebody else, submitted it.
    :param task: its task, as it was polled last; None if it was not polled.
    """

    task_guid: str
    submitted_at: datetime
    reattached: bool
    task: TaskResponse | None


@dataclass(frozen=True)
class ResumeDecision:
    """
    Whether to reattach to an import or to submit one, and why.

    :param resubmission: the number of the resubmission, if the job is submitted; see :meth:`Identity.marker`.
    :param task: the import to reattach to; None to submit.
    :param reason: the reason, for the log.
    """

    resubmission: int
    task: TaskResponse | None
    reason: str
