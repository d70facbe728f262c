"""What a message about the kickouts of an import is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from eci_provider.api.kickouts.reasons import CorrectIn, correct_in
from eci_provider.core.paths import redact_path
from eci_provider.outcome.errors import kickout_advice
from eci_provider.outcome.result import ImportResult


class Reason(NamedTuple):
    """
    Why rows were kicked out.

    :param rows: how many rows.
    :param message: what EnergyCAP says of them.
    :param correct_in: where that is corrected: ``"EnergyCAP"``, ``"the file"`` or ``"EnergyCAP or the file"``.
    """

    rows: int
    message: str
    correct_in: CorrectIn


@dataclass(frozen=True)
class KickoutFacts:
    """
    What a message says about the kickouts of an import.

    :param result: the import's result.
    :param dag_id: the DAG.
    :param task_id: the task.
    :param run_id: the DAG run.
    :param map_index: which instance of a mapped task; -1 without mapping.
    :param try_number: which attempt of the task, counted from 1.
    :param problem: why the task failed, if kickouts are not the reason.
    :param report_url: where a browser shows the kickout report, if it can.
    :param energycap_url: where a browser shows the import, if the connection has a ``ui_url_template``.
    :param log_url: where a browser shows the task's log.
    :param note: the text at the message's end.
    """

    result: ImportResult
    dag_id: str
    task_id: str
    run_id: str
    map_index: int = -1
    try_number: int = 1
    problem: str | None = None
    report_url: str | None = None
    energycap_url: str | None = None
    log_url: str | None = None
    note: str | None = None

    @property
    def attempt(self) -> tuple[str, str, str, int, int, str]:
        """Return which attempt of which task instance it is about, and which import."""
        return (self.dag_id, self.task_id, self.run_id, self.map_index, self.try_number, self.task_guid)

    @property
    def has_kickouts(self) -> bool:
        """Return whether rows were kicked out."""
        return self.result.has_kickouts

    @property
    def rows(self) -> int | None:
        """Return how many rows were kicked out; None if that is not known."""
        return self.result.kickouts

    @property
    def imported(self) -> int | None:
        """Return how many bills were imported and count; None if that is not known."""
        return self.result.imported

    @property
    def task_guid(self) -> str:
        """Return the import."""
        return self.result.task_guid

    @property
    def batch_id(self) -> int | None:
        """Return the number of its batch."""
        return self.result.batch_id

    @property
    def batch_code(self) -> str | None:
        """Return the code of its batch."""
        return self.result.batch_code

    @property
    def report(self) -> str | None:
        """Return where the kickout report is, without a password; None if there is none."""
        report = self.result.report
        return redact_path(report.path) if report and report.path else None

    @property
    def reasons(self) -> list[Reason]:
        """Return at most ten reasons, the most frequent first."""
        return [
            Reason(item["rows"], item["message"], correct_in(item["message"]))
            for item in self.result.kickout_messages
        ]

    @property
    def advice(self) -> str | None:
        """Return what to do next; None if there is nothing to do."""
        if self.problem is not None:
            return self.problem
        return kickout_advice({reason.correct_in for reason in self.reasons}) if self.has_kickouts else None
