"""
The twins of an import: other imports with its marker.

A proxy that sends a request twice makes one, and so does a request that takes effect after it was sent again.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from eci_provider.api.errors import EciError, EciUnknownOutcomeError
from eci_provider.api.filters import where
from eci_provider.api.models import plain_guid
from eci_provider.api.tasks import TaskResponse, begun_since
from eci_provider.submission.candidates import brought_nothing
from eci_provider.submission.errors import several_imports
from eci_provider.submission.marker import Target, marker_of_note
from eci_provider.waiting.clocks import by_server
from eci_provider.waiting.status import latest_now, possible_date

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.submission.models import Submitted

log = logging.getLogger(__name__)

#: How many pages of imports are compared at most.
_MOST_PAGES = 5
#: What is read of each import.
_FIELDS = ("taskId", "taskGUId", "beginDate", "endDate", "taskNote", "currentSuccessCount")


def twins_error(
    client: EciClient, task: TaskResponse, submitted: Submitted, target: Target, *, next_step: str | None = None
) -> EciUnknownOutcomeError | None:
    """
    Return the error if other imports carry the marker of one that ended, and have or may have imported anything.

    One request, as a rule: the list of imports since it began, in its batch if the request has named that. In any
    other mode a twin may lie in another batch. Where EnergyCAP shows no note there is nothing to compare.

    :param client: the client.
    :param task: the import's task, which has ended.
    :param submitted: the import.
    :param target: what was known of its batch before it existed.
    :param next_step: what a person does next; to adopt one of them if left out.
    :return: the error; None also if the list of imports cannot be read, which is logged.
    """
    marker = marker_of_note(task)
    if marker is None:
        return None
    condition = begun_since(_begin(client, task, submitted.submitted_at))
    if target.batch_id is not None and task.batch is not None and task.batch.batch_id == target.batch_id:
        condition &= where("batchId", "equals", target.batch_id)
    try:
        listed = list(client.tasks.list(condition, fields=_FIELDS, lenient=True, max_pages=_MOST_PAGES))
    except EciError as error:
        log.warning(
            "Cannot check whether import %s is in EnergyCAP twice, marker %s: %s",
            submitted.task_guid,
            marker,
            error,
        )
        return None
    own, now = plain_guid(submitted.task_guid) or submitted.task_guid, latest_now(client)
    others = {other.task_guid: other for other in listed if other.task_guid and other.task_guid != own}
    twins = [
        other for other in others.values() if marker_of_note(other) == marker and not brought_nothing(other, now)
    ]
    return several_imports(marker, [task, *twins], next_step=next_step) if twins else None


def _begin(client: EciClient, task: TaskResponse, submitted_at: datetime) -> datetime:
    """Return when an import began at the latest, by EnergyCAP's clock."""
    known = by_server(client, submitted_at)
    return min(possible_date(task.begin_date) or known, known)
