"""Change a batch's status; after a lost answer, the batch shows whether it took effect."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciNotCarriedOutError
from eci_provider.core.text import shown
from eci_provider.submission.settle import change_until_shown

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse, BatchStatus
    from eci_provider.api.client import EciClient

log = logging.getLogger(__name__)


def change_status(
    client: EciClient, batch_id: int, batch_status: BatchStatus, *, settle_time: float, **fields: Any
) -> BatchResponse:
    """
    Set a batch's status, and read the batch afterwards; a request that was lost is sent again.

    :param client: the client.
    :param batch_id: the batch.
    :param batch_status: ``Open``, ``Pending`` or ``Closed``.
    :param settle_time: seconds until a request whose answer was lost has taken effect, and until a read shows it.
    :param fields: ``note`` and ``leave_open_batches_as_is``.
    :return: the batch as it is then; its status shows whether EnergyCAP carried out the change.
    :raises EciError: if the change was refused or its answers lost, and the batch does not have the status.
    """
    return change_until_shown(
        lambda: client.batches.update_status(batch_id, batch_status, **fields),
        lambda: client.batches.get(batch_id),
        lambda batch: batch.has_status(batch_status),
        settle_time,
        unknown=f"It is not known whether batch {batch_id} was set to {batch_status}",
        batch_id=batch_id,
    )


def ensure_status(
    client: EciClient,
    before: BatchResponse,
    batch_id: int,
    batch_status: BatchStatus,
    *,
    settle_time: float,
    source: str,
    **fields: Any,
) -> BatchResponse:
    """
    Set a batch's status unless it has it already, and check that it has it then.

    :param client: the client.
    :param before: the batch as it is.
    :param batch_id: its number.
    :param batch_status: ``Open``, ``Pending`` or ``Closed``.
    :param settle_time: seconds until a request whose answer was lost has taken effect.
    :param source: whose change it is, for messages.
    :param fields: ``note`` and ``leave_open_batches_as_is``.
    :return: the batch as it is then.
    :raises EciNotCarriedOutError: if EnergyCAP accepted the change and the batch does not have the status.
    :raises EciError: as :func:`change_status`.
    """
    if before.has_status(batch_status):
        log.info("Batch %r (%s) is %s already.", shown(before.batch_code), batch_id, shown(before.batch_status))
        return before
    after = change_status(client, batch_id, batch_status, settle_time=settle_time, **fields)
    if not after.has_status(batch_status):
        raise EciNotCarriedOutError(
            f"{source}: EnergyCAP accepted the change of batch {batch_id} to {batch_status}, but it is "
            f"{shown(after.batch_status)}. Check the batch in EnergyCAP.",
            batch_id=batch_id,
            batch_status=shown(after.batch_status),
        )
    log.info(
        "Batch %r (%s) was %s and is %s: %s bills, total %s.",
        shown(after.batch_code),
        batch_id,
        shown(before.batch_status),
        shown(after.batch_status),
        after.bill_count,
        after.running_total,
    )
    return after
