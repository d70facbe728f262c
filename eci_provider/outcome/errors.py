"""The errors of an import that ended, each with its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eci_provider.api.errors import (
    EciError,
    EciImportFailedError,
    EciKickoutsError,
    EciRemovedError,
    EciUnknownOutcomeError,
    EciVoidedError,
    EciWaitTimeoutError,
)
from eci_provider.core.paths import redact_path
from eci_provider.outcome.batch_state import MARK_BATCH_PENDING
from eci_provider.outcome.result import ImportResult

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient


def failed_error(result: ImportResult) -> EciImportFailedError | None:
    """Return the error for an import that ended and did not succeed, or None."""
    if result.outcome != "failed":
        return None
    said = f" EnergyCAP said: {result.message}" if result.message else ""
    return EciImportFailedError(
        f"{result.summary}{said} This status does not stand for success; if it does in your EnergyCAP, "
        "name it in success_statuses.",
        result=result.to_xcom(),
    )


def removed_error(result: ImportResult) -> EciRemovedError | None:
    """Return the error for an import whose batch was deleted, and its bills with it, or None."""
    if not result.is_removed:
        return None
    return EciRemovedError(
        f"{result.summary} Nothing is sent again. To import the bills anew, set reattach=False for one run of "
        "the task that imports them, or clear it with a corrected file. If they were deleted for good, mark this "
        "task as succeeded; if there never was a batch, since the file held no bill, name the status in "
        "success_statuses.",
        result=result.to_xcom(),
    )


def kickouts_error(result: ImportResult) -> EciKickoutsError | None:
    """Return the error for an import with kickouts, or None; `on_kickouts` decides whether it is raised."""
    if not result.has_kickouts:
        return None
    reasons = "".join(f"\n  {item['rows']:>6} x {item['message']}" for item in result.kickout_messages)
    report = result.report
    rows = f" Each row is in {redact_path(report.path)}." if report and report.path else ""
    if report and report.error:
        rows = f" Its kickout report was not written: {report.error} KickoutReportOperator can."
    return EciKickoutsError(
        f"{result.summary} Correct what the messages name in EnergyCAP, then retry the kickouts of task "
        f"{result.task_guid} (RetryKickoutsOperator); the file itself needs not be sent again.{rows}{reasons}",
        result=result.to_xcom(),
    )


def voided_error(client: EciClient, result: ImportResult, *, reattach: bool = True) -> EciError | None:
    """
    Return the error for an import that ended and whose bills a kill has voided, or may have; None if it has not.

    :param client: the client, to read the batch with.
    :param result: the result of an import whose task voids its batch when it is killed.
    :param reattach: whether a later attempt of the task takes the import again.
    """
    if result.outcome == "failed" or result.batch_id is None:
        return None
    try:
        batch = client.batches.get(result.batch_id)
    except EciError as error:
        return _unknown_batch_error(result, error, reattach=reattach)
    if not batch.has_status("pending"):
        return None
    or_else = f", or EnergyCAP set it so for its kickouts ({MARK_BATCH_PENDING})" if result.has_kickouts else ""
    then = (
        " and clear this task; to import anew, set reattach=False."
        if reattach
        else "; with reattach=False a clear of this task imports anew."
    )
    return EciVoidedError(
        f"{result.summary} But batch {batch.batch_code!r} is Pending, so all its bills are void: this task "
        f"was killed or its worker shut down, with on_kill='void_batch'{or_else}. To let them count, open "
        f"the batch again (UpdateBatchStatusOperator){then}",
        result=result.to_xcom(),
    )


def _unknown_batch_error(result: ImportResult, error: EciError, *, reattach: bool) -> EciUnknownOutcomeError:
    then = (
        "Nothing is sent again; another try, or a clear, looks at the batch again."
        if reattach
        else "Look at the batch in EnergyCAP: with reattach=False a clear of this task imports anew."
    )
    unknown = EciUnknownOutcomeError(
        f"{result.summary} But whether a kill has voided its batch (on_kill='void_batch') cannot be read: "
        f"{error.message} {then}",
        result=result.to_xcom(),
    )
    unknown.retry_helps = error.retry_helps
    return unknown


def conclusion_timeout_error(result: ImportResult, resume_hint: str) -> EciWaitTimeoutError:
    """
    Return the error for an import that ended when the ``execution_timeout`` left no time to conclude it.

    :param result: the import's result, as far as it is known.
    :param resume_hint: what a person does next who wants the result.
    """
    place = f" in batch {result.batch_code or result.batch_id}" if result.batch_id else ""
    return EciWaitTimeoutError(
        f"Import {result.task_guid} has ended as {result.status!r}{place}, and the `execution_timeout` of "
        "this task was over while its kickouts and its batch were read, or its kickout report was written. "
        f"{resume_hint} Leave the task more time.",
        ended_by="execution_timeout",
        task_guid=result.task_guid,
        status=result.status,
    )
