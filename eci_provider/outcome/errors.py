"""The errors of an import that ended, each with its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eci_provider.api.errors import (
    EciError,
    EciImportFailedError,
    EciKickoutsError,
    EciNotFoundError,
    EciRemovedError,
    EciUnknownOutcomeError,
    EciVoidedError,
    EciWaitTimeoutError,
)
from eci_provider.api.kickouts.reasons import CorrectIn, correct_in
from eci_provider.core.paths import redact_path
from eci_provider.core.text import shown
from eci_provider.outcome.batch_state import MARK_BATCH_PENDING
from eci_provider.outcome.result import ImportResult
from eci_provider.waiting.late_batches import settled_batch

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient


def failed_error(result: ImportResult) -> EciImportFailedError | None:
    """Return the error for an import that ended and did not succeed, or None."""
    if result.outcome != "failed":
        return None
    said = f" EnergyCAP said: {result.message}" if result.message else ""
    return EciImportFailedError(
        f"{result.summary}{said} {result.status!r} is not a known success status; add it to success_statuses if "
        "it is one.",
        result=result.to_xcom(),
    )


def removed_error(result: ImportResult) -> EciRemovedError | None:
    """Return the error for an import whose batch was deleted, and its bills with it, or None."""
    if not result.is_removed:
        return None
    return EciRemovedError(
        f"{result.summary} Nothing is sent again."
        "\n  - To import the bills again: set reattach=False for one run of the importing task, or clear that "
        "task with a corrected file."
        "\n  - If they were deleted for good: mark this task as success."
        "\n  - If the file held no bill: add the status to success_statuses.",
        result=result.to_xcom(),
    )


def kickouts_error(result: ImportResult) -> EciKickoutsError | None:
    """Return the error for an import with kickouts, or None; `on_kickouts` decides whether it is raised."""
    if not result.has_kickouts:
        return None
    places = {item["message"]: correct_in(item["message"]) for item in result.kickout_messages}
    is_mixed = len(set(places.values())) > 1
    reasons = "".join(
        f"\n  {item['rows']:>6} x {item['message']}"
        + (f" (correct in {places[item['message']]})" if is_mixed else "")
        for item in result.kickout_messages
    )
    report = result.report
    rows = f" Each row is in {redact_path(report.path)}." if report and report.path else ""
    if report and report.error:
        rows = f" Its kickout report was not written: {report.error} Use KickoutReportOperator."
    return EciKickoutsError(
        f"{result.summary}\n{kickout_advice(set(places.values()))}{rows}{reasons}", result=result.to_xcom()
    )


def kickout_advice(places: set[CorrectIn]) -> str:
    """
    Return what to do about kickouts.

    :param places: where their reasons are corrected; none if the reasons are not known.
    """
    if places == {"EnergyCAP"}:
        return (
            "Correct what the messages name in EnergyCAP, then retry these kickouts with RetryKickoutsOperator; "
            "do not send the file again."
        )
    if places == {"the file"}:
        return (
            "Correct in the bill file what the messages name, then clear the task that imports it. A retry of "
            "these kickouts would send the same rows."
        )
    if len(places) > 1:
        return "Correct each reason where it says, then clear the task that imports the file."
    return (
        "If EnergyCAP lacks what the messages name, correct it there and retry these kickouts with "
        "RetryKickoutsOperator. If the rows are wrong, correct the bill file and clear the task that imports it."
    )


def voided_error(
    client: EciClient, result: ImportResult, *, settle_time: float, reattach: bool = True
) -> EciError | None:
    """
    Return the error for an import that ended and whose bills a kill has voided, or may have; None if it has not.

    :param client: the client, to read the batch with.
    :param result: the result of an import whose task voids its batch when it is killed.
    :param settle_time: seconds until a read shows what a request has created.
    :param reattach: whether a later attempt of the task takes the import again.
    """
    if result.outcome == "failed" or result.batch_id is None:
        return None
    try:
        batch = settled_batch(client, result.batch_id, settle_time, batch_code=result.batch_code)
    except EciError as error:
        return _unknown_batch_error(result, error, reattach=reattach)
    if not batch.has_status("pending"):
        return None
    or_else = (
        f", or EnergyCAP set it Pending for its kickouts ({MARK_BATCH_PENDING})" if result.has_kickouts else ""
    )
    hint = (
        "open the batch (UpdateBatchStatusOperator) and clear this task.\n  - To import again: set reattach=False."
        if reattach
        else "open the batch (UpdateBatchStatusOperator). With reattach=False a clear imports again."
    )
    name = repr(shown(batch.batch_code))
    return EciVoidedError(
        f"{result.summary} But batch {name} is Pending, so its bills are void: a kill of this task or a shutdown "
        f"of its worker (on_kill='void_batch') did that{or_else}.\n  - To make them count: {hint}",
        result=result.to_xcom(),
    )


def _unknown_batch_error(result: ImportResult, error: EciError, *, reattach: bool) -> EciUnknownOutcomeError:
    hint = (
        "A retry or a clear reads the batch again, and sends nothing."
        if reattach
        else "Check the batch in EnergyCAP: with reattach=False a clear of this task imports again."
    )
    unknown = EciUnknownOutcomeError(
        f"{result.summary} But it cannot be read whether a kill has voided its batch (on_kill='void_batch'). "
        f"{hint} The cause: {error.message}",
        result=result.to_xcom(),
    )
    # The next attempt reads the task, too, and so learns whether the batch was deleted.
    unknown.retry_helps = error.retry_helps or isinstance(error, EciNotFoundError)
    return unknown


def conclusion_timeout_error(result: ImportResult, resume_hint: str) -> EciWaitTimeoutError:
    """
    Return the error for an import that ended when the ``execution_timeout`` left no time to conclude it.

    :param result: the import's result, as far as it is known.
    :param resume_hint: what a person does next who wants the result.
    """
    place = f" in batch {result.batch_code or result.batch_id}" if result.batch_id else ""
    return EciWaitTimeoutError(
        f"Import {result.task_guid} has ended as {result.status!r}{place}. `execution_timeout` exceeded while its "
        f"kickouts and batch were read, or its kickout report was written. {resume_hint} Allow the task more "
        "time.",
        ended_by="execution_timeout",
        task_guid=result.task_guid,
        status=result.status,
    )
