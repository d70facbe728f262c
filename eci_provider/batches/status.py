"""Change a batch's status; after a lost answer, the batch shows whether it took effect."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import (
    EciBadRequestError,
    EciConnectionError,
    EciNotCarriedOutError,
    EciServerError,
    EciUnreadableResponseError,
)
from eci_provider.core.text import shown

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse, BatchStatus
    from eci_provider.api.client import EciClient

log = logging.getLogger(__name__)


def change_status(client: EciClient, batch_id: int, batch_status: BatchStatus, **fields: Any) -> BatchResponse:
    """
    Set a batch's status, and read the batch afterwards.

    :param client: the client.
    :param batch_id: the batch.
    :param batch_status: ``Open``, ``Pending`` or ``Closed``.
    :param fields: ``note`` and ``leave_open_batches_as_is``.
    :return: the batch as it is then; its status shows whether EnergyCAP carried out the change.
    :raises EciError: if the change was refused or its answer lost, and the batch does not have the status.
    """
    try:
        client.batches.update_status(batch_id, batch_status, **fields)
    except (EciConnectionError, EciServerError, EciUnreadableResponseError, EciBadRequestError):
        # The change may have taken effect though its answer was lost, or an earlier request did it: ask the batch.
        batch = client.batches.get(batch_id)
        if not batch.has_status(batch_status):
            raise
        return batch
    return client.batches.get(batch_id)


def ensure_status(
    client: EciClient,
    before: BatchResponse,
    batch_id: int,
    batch_status: BatchStatus,
    *,
    source: str,
    **fields: Any,
) -> BatchResponse:
    """
    Set a batch's status unless it has it already, and check that it has it then.

    :param client: the client.
    :param before: the batch as it is.
    :param batch_id: its number.
    :param batch_status: ``Open``, ``Pending`` or ``Closed``.
    :param source: whose change it is, for messages.
    :param fields: ``note`` and ``leave_open_batches_as_is``.
    :return: the batch as it is then.
    :raises EciNotCarriedOutError: if EnergyCAP accepted the change and the batch does not have the status.
    :raises EciError: as :func:`change_status`.
    """
    if before.has_status(batch_status):
        log.info("Batch %r (%s) is %s already.", shown(before.batch_code), batch_id, shown(before.batch_status))
        return before
    after = change_status(client, batch_id, batch_status, **fields)
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
