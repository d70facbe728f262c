"""What became of an import: the result for XCom, the words for a person, and what the task makes of kickouts."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError, EciImportFailedError, EciKickoutsError
from eci_provider.api.texts import LONGEST_TEXT, cut
from eci_provider.waiting import Outcome, classify

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse

log = logging.getLogger(__name__)

ON_KICKOUTS = ("fail", "warn", "skip")
MOST_MESSAGES = 10


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
    Count an import's kicked-out rows by message.

    Which column of the table holds the message is not documented, so a row counts for the messages of the
    summary that stand in one of its cells.

    :param client: the client.
    :param task_guid: the import.
    :raises EciError: when EnergyCAP does not tell.
    """
    messages = list(dict.fromkeys(client.kickouts.summary(task_guid).kickout_messages))
    details = client.kickouts.details(task_guid)
    counts: Counter[str] = Counter(dict.fromkeys(messages, 0))
    for row in details.data:
        cells = {cell.value for cell in row if cell.value}
        counts.update(_messages_in(cells, messages))
    frequent = counts.most_common(MOST_MESSAGES)
    # Messages without a row mean that the rows were not told, not that there are none.
    rows = len(details.data) or (None if messages else 0)
    return KickoutDigest(rows, [{"message": cut(text, 700), "rows": rows} for text, rows in frequent])


def _messages_in(cells: set[str], messages: Iterable[str]) -> list[str]:
    whole = [message for message in messages if message in cells]
    return whole or [message for message in messages if any(message in cell for cell in cells)]


def import_result(
    task: TaskResponse,
    task_guid: str,
    *,
    outcome: Outcome | None,
    digest: KickoutDigest | None = None,
    reattached: bool = False,
) -> dict[str, Any]:
    """
    Return an import's result, the same in every mode: plain JSON, under 16 KiB whatever the server sent.

    :param task: the task at the last look.
    :param task_guid: its GUID, as it was asked for.
    :param outcome: what became of it; None when it was not waited for.
    :param digest: its kickouts, if there were any.
    :param reattached: whether an import of an earlier try was found.
    """
    batch = task.batch
    return {
        "task_guid": task_guid,
        "task_id": task.task_id,
        "status": cut(task.status, 300),
        "outcome": outcome,
        "message": cut(task.message, LONGEST_TEXT),
        "batch_id": batch.batch_id if batch else None,
        "batch_code": cut(batch.batch_code if batch else None, LONGEST_TEXT),
        "imported": task.current_success_count,
        "kickouts": digest.rows if digest else (0 if outcome == "completed" else None),
        "kickout_messages": digest.messages if digest else [],
        "unresolved_flags": task.unresolved_flag_count,
        "analyzing": task.analyzing_count,
        "begin_date": cut(task.begin_date, 100),
        "end_date": cut(task.end_date, 100),
        "reattached": reattached,
    }


def concluded(
    client: EciClient, task: TaskResponse, task_guid: str, *, success_statuses: Iterable[str], reattached: bool
) -> dict[str, Any]:
    """
    Return the result of an import that ended, with its kickouts counted if there were any.

    :param client: the client, to read the kickouts with.
    :param task: the task at the last look; it has an ``endDate``.
    :param task_guid: its GUID, as it was asked for.
    :param success_statuses: further literals that count as success.
    :param reattached: whether an import of an earlier try was found.
    """
    outcome = classify(task.status, ended=bool(task.end_date), success_statuses=success_statuses)
    digest = _digest_or_none(client, task_guid) if outcome == "completed_with_kickouts" else None
    return import_result(task, task_guid, outcome=outcome, digest=digest, reattached=reattached)


def _digest_or_none(client: EciClient, task_guid: str) -> KickoutDigest | None:
    """Return an import's kickouts, or None where they cannot be read: what else is known must not be lost."""
    try:
        return kickout_digest(client, task_guid)
    except EciError as error:
        log.warning("The kickouts of import %s cannot be read: %s", task_guid, error)
        return None


def sentence(result: Mapping[str, Any]) -> str:
    """Return one line that tells a person how an import ended."""
    rows = "an unknown number of" if result["kickouts"] is None else result["kickouts"]
    kicked = f", {rows} rows kicked out" if result["outcome"] == "completed_with_kickouts" else ""
    place = f" into batch {result['batch_code'] or result['batch_id']}" if result["batch_id"] else ""
    return (
        f"Import {result['task_guid']} ended as {result['status']!r}: "
        f"{result['imported']} bills imported{place}{kicked}."
    )


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


def kickouts_of(result: Mapping[str, Any]) -> EciKickoutsError | None:
    """Return the error for an import with kickouts, or None; what the task makes of it is `on_kickouts`."""
    if result["outcome"] != "completed_with_kickouts":
        return None
    reasons = "".join(f"\n  {item['rows']:>6} x {item['message']}" for item in result["kickout_messages"])
    return EciKickoutsError(
        f"{sentence(result)} Correct what the messages name in EnergyCAP, then retry the kickouts of task "
        f"{result['task_guid']} (RetryKickoutsOperator); the file itself needs not be sent again. If EnergyCAP is "
        "set to MarkBatchPending, the batch is Pending now and all its bills are void until it is opened again."
        f"{reasons}",
        result=result,
    )
