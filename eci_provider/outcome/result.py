"""What became of an import: the result for XCom, the words for a person, and what the task makes of kickouts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError, EciImportFailedError, EciKickoutsError, EciRemovedError
from eci_provider.core.paths import redact_path
from eci_provider.core.text import LONGEST_TEXT, cut, keepable
from eci_provider.outcome.batch_state import DELETED, MARK_BATCH_PENDING, BatchState, batch_state_of_import
from eci_provider.waiting.schedule import Outcome, classify

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KickoutDigest:
    """
    Hold how many rows were kicked out, and why.

    :param rows: all kicked-out rows; None where they are not known.
    :param messages: at most ten of ``{"message", "rows"}``, most frequent first.
    """

    rows: int | None
    messages: list[dict[str, Any]]


def kickout_digest(client: EciClient, task_guid: str) -> KickoutDigest:
    """
    Count an import's kicked-out rows by message, while they are read.

    :param client: the client.
    :param task_guid: the import.
    :raises EciError: when EnergyCAP does not tell.
    """
    report = client.kickouts.report(task_guid).count()
    return KickoutDigest(report.rows, report.digest())


def import_result(
    task: TaskResponse,
    task_guid: str,
    *,
    outcome: Outcome | None,
    digest: KickoutDigest | None = None,
    standing: BatchState | None = None,
    reattached: bool = False,
) -> dict[str, Any]:
    """
    Return an import's result, the same in every mode: plain JSON, under 16 KiB whatever the server sent.

    :param task: the task at the last look.
    :param task_guid: its GUID, as it was asked for.
    :param outcome: what became of it; None when it was not waited for.
    :param digest: its kickouts, if there were any.
    :param standing: whether its bills count, where that was asked for; they do without.
    :param reattached: whether an import of an earlier try was found.
    """
    batch, bills = task.batch, task.current_success_count
    standing = standing or BatchState()
    result = {
        "task_guid": task_guid,
        "task_id": task.task_id,
        "status": cut(task.status, 300),
        "outcome": outcome,
        "message": cut(task.message, LONGEST_TEXT),
        "batch_id": batch.batch_id if batch else None,
        "batch_code": cut(batch.batch_code if batch else None, LONGEST_TEXT),
        "imported": standing.imported(bills),
        "kickouts": digest.rows if digest else (0 if outcome == "completed" else None),
        "kickout_messages": digest.messages if digest else [],
        "unresolved_flags": task.unresolved_flag_count,
        "analyzing": task.analyzing_count,
        "begin_date": cut(task.begin_date, 100),
        "end_date": cut(task.end_date, 100),
        "reattached": reattached,
        # Bills of a Pending batch are void: they are in EnergyCAP, and do not count as imported.
        "batch_status": standing.batch_status,
        "voided": standing.voided(bills),
    }
    return dict(keepable(result))


def concluded(
    client: EciClient,
    task: TaskResponse,
    task_guid: str,
    *,
    success_statuses: Iterable[str],
    reattached: bool,
    settle_time: float,
) -> dict[str, Any]:
    """
    Return the result of an import that ended, with its kickouts counted if there were any.

    :param client: the client, to read the kickouts with.
    :param task: the task at the last look; it has an ``endDate``.
    :param task_guid: its GUID, as it was asked for.
    :param success_statuses: further literals that count as success.
    :param reattached: whether an import of an earlier try was found.
    :param settle_time: seconds after which its end has taken effect on its batch; waited for where that matters.
    """
    outcome = classify(task.status, ended=bool(task.end_date), success_statuses=success_statuses)
    kicked_out = outcome == "completed_with_kickouts"
    standing = None
    if _has_lost_its_batch(task, success_statuses):
        standing = BatchState(DELETED, counts=False)
    elif outcome != "failed" or task.current_success_count != 0:
        standing = batch_state_of_import(client, task, kicked_out=kicked_out, settle_time=settle_time)
    digest = _digest_or_none(client, task_guid) if kicked_out else None
    return import_result(task, task_guid, outcome=outcome, digest=digest, standing=standing, reattached=reattached)


def _has_lost_its_batch(task: TaskResponse, success_statuses: Iterable[str]) -> bool:
    """
    Tell whether an import shows neither a bill nor a batch, though it succeeded: both were deleted since.

    Assumption: an import without kickouts names its batch as long as there is one, also where it brought no bill.
    One whose status ``success_statuses`` names may never have had one.

    :param task: the task; of its bills it counts those that still exist (GetTaskV3).
    :param success_statuses: further literals that count as success.
    """
    is_named = (task.status or "").strip().casefold() in {text.strip().casefold() for text in success_statuses}
    succeeded = not is_named and classify(task.status, ended=bool(task.end_date)) == "completed"
    return succeeded and task.current_success_count == 0 and (task.batch is None or task.batch.batch_id is None)


def first_result(
    task: TaskResponse, task_guid: str, *, success_statuses: Iterable[str], reattached: bool
) -> dict[str, Any]:
    """
    Return what is known of an import that ended before its kickouts and its batch are read.

    :param task: the task at the last look.
    :param task_guid: its GUID, as it was asked for.
    :param success_statuses: further literals that count as success.
    :param reattached: whether an import of an earlier try was found.
    """
    outcome = classify(task.status, ended=bool(task.end_date), success_statuses=success_statuses)
    standing = BatchState(counts=True if task.current_success_count == 0 else None)
    return import_result(task, task_guid, outcome=outcome, standing=standing, reattached=reattached)


def _digest_or_none(client: EciClient, task_guid: str) -> KickoutDigest | None:
    """Return an import's kickouts, or None where they cannot be read: what else is known must not be lost."""
    try:
        return kickout_digest(client, task_guid)
    except EciError as error:
        log.warning("The kickouts of import %s cannot be read: %s", task_guid, error)
        return None


def sentence(result: Mapping[str, Any]) -> str:
    """Return what tells a person how an import ended."""
    kicked = f", {_number(result['kickouts'])} rows kicked out" if is_kicked_out(result) else ""
    place = f" into batch {result['batch_code'] or result['batch_id']}" if result["batch_id"] else ""
    ended = f"Import {result['task_guid']} ended as {result['status']!r}: "
    if result["batch_status"] == DELETED:
        return f"{ended}no bill of it is in EnergyCAP{kicked}. {_why_removed(result)}"
    if _is_void(result):
        return f"{ended}no bill counts{kicked}. {_why_void(result)}"
    if result["voided"] is None:
        return (
            f"{ended}whether its bills count is not known{kicked}. If EnergyCAP is set to {MARK_BATCH_PENDING}, "
            "its batch is Pending and all bills in it are void until it is opened again."
        )
    return f"{ended}{_number(result['imported'])} bills imported{place}{kicked}."


def _is_void(result: Mapping[str, Any]) -> bool:
    """Tell whether bills of an import are void; where EnergyCAP does not count them, its batch tells."""
    pending = (result["batch_status"] or "").casefold() == "pending"
    return bool(result["voided"]) or (pending and result["voided"] is None)


def _why_void(result: Mapping[str, Any]) -> str:
    cause = (
        f", as kickouts make it where EnergyCAP is set to {MARK_BATCH_PENDING}" if is_kicked_out(result) else ""
    )
    bills = "all" if result["voided"] is None else f"the {result['voided']}"
    return (
        f"Batch {result['batch_code']!r} is Pending{cause}: {bills} bills of this import are void "
        "until it is opened (UpdateBatchStatusOperator with batch_status='Open')."
    )


def _why_removed(result: Mapping[str, Any]) -> str:
    if result["batch_id"] is None:
        return "It names no batch: that was deleted, and its bills with it."
    batch = result["batch_code"] or result["batch_id"]
    return f"EnergyCAP does not know batch {batch!r} any more: it was deleted, and its bills with it."


def _number(count: int | None) -> str:
    return "an unknown number of" if count is None else str(count)


def is_kicked_out(result: Mapping[str, Any]) -> bool:
    """Tell whether an import ended with kickouts."""
    return bool(result["outcome"] == "completed_with_kickouts")


def is_tolerated(result: Mapping[str, Any], max_kickouts: float | None, *, pending_is_meant: bool = False) -> bool:
    """
    Tell whether an import's kickouts are few enough to be no more than a warning.

    Where they void the other bills too, or where their number is not known, they never are.

    :param result: the result of an import with kickouts.
    :param max_kickouts: how many rows at most, or, as a float below 1, which share of kicked-out rows and imported
        bills together; None for none at all. A bill has one row or more, so that the share is never taken for
        smaller than it is.
    :param pending_is_meant: whether the import went into a Pending batch on purpose.
    """
    rows, bills, voided = result["kickouts"], result["imported"], result["voided"]
    if max_kickouts is None or None in (rows, bills, voided) or (voided and not pending_is_meant):
        return False
    bills += voided
    return bool(rows <= (max_kickouts * (rows + bills) if isinstance(max_kickouts, float) else max_kickouts))


def failure_of(result: Mapping[str, Any]) -> EciImportFailedError | None:
    """Return the error for an import that ended and did not succeed, or None."""
    if result["outcome"] != "failed":
        return None
    said = f" EnergyCAP said: {result['message']}" if result["message"] else ""
    return EciImportFailedError(
        f"{sentence(result)}{said} This status does not stand for success; if it does in your EnergyCAP, "
        "name it in success_statuses.",
        result=result,
    )


def removed_of(result: Mapping[str, Any]) -> EciRemovedError | None:
    """Return the error for an import whose batch was deleted, and its bills with it, or None."""
    if result["batch_status"] != DELETED:
        return None
    return EciRemovedError(
        f"{sentence(result)} Nothing is sent again. To import the bills anew, set reattach=False for one run of "
        "the task that imports them, or clear it with a corrected file. If they were deleted for good, mark this "
        "task as succeeded; if there never was a batch, since the file held no bill, name the status in "
        "success_statuses.",
        result=result,
    )


def kickouts_of(result: Mapping[str, Any]) -> EciKickoutsError | None:
    """Return the error for an import with kickouts, or None; what the task makes of it is `on_kickouts`."""
    if not is_kicked_out(result):
        return None
    reasons = "".join(f"\n  {item['rows']:>6} x {item['message']}" for item in result["kickout_messages"])
    rows = f" Each row is in {redact_path(result['kickout_report'])}." if result.get("kickout_report") else ""
    if result.get("kickout_report_error"):
        rows = f" Its kickout report was not written: {result['kickout_report_error']} KickoutReportOperator can."
    return EciKickoutsError(
        f"{sentence(result)} Correct what the messages name in EnergyCAP, then retry the kickouts of task "
        f"{result['task_guid']} (RetryKickoutsOperator); the file itself needs not be sent again.{rows}{reasons}",
        result=result,
    )
