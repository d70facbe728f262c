"""The result of an import, from the last poll of its task to the XCom of the Airflow task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from eci_provider.api.models import known_count
from eci_provider.core.text import LONGEST_TEXT, shown, storable
from eci_provider.outcome.batch_state import DELETED, MARK_BATCH_PENDING, BatchState
from eci_provider.waiting.status import Outcome

if TYPE_CHECKING:
    from eci_provider.api.tasks import TaskResponse


@dataclass(frozen=True)
class KickoutDigest:
    """
    How many rows were kicked out, and why.

    :param rows: the number of kicked-out rows; None if it is not known.
    :param messages: at most ten of ``{"message", "rows"}``, most frequent first.
    """

    rows: int | None
    messages: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class ReportStatus:
    """
    Where the kickout report of an import was written, or why it was not.

    :param path: its path or URL; None if there is no report.
    :param error: why it was not written; None if nothing went wrong.
    """

    path: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class ImportResult:
    """
    The result of an import, the same in every mode.

    Every value is plain JSON that Airflow's database can keep, with long texts cut, so that the XCom stays under
    16 KiB whatever the server sent. The fields are the keys of the XCom, in its order, up to ``voided``.

    :param task_guid: the GUID of the import's task, as it was asked for.
    :param task_id: the number of that task.
    :param status: the task's status, as EnergyCAP spells it.
    :param outcome: what the status means; None if the import was not waited for.
    :param message: the task's message.
    :param batch_id: the number of its batch.
    :param batch_code: the code of its batch.
    :param imported: how many bills were imported and count; None if that is not known.
    :param kickouts: how many rows were kicked out; None if that is not known.
    :param kickout_messages: at most ten of ``{"message", "rows"}``, most frequent first.
    :param unresolved_flags: how many flags on its bills are unresolved.
    :param analyzing: how many of its bills are still being analysed.
    :param begin_date: when the import began, as EnergyCAP writes it.
    :param end_date: when the import ended, as EnergyCAP writes it.
    :param reattached: whether the import was started by an earlier attempt.
    :param batch_status: the status of its batch, ``deleted`` included; None if that was not asked or is not known.
    :param voided: how many of its bills are in EnergyCAP and do not count; None if that is not known.
    :param report: its kickout report; None if none was asked for.
    :param rounds: a summary of each round of a retry; None for a single import.
    """

    task_guid: str
    task_id: int | None
    status: str | None
    outcome: Outcome | None
    message: str | None
    batch_id: int | None
    batch_code: str | None
    imported: int | None
    kickouts: int | None
    kickout_messages: Sequence[Mapping[str, Any]]
    unresolved_flags: int | None
    analyzing: int | None
    begin_date: str | None
    end_date: str | None
    reattached: bool
    batch_status: str | None
    voided: int | None
    report: ReportStatus | None = None
    rounds: Sequence[Mapping[str, Any]] | None = None

    @classmethod
    def from_task(
        cls,
        task: TaskResponse,
        task_guid: str,
        *,
        outcome: Outcome | None,
        digest: KickoutDigest | None = None,
        batch_state: BatchState | None = None,
        reattached: bool = False,
    ) -> ImportResult:
        """
        Return the result of an import.

        :param task: the import's task, as it was polled last.
        :param task_guid: its GUID, as it was asked for.
        :param outcome: what its status means; None if the import was not waited for.
        :param digest: its kickouts, if there were any.
        :param batch_state: whether its bills count, if that was asked for; without, they do.
        :param reattached: whether the import was started by an earlier attempt.
        """
        batch, bills = task.batch, known_count(task.current_success_count)
        batch_state = batch_state or BatchState()
        facts = {
            "task_guid": task_guid,
            "task_id": task.task_id,
            "status": shown(task.status, 300),
            "outcome": outcome,
            "message": shown(task.message, LONGEST_TEXT),
            "batch_id": batch.batch_id if batch else None,
            "batch_code": shown(batch.batch_code if batch else None, LONGEST_TEXT),
            "imported": batch_state.imported(bills),
            "kickouts": digest.rows if digest else (0 if outcome == "completed" else None),
            "kickout_messages": digest.messages if digest else [],
            "unresolved_flags": known_count(task.unresolved_flag_count),
            "analyzing": known_count(task.analyzing_count),
            "begin_date": shown(task.begin_date, 100),
            "end_date": shown(task.end_date, 100),
            "reattached": reattached,
            "batch_status": batch_state.batch_status,
            "voided": batch_state.voided(bills),
        }
        return cls(**storable(facts))

    @classmethod
    def from_xcom(cls, facts: Mapping[str, Any]) -> ImportResult:
        """
        Return the result that :meth:`to_xcom` returned as plain JSON, also in another version of this package.

        :param facts: the result as it was stored; what it lacks is None, and what is not known here is left out.
        """
        known: dict[str, Any] = {each.name: facts.get(each.name) for each in fields(cls)}
        if "kickout_report" in facts:
            known["report"] = ReportStatus(facts["kickout_report"], facts.get("kickout_report_error"))
        known["kickout_messages"] = facts.get("kickout_messages") or []
        return cls(**known)

    @property
    def has_kickouts(self) -> bool:
        """Return whether rows were kicked out."""
        return self.outcome == "completed_with_kickouts"

    @property
    def is_removed(self) -> bool:
        """Return whether the import's batch was deleted, and its bills with it."""
        return self.batch_status == DELETED

    @property
    def is_void(self) -> bool:
        """Return whether bills of the import are void; if EnergyCAP does not count them, its batch decides."""
        pending = (self.batch_status or "").casefold() == "pending"
        return bool(self.voided) or (pending and self.voided is None)

    @property
    def bills(self) -> int:
        """Return how many bills the import brought into EnergyCAP, void ones included."""
        return (self.imported or 0) + (self.voided or 0)

    @property
    def link_facts(self) -> dict[str, Any]:
        """Return what the task's link to EnergyCAP can be filled with."""
        return {name: getattr(self, name) for name in ("batch_id", "batch_code", "task_guid", "task_id")}

    @property
    def summary(self) -> str:
        """Return in a sentence or two how the import ended."""
        kicked = f", {_number(self.kickouts)} rows kicked out" if self.has_kickouts else ""
        place = f" into batch {self.batch_code or self.batch_id}" if self.batch_id else ""
        ended = f"Import {self.task_guid} ended as {self.status!r}: "
        if self.is_removed:
            return f"{ended}no bill of it is in EnergyCAP{kicked}. {self._why_removed()}"
        if self.is_void:
            return f"{ended}no bill counts{kicked}. {self._why_void()}"
        if self.voided is None:
            unknown = f"{ended}whether its bills count is not known{kicked}. No batch of it can be read."
            if not self.has_kickouts:
                return unknown
            return (
                f"{unknown} If EnergyCAP is set to {MARK_BATCH_PENDING}, its batch is Pending and its bills are "
                "void until it is opened."
            )
        return f"{ended}{_number(self.imported)} bills imported{place}{kicked}."

    def _why_void(self) -> str:
        cause = f" because of the kickouts (setting {MARK_BATCH_PENDING})" if self.has_kickouts else ""
        bills = "all" if self.voided is None else f"the {self.voided}"
        return (
            f"Batch {self.batch_code!r} is Pending{cause}: {bills} bills of this import are void "
            "until it is opened (UpdateBatchStatusOperator)."
        )

    def _why_removed(self) -> str:
        if self.batch_id is None:
            return "It names no batch: that was deleted, and its bills with it."
        batch = self.batch_code or self.batch_id
        return f"EnergyCAP does not know batch {batch!r} any more: it was deleted, and its bills with it."

    def to_xcom(self) -> dict[str, Any]:
        """
        Return the result as plain JSON.

        ``kickout_report`` is there if a report was asked for, ``kickout_report_error`` if it was not written, and
        ``rounds`` if the import is a round of a retry.
        """
        facts = {each.name: getattr(self, each.name) for each in fields(self)}
        report, rounds = facts.pop("report"), facts.pop("rounds")
        if report is not None:
            facts["kickout_report"] = report.path
            if report.error is not None:
                facts["kickout_report_error"] = report.error
        return facts if rounds is None else {**facts, "rounds": rounds}


def _number(count: int | None) -> str:
    return "an unknown number of" if count is None else str(count)
