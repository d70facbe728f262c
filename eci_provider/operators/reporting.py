"""Write the kickout report of an import that a task has waited for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eci_provider.core.paths import as_text
from eci_provider.links import EciLink, KickoutReportLink
from eci_provider.operators.base import EciOperator
from eci_provider.reports.arguments import check_kickout_report, checked_names

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.hooks.eci import EciHook
    from eci_provider.outcome.result import ImportResult
    from eci_provider.reports.errors import EciReportError


class EciReportingOperator(EciOperator):
    """
    Base class for operators that may report the kickouts of their import.

    :param kickout_report: where to write which rows were kicked out and why: a path or URL that ends in .csv,
        .xlsx or .md; what is there is replaced. An import without kickouts gets a report without rows.
    """

    operator_extra_links: Sequence[Any] = (EciLink(), KickoutReportLink())
    #: The names of the files in the ZIP that was imported, where an operator has the argument.
    file_names: Sequence[str] | None = None
    #: The bill file, where an operator has one: no report may replace it.
    file: Any = None

    def __init__(self, *, kickout_report: str | os.PathLike[str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kickout_report = as_text(kickout_report)

    def imported_names(self) -> Sequence[str] | None:
        """Return the names of the files in the ZIP that was imported, by which rows are told apart."""
        return checked_names(self.file_names, source=self.source)

    def check_report(self) -> None:
        """
        Refuse wrong arguments of the report; templates are left for later.

        :raises EciValidationError: naming the wrong argument.
        """
        check_kickout_report(
            self.kickout_report,
            source=self.source,
            file=self.file,
            file_names=self.file_names,
            wait_for_completion=getattr(self, "wait_for_completion", True),
        )

    def with_report(
        self, context: Context, hook: EciHook, result: ImportResult
    ) -> tuple[ImportResult, EciReportError | None]:
        """
        Write the report, if one is wanted; see :meth:`KickoutReportWriter.add_report`.

        :param context: Airflow's context.
        :param hook: the hook.
        :param result: the import's result.
        """
        from eci_provider.reports.kickouts import KickoutReportWriter

        writer = KickoutReportWriter(
            self.kickout_report,
            source=self.source,
            file=self.file,
            find_names=self.imported_names,
        )
        result, error = writer.add_report(result, hook.get_conn(), reattaches=getattr(self, "reattach", True))
        if result.report and result.report.path:
            self.show_report(context, result.report.path)
        return result, error
