"""Whether an import's bills count: kickouts can void its whole batch, and so can other imports and people."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eci_provider.api.errors import EciError, EciNotFoundError
from eci_provider.api.tasks import TaskResponse
from eci_provider.core import clock
from eci_provider.core.dates import ANY_ZONE, has_offset, parse_datetime
from eci_provider.core.text import shown
from eci_provider.waiting.late_batches import listed_batch
from eci_provider.waiting.status import has_ended, latest_now

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

log = logging.getLogger(__name__)

#: The organisation's setting under which kickouts set the whole batch Pending (GetBillImportWorkflowSettingsV3).
MARK_BATCH_PENDING = "MarkBatchPending"
_PROCESS_VALID_BILLS = "ProcessValidBills"

#: Our status of a batch that EnergyCAP no longer knows; EnergyCAP has none for that.
DELETED = "deleted"


@dataclass(frozen=True)
class BatchState:
    """
    The state of an import's batch.

    :param batch_status: as EnergyCAP spells it, or ``deleted``; None if it was not asked for or is not known.
    :param counts: whether the imported bills count; None if that is not known.
    """

    batch_status: str | None = None
    counts: bool | None = True

    def imported(self, bills: int | None) -> int | None:
        """
        Return how many of an import's bills count.

        :param bills: how many bills the import brought in; None if not known.
        """
        return {True: bills, False: 0, None: None}[self.counts]

    def voided(self, bills: int | None) -> int | None:
        """
        Return how many of an import's bills are in EnergyCAP and do not count.

        :param bills: how many bills the import brought in; None if not known.
        """
        if self.batch_status == DELETED:
            return 0
        return {True: 0, False: bills, None: None}[self.counts]


def batch_state_of_import(
    client: EciClient, task: TaskResponse, task_guid: str, *, kicked_out: bool, settle_time: float
) -> BatchState:
    """
    Return whether the bills count that an import brought in.

    Bills of a Pending batch are void until it is opened (UpdateBatchStatusV202206). If the organisation's
    ``errorHandling`` is ``MarkBatchPending``, EnergyCAP sets a batch Pending for the kickouts of any import into
    it (GetBillImportWorkflowSettingsV3). If the settings or the batch cannot be read, the bills of an import with
    kickouts are not known to count; those of one without kickouts count.

    Assumption: EnergyCAP has set the batch Pending within ``settle_time`` after the import's ``endDate``. A batch
    that should be Pending and is open is read again then; a person who opens it later does so on purpose.

    Bills are deleted with their batch (DeleteBatchV3); EnergyCAP then no longer knows the batch, and the task no
    longer counts the bills (GetTaskV3). A read may lag, so a 404 on the batch alone says nothing of them.

    :param client: the client.
    :param task: the import's task; it did not fail with nothing imported.
    :param task_guid: its GUID, as it was asked for.
    :param kicked_out: whether it had kickouts.
    :param settle_time: seconds until the import's end has taken effect on its batch.
    """
    batch_id = task.batch.batch_id if task.batch else None
    handling = _error_handling(client) if kicked_out else None
    valid_bills_count = (handling or "").casefold() == _PROCESS_VALID_BILLS.casefold()
    status = _batch_status(client, batch_id)
    if kicked_out and not valid_bills_count and (status or "").casefold() == "open":
        status = _settled_status(client, task, batch_id, status, settle_time)
    if status == DELETED:
        status = _confirmed_status(client, task, task_guid, settle_time)
        if status is None:
            return BatchState(counts=None)
    if status is not None:
        return BatchState(status, counts=status.casefold() not in ("pending", DELETED))
    return BatchState(counts=True if valid_bills_count or not kicked_out else None)


def _settled_status(
    client: EciClient, task: TaskResponse, batch_id: int | None, status: str | None, settle_time: float
) -> str | None:
    """Return a batch's status after the import's end has taken effect on it."""
    pause = _until_settled(client, task.end_date or "", settle_time)
    if not pause:
        return status
    log.info(
        "Batch %s is %r and may be set Pending for the import's kickouts (%s); reading it again in %g s.",
        batch_id,
        status,
        MARK_BATCH_PENDING,
        pause,
    )
    clock.sleep(pause)
    return _batch_status(client, batch_id)


def _confirmed_status(client: EciClient, task: TaskResponse, task_guid: str, settle_time: float) -> str | None:
    """Return the status of a batch that was not found: deleted if the task counts no bill; None if not known."""
    batch = task.batch
    if batch is None or batch.batch_id is None:
        return None
    count = task_after_settling(client, task, task_guid, settle_time).current_success_count
    status = _batch_status(client, batch.batch_id)
    if status != DELETED or count == 0:
        return status
    try:
        listed = listed_batch(client, batch.batch_id, batch.batch_code)
    except EciError as error:
        listed, reason = None, f"the list of batches cannot be read: {error}"
    else:
        reason = "the list of batches does not show it"
    if listed is None:
        log.warning(
            "Cannot read batch %s of import %s: EnergyCAP answers with 404, and %s. The import counts %s bills.",
            batch.batch_id,
            task_guid,
            reason,
            "an unknown number of" if count is None else count,
        )
        return None
    return shown(listed.batch_status, 100)


def task_after_settling(client: EciClient, task: TaskResponse, task_guid: str, settle_time: float) -> TaskResponse:
    """
    Return an import that ended, read again once its end has taken effect; as it was if it cannot be read then.

    :param client: the client.
    :param task: the import's task, as it was polled last; it has ended.
    :param task_guid: its GUID, as it was asked for.
    :param settle_time: seconds until the end of an import has taken effect.
    """
    pause = _until_settled(client, task.end_date or "", settle_time)
    if pause:
        log.info("EnergyCAP does not show the batch of import %s; reading both again in %g s.", task_guid, pause)
        clock.sleep(pause)
    try:
        again = client.tasks.get(task_guid)
    except EciError as error:
        log.warning("Cannot read import %s again: %s", task_guid, error)
        return task
    return again if has_ended(again, latest_now(client)) else task


def _until_settled(client: EciClient, end_date: str, settle_time: float) -> float:
    """Return the seconds, by EnergyCAP's clock, until an import's end has taken effect."""
    try:
        age = client.server_now() - parse_datetime(end_date)
    except ValueError:
        return settle_time
    if not has_offset(end_date):
        return settle_time if abs(age) < ANY_ZONE else 0.0
    return min(max(settle_time - age.total_seconds(), 0.0), settle_time)


def _error_handling(client: EciClient) -> str | None:
    try:
        handling = client.account.bill_import_settings().error_handling
    except EciError as error:
        log.warning("Cannot read what kickouts do to the rest of a batch: %s", error)
        return None
    log.info("EnergyCAP's setting errorHandling is %r.", shown(handling, 100))
    return handling


def _batch_status(client: EciClient, batch_id: int | None) -> str | None:
    if batch_id is None:
        return None
    try:
        return shown(client.batches.get(batch_id).batch_status, 100)
    except EciNotFoundError:
        return DELETED
    except EciError as error:
        log.warning("Cannot read the status of batch %s: %s", batch_id, error)
        return None
