"""The preparation of a bill file in a task, built from an operator's arguments."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from eci_provider.api.models import validated
from eci_provider.bills.prepare.preparing import checked_target, prepare_file
from eci_provider.bills.recipe.loading import check_recipe_name, load_recipe
from eci_provider.bills.recipe.model import BillFileRecipe
from eci_provider.core.errors import EciError
from eci_provider.core.paths import redact_path
from eci_provider.reports.arguments import check_apart, check_report
from eci_provider.reports.left_out import LeftOutRows
from eci_provider.reports.writing import write_report

log = logging.getLogger(__name__)


class PreparationRun:
    """
    A preparation of a bill file in a task.

    :param file: the vendor's file; None if it is not known yet, and so the following ones.
    :param target: the file to write.
    :param recipe: how the file is read.
    :param report: the path of the report; None for no report, too.
    :param source: whose arguments they are, for messages.
    """

    def __init__(self, *, file: Any, target: Any, recipe: Any, report: Any, source: str) -> None:
        self._file, self._target, self._recipe, self._report = file, target, recipe, report
        self._source = source
        #: The path of the report once it is written.
        self.written_report: str | None = None

    def check_literals(self, *, has_templates: bool) -> None:
        """
        Refuse wrong arguments when the DAG is parsed; no file is read.

        :param has_templates: whether templates are inside the recipe, which is checked when they are rendered.
        :raises EciValidationError: naming what is wrong.
        """
        if self._target is not None:
            checked_target(self._target, self._file, name="to", source=self._source)
        if self._report is not None:
            check_report(self._report, name="report", source=self._source, file=self._file)
            check_apart(self._report, [self._target], source=self._source, name="report")
        if isinstance(self._recipe, Mapping):
            if not has_templates:
                validated(BillFileRecipe, self._recipe, source=f"{self._source}, recipe")
        elif self._recipe is not None:
            check_recipe_name(self._recipe, source=self._source)

    def run(self) -> dict[str, Any]:
        """
        Prepare the file, all arguments being known.

        :return: the result as plain JSON.
        :raises EciBillFileError: when the file cannot be read, is ambiguous, or has rows that cannot be read.
        :raises EciValidationError: when an argument is wrong.
        """
        self.check_literals(has_templates=False)
        recipe = load_recipe(self._recipe, source=f"{self._source}, recipe")
        with LeftOutRows(redact_path(self._file)) as rows:
            try:
                prepared = prepare_file(self._file, self._target, recipe, left_out=rows.add)
            except Exception:
                self._write_after_failure(rows)
                raise
            if self._report is not None:
                self._write(rows)
        for code, number in prepared.reasons.most_common():
            log.warning("%s rows are left out: %s.", f"{number:,}", code)
        log.info(
            "Bill file %s: %s rows in, %s rows out, %s left out; %s rows of %s bills in %s.",
            prepared.source,
            *(f"{number:,}" for number in (prepared.rows_in, prepared.rows_out, prepared.rows_left_out)),
            *(f"{number:,}" for number in (prepared.rows_written, prepared.bills)),
            prepared.target,
        )
        result = {**prepared.as_xcom(), "file": str(self._target)}
        return result if self._report is None else {**result, "report": self.written_report}

    def _write(self, rows: LeftOutRows) -> None:
        write_report(rows, self._report)
        self.written_report = str(self._report)
        log.info("The report of bill file %s is %s.", redact_path(self._file), redact_path(self._report))

    def _write_after_failure(self, rows: LeftOutRows) -> None:
        """Write the report of a failed preparation; the failure itself counts more than that of the report."""
        if self._report is None or not any(True for _ in rows):
            return
        try:
            self._write(rows)
        except EciError as error:
            log.error("The report of bill file %s was not written: %s", redact_path(self._file), error)
