"""Change a batch's status; after a lost answer, the batch shows whether it took effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import (
    EciBadRequestError,
    EciConnectionError,
    EciServerError,
    EciUnreadableResponseError,
)

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse, BatchStatus
    from eci_provider.api.client import EciClient


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
