"""Write the kickout report of an import that a task has waited for."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError, EciValidationError
from eci_provider.core.paths import as_text, redact_path
from eci_provider.core.text import cut
from eci_provider.links import EciLink, KickoutReportLink
from eci_provider.operators.base import EciOperator
from eci_provider.reports.kickouts import check_report_arguments, checked_names
from eci_provider.runtime.arguments import is_left_out, is_template

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.hooks.eci import EciHook
    from eci_provider.outcome.result import ImportResult
    from eci_provider.reports.errors import EciReportError

log = logging.getLogger(__name__)

#: How many bytes of JSON the result has for why the report was not written.
_LONGEST_REASON = 300


class EciReportingOperator(EciOperator):
    """
    Be the base of operators that may report an import's kickouts.

    :param kickout_report: where to write which rows were kicked out and why: a path or URL that ends in .csv,
        .xlsx or .md; what is there is replaced. An import without kickouts gets a report without rows.
    """

    operator_extra_links: Sequence[Any] = (EciLink(), KickoutReportLink())
    #: The names of the files in the ZIP that was imported, where an operator is told them.
    file_names: Sequence[str] | None = None
    #: The bill file, where an operator has one: no report may replace it.
    file: Any = None

    def __init__(self, *, kickout_report: str | os.PathLike[str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kickout_report = as_text(kickout_report)
        self._report_path()

    def imported_names(self) -> Sequence[str] | None:
        """Return the names of the files in the ZIP that was imported, which tell rows apart; none of another."""
        return checked_names(self.file_names, source=self.source)

    def check_report(self) -> None:
        """
        Refuse a path that cannot be a report's, wrong names of files, and a report that nothing waits for.

        Templates are left for later.

        :raises EciValidationError: naming the wrong argument.
        """
        path = self._report_path()
        if not is_template(self.file_names):
            checked_names(self.file_names, source=self.source)
        if path is not None and not getattr(self, "wait_for_completion", True):
            problem = (
                f"wait_for_completion is False, and kickout_report is {redact_path(path)!r}: which rows are "
                "kicked out is known when the import has ended; leave either out, or let KickoutReportOperator "
                "write it then"
            )
            raise EciValidationError([problem], source=self.source)

    def with_report(
        self, context: Context, hook: EciHook, result: ImportResult
    ) -> tuple[ImportResult, EciError | None]:
        """
        Write the report, if one is wanted.

        :param context: Airflow's context.
        :param hook: the hook.
        :param result: the import's result.
        :return: the result, which says where the report is, and the error that says why it could not be written.
            The result holds that reason, too, since what becomes of the task for its kickouts weighs more than
            this error. What is known of the import is not lost for it.
        """
        from eci_provider.outcome.result import ReportStatus
        from eci_provider.reports.kickouts import kickout_report, names_or_none

        path = self._report_path()
        if path is None:
            return result, None
        if result.outcome == "failed":
            return replace(result, report=ReportStatus()), None
        try:
            written = kickout_report(
                hook.get_conn(),
                result.task_guid,
                path,
                file_names=names_or_none(self.imported_names),
                missing_ok=result.outcome == "completed",
            )
        except EciError as error:
            unwritten = self._unwritten(path, result, error)
            log.error("%s", unwritten)
            return replace(result, report=ReportStatus(error=cut(_reason(error), _LONGEST_REASON))), unwritten
        self.show_report(context, written["path"])
        return replace(result, report=ReportStatus(written["path"])), None

    def _unwritten(self, path: str, result: ImportResult, error: EciError) -> EciReportError:
        """Return the error that says what became of the import, and how to come by its report."""
        from eci_provider.reports.errors import EciReportError

        reattaches = getattr(self, "reattach", True)
        writer = f"KickoutReportOperator with task_guid={result.task_guid!r}"
        if reattaches:
            step = f"A retry or a clear of this task sends nothing again and writes the report; so does {writer}."
        else:
            step = f"With reattach=False a retry or a clear would import again: write the report with {writer}."
        unwritten = EciReportError(f"{_reason(error)} {result.summary} {step}", path=path)
        # What no retry mends of the report's place, it mends of the task neither.
        unwritten.retry_helps = reattaches and (error.retry_helps or not isinstance(error, EciReportError))
        unwritten.__cause__ = error
        return unwritten

    def _report_path(self) -> str | None:
        """Return where the report goes; a template that renders to nothing means nowhere."""
        path = self.kickout_report
        if is_template(path) or is_left_out(path):
            return None
        try:
            check_report_arguments(path, source=self.source, file=self.file)
        except EciValidationError as error:
            problems = [
                problem.replace("path is", "kickout_report is", 1) for problem in error.details["problems"]
            ]
            raise EciValidationError(problems, source=self.source) from None
        return str(path)


def _reason(error: EciError) -> str:
    """Return why a report could not be written."""
    from eci_provider.reports.errors import EciReportError

    if isinstance(error, EciReportError):
        return error.problem
    return f"EnergyCAP does not tell its rows. {error.message}"
