"""Write the kickout report of an import that a task has waited for."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError, EciValidationError
from eci_provider.arguments import is_template
from eci_provider.links import EciLink, KickoutReportLink
from eci_provider.operators.base import EciOperator
from eci_provider.paths import as_text

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.upload import BillFile
    from eci_provider.hooks.eci import EciHook

log = logging.getLogger(__name__)


class EciReportingOperator(EciOperator):
    """
    Be the base of operators that may report an import's kickouts.

    :param kickout_report: where to write which rows were kicked out and why: a path or URL that ends in .csv,
        .xlsx or .md; what is there is replaced. An import without kickouts gets a report without rows.
    """

    operator_extra_links: Sequence[Any] = (EciLink(), KickoutReportLink())

    def __init__(self, *, kickout_report: str | os.PathLike[str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kickout_report = as_text(kickout_report)
        self._report_path()

    def imported_file(self) -> BillFile | None:
        """Return the file that was imported, whose names tell rows apart if it is a ZIP; None if there is none."""
        return None

    def check_report(self) -> None:
        """
        Refuse a path that cannot be a report's, unless it is a template.

        :raises EciValidationError: when it is one.
        """
        self._report_path()

    def with_report(
        self, context: Context, hook: EciHook, result: dict[str, Any]
    ) -> tuple[dict[str, Any], EciError | None]:
        """
        Write the report, if one is wanted.

        :param context: Airflow's context.
        :param hook: the hook.
        :param result: the import's result.
        :return: the result, which says where the report is, and why it could not be written: what else is known of
            the import must not be lost for that. A retry of the task reattaches to the import, and writes it.
        """
        from eci_provider.reporting import kickout_report

        path = self._report_path()
        if path is None:
            return result, None
        result = {**result, "kickout_report": None}
        if result["outcome"] == "failed":
            return result, None
        try:
            written = kickout_report(hook.get_conn(), result["task_guid"], path, file=self.imported_file())
        except EciError as error:
            log.error("The kickout report of import %s was not written: %s", result["task_guid"], error)
            return result, error
        self.show_report(context, written["path"])
        return {**result, "kickout_report": written["path"]}, None

    def _report_path(self) -> str | None:
        """Return where the report goes; a template that renders to nothing means nowhere."""
        path = self.kickout_report
        if path is None or is_template(path) or str(path).strip() in ("", "None"):
            return None
        from eci_provider.reporting import check_report_arguments

        try:
            check_report_arguments(path, source=self.source)
        except EciValidationError as error:
            problems = [
                problem.replace("path is", "kickout_report is", 1) for problem in error.details["problems"]
            ]
            raise EciValidationError(problems, source=self.source) from None
        return str(path)
