"""What a task's or a batch's status means: pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.tasks import TaskResponse

Outcome = Literal["completed", "completed_with_kickouts", "failed"]

#: The only status of a bill import that is documented (pages get-batch and retry-kickouts).
KICKOUTS_STATUS = "completed with kickouts"

#: What makes a status that begins with "complete" doubtful.
_DOUBTFUL = (" with ", "error", "fail", "kick", "partial", " but ")


def classify(status: str | None, *, ended: bool, success_statuses: Iterable[str] = ()) -> Outcome | None:
    """
    Return the outcome of an import.

    Only ``endDate`` says that a task has ended. Of the statuses, only "Completed with kickouts" is documented.
    Assumption: other statuses that begin with "complete" mean success, unless they mention errors or anything that
    the import was completed "with". After the end, an unknown status counts as failed.

    :param status: the task's status, in any case.
    :param ended: whether the task has an ``endDate``.
    :param success_statuses: further statuses that count as success, in any case.
    :return: the outcome; None while the import is running.
    """
    if not ended:
        return None
    text = (status or "").strip().casefold()
    if text == KICKOUTS_STATUS:
        return "completed_with_kickouts"
    if text in {literal.strip().casefold() for literal in success_statuses}:
        return "completed"
    is_doubtful = any(word in text for word in _DOUBTFUL)
    return "completed" if text.startswith("complete") and not is_doubtful else "failed"


def task_has_ended(task: TaskResponse, *, wait_for_analysis: bool) -> bool:
    """
    Return whether an import has ended, and with it the analysis if that is awaited.

    :param task: the task.
    :param wait_for_analysis: whether ``analyzingCount`` must be 0; it can be above 0 after the end.
    """
    return bool(task.end_date) and not (wait_for_analysis and task.analyzing_count)


def batch_has_arrived(batch: BatchResponse, *, batch_status: str | None, wait_for_analysis: bool) -> bool:
    """
    Return whether a batch has reached its target.

    :param batch: the batch.
    :param batch_status: the target status, in any case; None for any status.
    :param wait_for_analysis: whether none of its bills may be under analysis.
    """
    has_status = batch_status is None or batch.has_status(batch_status)
    return has_status and not (wait_for_analysis and batch.analyzing_count)
