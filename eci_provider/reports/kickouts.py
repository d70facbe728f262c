"""Writing the kickout report of an import, and what the log and XCom say about it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from eci_provider.api.client import EciClient
from eci_provider.api.tasks import TaskResponse
from eci_provider.core.errors import EciError
from eci_provider.core.paths import AnyPath, redact_path
from eci_provider.core.text import LONGEST_TEXT, cut, shown
from eci_provider.outcome.result import ImportResult, ReportStatus
from eci_provider.reports.arguments import check_apart
from eci_provider.reports.errors import EciReportError
from eci_provider.reports.formats import FormatName, checked_format
from eci_provider.reports.writing import write_report
from eci_provider.runtime.readers import is_left_out
from eci_provider.waiting.status import classify, has_ended, latest_now

log = logging.getLogger(__name__)

#: How many bytes of JSON a result has for why the report was not written.
_LONGEST_REASON = 300


class KickoutReportWriter:
    """
    Writes the report of an import's kickouts: all rows that were kicked out, and why.

    Built from rendered arguments. An operator that waits for its import calls :meth:`add_report`, which keeps the
    import's result whatever happens to the report; for an import that ended earlier, call :meth:`write`.

    :param path: where the report is written: a local path, whose folders are made where they are missing, or a URL
        that Airflow's ObjectStoragePath opens; what is there is replaced. With None, or a template that rendered
        to nothing, no report is written.
    :param name: the name of the argument with the path, for messages.
    :param source: whose arguments they are, for messages.
    :param is_required: whether the path must be given, as :meth:`write` needs it.
    :param format: ``csv``, ``xlsx`` or ``md``; None for what the path's extension says.
    :param file: the bill file that was imported, which the report must not replace; None if there is none.
    :param find_names: returns the names of the files in the ZIP that was imported, by which rows are told apart;
        None if they are not known. Whatever it raises is logged, and costs the names and nothing else.
    :raises EciValidationError: when an argument is wrong.
    """

    def __init__(
        self,
        path: AnyPath | None,
        *,
        name: str = "kickout_report",
        source: str,
        is_required: bool = False,
        format: FormatName | None = None,
        file: AnyPath | None = None,
        find_names: Callable[[], Sequence[str] | None] | None = None,
    ) -> None:
        self._path = None if is_left_out(path) else path
        self._format = format
        self._find_names = find_names
        if is_required or self._path is not None:
            checked_format(path, format, name=name, source=source)
            check_apart(path, [file], name=name, source=source)

    def add_report(
        self, result: ImportResult, client: EciClient, *, reattaches: bool
    ) -> tuple[ImportResult, EciReportError | None]:
        """
        Write the report of an import that the task has waited for, if one is wanted, and note it in the result.

        An import that failed has no kickouts to report. An error is returned and not raised, so that the result
        is not lost for it, and since what the kickouts make of the task outweighs it.

        :param result: the import's result.
        :param client: the client.
        :param reattaches: whether a retry of the task finds this import instead of importing again.
        :return: the result, whose ``report`` says where the report is or why there is none; and the error if it
            could not be written, which was logged.
        """
        if self._path is None:
            return result, None
        if result.outcome == "failed":
            return replace(result, report=ReportStatus()), None
        try:
            # The reasons are in what the task logs, or fails with.
            may_have_none = result.outcome == "completed"
            written = self._write(client, result.task_guid, may_have_none=may_have_none, logs_reasons=False)
        except EciError as error:
            unwritten = self._unwritten(result, error, reattaches=reattaches)
            log.error("%s", unwritten)
            reason = cut(_reason(error), _LONGEST_REASON)
            return replace(result, report=ReportStatus(error=reason)), unwritten
        return replace(result, report=ReportStatus(written["path"])), None

    def write(self, client: EciClient, task: TaskResponse, task_guid: str) -> dict[str, Any]:
        """
        Write the report of an import that has ended, and log a summary.

        :param client: the client.
        :param task: the import's task.
        :param task_guid: its GUID, as it was asked for.
        :return: ``task_guid``, ``path``, ``format``, ``rows`` (None if EnergyCAP returned messages but no rows),
            ``messages`` (at most ten of ``{"message", "rows"}``, most frequent first; a row that has several
            counts for each) and ``files`` (at most ten of ``{"file", "rows"}``): plain JSON under 16 KiB.
        :raises EciReportError: when the import has not ended, or the report cannot be written.
        :raises EciError: when EnergyCAP does not return the rows.
        """
        if not has_ended(task, latest_now(client)):
            problem = (
                f"import {task_guid} is still running (status {task.status!r}), and may kick out more rows. "
                "Wait for it first, with EciTaskSensor or wait_for_completion."
            )
            raise EciReportError(problem, path=self._path)
        may_have_none = classify(task.status, ended=True) == "completed"
        return self._write(client, task_guid, may_have_none=may_have_none, logs_reasons=True)

    def _write(
        self, client: EciClient, task_guid: str, *, may_have_none: bool, logs_reasons: bool
    ) -> dict[str, Any]:
        # If the import must have kickouts, a 404 is an error and not an empty report.
        report = client.kickouts.report(task_guid, self._names(), missing_ok=may_have_none)
        written = write_report(report, cast("AnyPath", self._path), self._format)
        result = {
            "task_guid": task_guid,
            "path": written["path"],
            "format": written["format"],
            "rows": report.rows,
            "messages": report.digest(),
            "files": report.files(),
        }
        _log_summary(result, may_have_none, logs_reasons=logs_reasons)
        return result

    def _names(self) -> Sequence[str] | None:
        """Return the names of the files that were imported; None, and log why, if they cannot be read."""
        if self._find_names is None:
            return None
        try:
            return self._find_names()
        except Exception as error:
            reason = shown(f"{type(error).__name__}: {error}", LONGEST_TEXT)
            log.warning("The kickout report does not tell rows apart by file. %s", reason)
            return None

    def _unwritten(self, result: ImportResult, error: EciError, *, reattaches: bool) -> EciReportError:
        """Return the error that says how the import ended, and how to get its report."""
        writer = f"KickoutReportOperator with task_guid={result.task_guid!r}"
        if reattaches:
            step = f"A retry or a clear of this task sends nothing again and writes the report; so does {writer}."
        else:
            step = f"With reattach=False a retry or a clear would import again: write the report with {writer}."
        unwritten = EciReportError(f"{_reason(error)} {result.summary} {step}", path=self._path)
        unwritten = unwritten.copy(task_guid=result.task_guid)
        # If a retry cannot write the report to its path, it cannot help the task either.
        unwritten.retry_helps = reattaches and (error.retry_helps or not isinstance(error, EciReportError))
        unwritten.__cause__ = error
        return unwritten


def _reason(error: EciError) -> str:
    """Return why a report could not be written."""
    if isinstance(error, EciReportError):
        return error.problem
    return f"EnergyCAP did not return its rows. {error.message}"


def _log_summary(result: dict[str, Any], may_have_none: bool, *, logs_reasons: bool) -> None:
    """Log how many rows there are, where the report is, and the ten most frequent messages if they are wanted."""
    task_guid, path = result["task_guid"], redact_path(result["path"])
    if result["rows"] == 0 and may_have_none:
        log.info("Import %s has no kickouts; the report at %s is empty.", task_guid, path)
    elif result["rows"] == 0:
        log.warning("EnergyCAP returned no kickout rows of import %s; the report at %s is empty.", task_guid, path)
    else:
        rows = "an unknown number of" if result["rows"] is None else f"{result['rows']:,}"
        messages = result["messages"] if logs_reasons else []
        reasons = "".join(f"\n  {item['rows']:>8,} x {item['message']}" for item in messages)
        log.info("Import %s: %s rows kicked out, see %s.%s", task_guid, rows, path, reasons)
