"""Read a batch although a read may lag behind the request that created it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eci_provider.api.errors import EciValidationError
from eci_provider.api.filters import where
from eci_provider.core import clock
from eci_provider.waiting.late_reads import LONGEST_LIST, read_or_listed, read_settled

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.client import EciClient


def settled_batch(
    client: EciClient, batch_id: int, settle_time: float, *, batch_code: str | None = None
) -> BatchResponse:
    """
    Return a batch; after a 404 read it again after the settle time, then ask the list of batches for its code.

    :param client: the client.
    :param batch_id: its number.
    :param settle_time: seconds until a read shows what a request has created.
    :param batch_code: its code; the list is not asked without it.
    :raises EciNotFoundError: if neither shows it.
    :raises EciError: as for every request.
    """

    def read() -> BatchResponse:
        return client.batches.get(batch_id)

    def read_again() -> BatchResponse:
        return read_or_listed(read, lambda: listed_batch(client, batch_id, batch_code))

    return read_settled(read, settle_time, read_again)


def listed_batch(client: EciClient, batch_id: int, batch_code: str | None) -> BatchResponse | None:
    """
    Return a batch as the list of batches shows it (GetBatchesV3); None if it does not.

    :param client: the client.
    :param batch_id: its number.
    :param batch_code: its code; the list cannot be asked without it, or for one that no filter can express.
    :raises EciError: as for every request.
    """
    if not batch_code:
        return None
    try:
        has_code = where("batchCode", "equals", batch_code)
    except EciValidationError:
        return None
    batches = client.batches.list(has_code, deadline=clock.utc_now() + LONGEST_LIST)
    return next((batch for batch in batches if batch.batch_id == batch_id), None)
