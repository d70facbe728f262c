"""Make the result of an import that ended: read its kickouts, and whether its bills count."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from eci_provider.api.errors import EciError
from eci_provider.api.tasks import TaskResponse
from eci_provider.outcome.batch_state import (
    DELETED,
    BatchState,
    batch_state_of_import,
    task_after_settling,
)
from eci_provider.outcome.result import ImportResult, KickoutDigest
from eci_provider.waiting.status import classify

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

log = logging.getLogger(__name__)


def kickout_digest(client: EciClient, task_guid: str) -> KickoutDigest:
    """
    Count an import's kicked-out rows by message, while they are read.

    :param client: the client.
    :param task_guid: the import.
    :raises EciError: if EnergyCAP does not return the rows.
    """
    report = client.kickouts.report(task_guid).count()
    return KickoutDigest(report.rows, report.digest())


def conclude(
    client: EciClient,
    task: TaskResponse,
    task_guid: str,
    *,
    success_statuses: Iterable[str],
    reattached: bool,
    settle_time: float,
) -> ImportResult:
    """
    Return the result of an import that ended, with its kickouts counted.

    :param client: the client, to read the kickouts and the batch with.
    :param task: the import's task, as it was polled last; it has ended.
    :param task_guid: its GUID, as it was asked for.
    :param success_statuses: further statuses that count as success.
    :param reattached: whether the import was started by an earlier attempt.
    :param settle_time: seconds until the import's end has taken effect on its batch; slept if that matters.
    """
    if _has_lost_its_batch(task, success_statuses):
        task = task_after_settling(client, task, task_guid, settle_time)
    outcome = classify(task.status, ended=True, success_statuses=success_statuses)
    kicked_out = outcome == "completed_with_kickouts"
    batch_state = None
    if _has_lost_its_batch(task, success_statuses):
        batch_state = BatchState(DELETED, counts=False)
    elif outcome != "failed" or task.current_success_count != 0:
        batch_state = batch_state_of_import(
            client, task, task_guid, kicked_out=kicked_out, settle_time=settle_time
        )
    digest = _digest_or_none(client, task_guid) if kicked_out else None
    return ImportResult.from_task(
        task, task_guid, outcome=outcome, digest=digest, batch_state=batch_state, reattached=reattached
    )


def preliminary_result(
    task: TaskResponse, task_guid: str, *, success_statuses: Iterable[str], reattached: bool
) -> ImportResult:
    """
    Return what is known of an import that ended before its kickouts and its batch are read.

    :param task: the import's task, as it was polled last.
    :param task_guid: its GUID, as it was asked for.
    :param success_statuses: further statuses that count as success.
    :param reattached: whether the import was started by an earlier attempt.
    """
    outcome = classify(task.status, ended=True, success_statuses=success_statuses)
    batch_state = BatchState(counts=True if task.current_success_count == 0 else None)
    return ImportResult.from_task(task, task_guid, outcome=outcome, batch_state=batch_state, reattached=reattached)


def result_without_waiting(task: TaskResponse | None, task_guid: str, *, reattached: bool) -> ImportResult:
    """
    Return the result of an import that is not waited for; it does not claim that bills count.

    :param task: the import's task, if it was read.
    :param task_guid: its GUID.
    :param reattached: whether the import was started by an earlier attempt.
    """
    unknown = BatchState(counts=None)
    return ImportResult.from_task(
        task or TaskResponse(), task_guid, outcome=None, batch_state=unknown, reattached=reattached
    )


def _has_lost_its_batch(task: TaskResponse, success_statuses: Iterable[str]) -> bool:
    """
    Return whether an import shows neither a bill nor a batch, though it succeeded: both were deleted since.

    Assumption: an import without kickouts names its batch as long as there is one, also if it brought no bill in.
    One whose status is in ``success_statuses`` may never have had one.

    :param task: the task; of its bills it counts those that still exist (GetTaskV3).
    :param success_statuses: further statuses that count as success.
    """
    is_named = (task.status or "").strip().casefold() in {text.strip().casefold() for text in success_statuses}
    succeeded = not is_named and classify(task.status, ended=True) == "completed"
    return succeeded and task.current_success_count == 0 and (task.batch is None or task.batch.batch_id is None)


def _digest_or_none(client: EciClient, task_guid: str) -> KickoutDigest | None:
    """Return an import's kickouts, or None if they cannot be read: the rest of the result must not be lost."""
    try:
        return kickout_digest(client, task_guid)
    except EciError as error:
        log.warning("Cannot read the kickouts of import %s: %s", task_guid, error)
        return None
