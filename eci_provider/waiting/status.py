"""What a task's or a batch's status means: pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal

from eci_provider.core.dates import ANY_ZONE, has_offset, parse_datetime, shifted

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse

Outcome = Literal["completed", "completed_with_kickouts", "failed"]

#: The only status of a bill import that is documented (pages get-batch and retry-kickouts).
KICKOUTS_STATUS = "completed with kickouts"

#: What makes a status that begins with "complete" doubtful.
_DOUBTFUL = (" with ", "error", "fail", "kick", "partial", " but ")


#: No import is older. Servers write the years 1, 1753, 1900 and 1970 for "no date".
_EARLIEST = datetime(2000, 1, 2, tzinfo=timezone.utc)
#: How far the dates of a task may be ahead of the server's ``Date``.
_AHEAD = timedelta(minutes=5)


def classify(status: str | None, *, ended: bool, success_statuses: Iterable[str] = ()) -> Outcome | None:
    """
    Return the outcome of an import.

    Only ``endDate`` says that a task has ended. Of the statuses, only "Completed with kickouts" is documented.
    Assumption: other statuses that begin with "complete" mean success, unless they mention errors or anything that
    the import was completed "with". After the end, an unknown status counts as failed.

    :param status: the task's status, in any case.
    :param ended: whether the task has ended, see :func:`has_ended`.
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


def has_ended(task: TaskResponse, now: datetime) -> bool:
    """
    Return whether an import has ended: its ``endDate`` is a date that can be.

    The documentation says that ``endDate`` has no value until then. Assumption: a date before the ``beginDate`` or
    in the future, a blank and a word are no value either. A date without an offset may be in any time zone.

    :param task: the task.
    :param now: the time by the server's clock, see :func:`latest_now`.
    """
    end = possible_date(task.end_date)
    if end is None:
        return False
    margin = _AHEAD if has_offset(task.end_date or "") else ANY_ZONE
    begin = possible_date(task.begin_date)
    if begin is not None and begin <= shifted(now, ANY_ZONE):
        if end < shifted(begin, -ANY_ZONE):
            return False
        if begin > shifted(now, _AHEAD):
            margin = ANY_ZONE  # all its dates are ahead, as those of a server that shows its own zone as UTC
    return end <= shifted(now, margin)


def latest_now(client: EciClient) -> datetime:
    """
    Return the latest time that the server's clock may show.

    :param client: the client; if no answer has shown the server's time yet, the clocks may be apart.
    """
    now = client.server_now()
    return now if client.knows_server_time else shifted(now, ANY_ZONE)


def possible_date(text: str | None) -> datetime | None:
    """
    Return a date of a task; None for what cannot be one, such as the year 1 or a word.

    :param text: the date as EnergyCAP shows it.
    """
    try:
        date = parse_datetime((text or "").strip())
    except ValueError:
        return None
    return date if date >= _EARLIEST else None


def task_has_ended(task: TaskResponse, now: datetime, *, wait_for_analysis: bool) -> bool:
    """
    Return whether an import has ended, and with it the analysis if that is awaited.

    :param task: the task.
    :param now: the time by the server's clock, see :func:`latest_now`.
    :param wait_for_analysis: whether ``analyzingCount`` must be 0; it can be above 0 after the end.
    """
    return has_ended(task, now) and not (wait_for_analysis and task.analyzing_count)


def batch_has_arrived(batch: BatchResponse, *, batch_status: str | None, wait_for_analysis: bool) -> bool:
    """
    Return whether a batch has reached its target.

    :param batch: the batch.
    :param batch_status: the target status, in any case; None for any status.
    :param wait_for_analysis: whether none of its bills may be under analysis.
    """
    has_status = batch_status is None or batch.has_status(batch_status)
    return has_status and not (wait_for_analysis and batch.analyzing_count)
