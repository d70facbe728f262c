"""Whether an import's bills count: kickouts can void a whole batch, and so can a kill."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError, EciVoidedError
from eci_provider.api.texts import cut

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

log = logging.getLogger(__name__)

#: The organisation's setting under which kickouts set the whole batch Pending (GetBillImportWorkflowSettingsV3).
MARK_BATCH_PENDING = "MarkBatchPending"
_PROCESS_VALID_BILLS = "ProcessValidBills"


@dataclass(frozen=True)
class Standing:
    """
    Say how an import's batch stands, where that was asked for.

    :param batch_status: as EnergyCAP spells it; None where it was not asked for or is not known.
    :param counts: whether the imported bills count; None where that is not known.
    """

    batch_status: str | None = None
    counts: bool | None = True


def standing_after_kickouts(client: EciClient, batch_id: int | None) -> Standing:
    """
    Tell whether the bills count that an import with kickouts brought in.

    Where the organisation's ``errorHandling`` is ``MarkBatchPending``, EnergyCAP sets the batch Pending, and its
    bills are void until it is opened (GetBillImportWorkflowSettingsV3, UpdateBatchStatusV202206). What cannot be
    read is not taken for good.

    :param client: the client.
    :param batch_id: the import's batch; None where it shows none.
    """
    handling, status = _error_handling(client), _batch_status(client, batch_id)
    if (handling or "").casefold() == _PROCESS_VALID_BILLS.casefold():
        return Standing(status, counts=True)
    if status is not None:
        return Standing(status, counts=status.casefold() != "pending")
    return Standing(counts=None)


def _error_handling(client: EciClient) -> str | None:
    try:
        handling = client.account.bill_import_settings().error_handling
    except EciError as error:
        log.warning("What kickouts do to the rest of a batch cannot be read: %s", error)
        return None
    log.info("EnergyCAP's setting errorHandling is %r.", handling)
    return handling


def _batch_status(client: EciClient, batch_id: int | None) -> str | None:
    if batch_id is None:
        return None
    try:
        return cut(client.batches.get(batch_id).batch_status, 100)
    except EciError as error:
        log.warning("How batch %s stands cannot be read: %s", batch_id, error)
        return None


def voided_by_kill(client: EciClient, result: Mapping[str, Any], sentence: str) -> EciVoidedError | None:
    """
    Return the error for an import that ended and whose bills are void, or None.

    :param client: the client.
    :param result: the result of an import whose task voids its batch when it is killed.
    :param sentence: how the import ended, in words.
    :raises EciError: when EnergyCAP does not tell how its batch stands.
    """
    if result["outcome"] == "failed" or result["batch_id"] is None:
        return None
    batch = client.batches.get(result["batch_id"])
    if not batch.has_status("pending"):
        return None
    kicked = result["outcome"] == "completed_with_kickouts"
    or_else = f", or EnergyCAP set it so for its kickouts ({MARK_BATCH_PENDING})" if kicked else ""
    return EciVoidedError(
        f"{sentence} But batch {batch.batch_code!r} is Pending, so all its bills are void: this task "
        f"was killed or its worker shut down, with on_kill='void_batch'{or_else}. To let them count, open "
        "the batch again (UpdateBatchStatusOperator) and clear this task; to import anew, set "
        "reattach=False.",
        result=result,
    )
