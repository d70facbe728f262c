"""The check of a bill file in a task: its log, its report, and its result."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.bills.check_options import checked_options
from eci_provider.bills.checking import report_of
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.report import CheckReport, Problem
from eci_provider.core.checks import FILE, checked_path
from eci_provider.core.errors import EciError
from eci_provider.core.paths import AnyPath, redact_path
from eci_provider.core.text import LONGEST_TEXT, shown
from eci_provider.reports.problems import ProblemRows
from eci_provider.reports.writing import write_report
from eci_provider.storage.object_store import open_path

log = logging.getLogger(__name__)

#: How many bytes of JSON the name of a column takes in a result.
_LONGEST_NAME = 200


@dataclass(frozen=True)
class CheckResult:
    """
    The result of a check.

    :param file: the bill file.
    :param rows: how many rows it has.
    :param bills: how many bills they make.
    :param errors: how many errors were found.
    :param warnings: how many warnings.
    :param problems: at most ten kinds of problems, as :meth:`CheckReport.digest` returns them.
    :param report: the path of the report; None if there is none.
    :param report_error: why the report could not be written.
    """

    file: str
    rows: int
    bills: int
    errors: int
    warnings: int
    problems: list[dict[str, Any]]
    report: str | None = None
    report_error: EciError | None = None

    def as_xcom(self) -> dict[str, Any]:
        """Return the result as plain JSON under 16 KiB; ``report`` is in it if one was wanted."""
        result = {
            "file": self.file,
            "rows": self.rows,
            "bills": self.bills,
            "errors": self.errors,
            "warnings": self.warnings,
            "problems": self.problems,
        }
        return result if self.report is None and self.report_error is None else {**result, "report": self.report}

    def error(self, on_problems: Literal["fail", "warn"]) -> EciError | None:
        """
        Return the error that the task must raise, if any; the errors of the file outweigh that of the report.

        :param on_problems: whether the errors of the file fail the task.
        """
        if not self.errors or on_problems == "warn":
            return self.report_error
        kinds = "; ".join(f"{kind['rows']:,} x {kind['code']}" for kind in self.problems)
        problem = f"{self.errors:,} errors and {self.warnings:,} warnings ({kinds}). The log shows where."
        return EciBillFileError(problem, file=redact_path(self.file))


class BillFileCheck:
    """
    The check of a bill file: reads it once, writes its problems into a report, and logs each kind of problem.

    :param file: the bill file.
    :param report: the path of the report; None for no report.
    :param source: whose arguments they are, for messages.
    :param options: the options of the check, as :func:`~eci_provider.bills.check_options.checked_options` takes
        them.
    :raises EciValidationError: when an argument is wrong.
    """

    def __init__(self, file: AnyPath, *, report: AnyPath | None, source: str, **options: Any) -> None:
        checked_path(file, name="file", description=FILE, source=source)
        self._options = checked_options(source=source, **options)
        self._file, self._report = file, report
        self._shown = redact_path(file)
        self._first: dict[tuple[str, str | None], str] = {}
        self._reading_error: Exception | None = None

    def run(self, mapping: ColumnMapping | None) -> CheckResult:
        """
        Carry out the check.

        :param mapping: which column has which meaning; None for Advanced format.
        :return: the result, which is complete even if the report could not be written.
        :raises EciStoreError: when no installed package opens the file's URL.
        """
        found = report_of([open_path(self._file)], mapping, self._options)
        problems = self._read(found)
        report_error = None if self._report is None else self._write_report(problems)
        # Whatever the report did not take; the counts are those of the whole file.
        for _ in problems:
            pass
        if self._reading_error is not None:
            raise self._reading_error
        kinds = found.digest()
        self._log(found, kinds)
        return CheckResult(
            str(self._file),
            found.rows,
            found.bills,
            found.errors,
            found.warnings,
            [{**kind, "column": shown(kind["column"], _LONGEST_NAME)} for kind in kinds],
            report=None if self._report is None or report_error else str(self._report),
            report_error=report_error,
        )

    def _read(self, found: CheckReport) -> Iterator[Problem]:
        """Iterate over the problems, and keep the first of each kind."""
        try:
            for problem in found:
                kind = (problem.rule.code, problem.column)
                if kind not in self._first:
                    self._first[kind] = str(problem)
                yield problem
        except Exception as error:
            self._reading_error = error
            raise

    def _write_report(self, problems: Iterator[Problem]) -> EciError | None:
        """Write the report, and return why that failed, so that the result of the check is not lost."""
        path: Any = self._report
        rows = ProblemRows(problems, title=f"Check of bill file {self._shown}", file=self._file)
        try:
            write_report(rows, path)
        except EciError as error:
            log.error("The report of bill file %s was not written: %s", self._shown, error)
            return error
        log.info("The report of bill file %s is %s.", self._shown, redact_path(path))
        return None

    def _log(self, found: CheckReport, kinds: list[dict[str, Any]]) -> None:
        """Log the first problem of each kind, and the counts."""
        for kind in kinds:
            example = shown(self._first[kind["code"], kind["column"]], LONGEST_TEXT)
            log.warning("%s rows: %s First: %s", f"{kind['rows']:,}", kind["message"], example)
        log.info(
            "Bill file %s: %s rows, %s bills, %s errors, %s warnings.",
            self._shown,
            *(f"{number:,}" for number in (found.rows, found.bills, found.errors, found.warnings)),
        )
