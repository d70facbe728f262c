"""The work of the operators on bill files: a check and a split, built from an operator's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eci_provider.bills.check_options import checked_options
from eci_provider.bills.splitting import FOLDER, BillFileSplit, check_split_options
from eci_provider.core.checks import FILE, checked_path
from eci_provider.operators.columns import ColumnArguments as ColumnArguments
from eci_provider.reports.arguments import check_apart, check_report
from eci_provider.reports.bill_file_check import BillFileCheck, CheckResult
from eci_provider.runtime.arguments import check_choice, is_left_out, is_template

if TYPE_CHECKING:
    from eci_provider.hooks.eci import EciHook

ON_PROBLEMS = ("fail", "warn")


class CheckRun:
    """
    A check of a bill file in a task.

    :param file: the bill file.
    :param columns: what its columns are.
    :param on_problems: the task's state when the file has errors.
    :param report: the path of the report; None, or a template that rendered to nothing, for no report.
    :param source: whose arguments they are, for messages.
    :param options: the options of the check.
    """

    def __init__(
        self, *, file: Any, columns: ColumnArguments, on_problems: Any, report: Any, source: str, **options: Any
    ) -> None:
        self._file, self._columns, self._on_problems, self._source = file, columns, on_problems, source
        self._report = None if is_left_out(report) else report
        self._options = options

    def check_literals(self) -> None:
        """
        Refuse wrong arguments when the DAG is parsed; templates are left for later.

        :raises EciValidationError: naming each wrong argument.
        """
        self._columns.check_literals()
        if not is_template(self._file):
            checked_path(self._file, name="file", description=FILE, source=self._source)
        check_choice("on_problems", self._on_problems, ON_PROBLEMS, source=self._source)
        literals = {name: value for name, value in self._options.items() if not is_template(value)}
        checked_options(**literals, source=self._source)
        if not is_template(self._report):
            self._check_report()

    def run(self, hook: EciHook) -> CheckResult:
        """
        Check the file, all arguments being rendered.

        :param hook: EnergyCAP is asked only for a profile.
        :return: what was found.
        :raises EciValidationError: when an argument is wrong.
        """
        check_choice("on_problems", self._on_problems, ON_PROBLEMS, source=self._source)
        self._check_report()
        check = BillFileCheck(self._file, report=self._report, source=self._source, **self._options)
        return check.run(self._columns.mapping(hook))

    def _check_report(self) -> None:
        """Refuse a report that would replace the bill file or the sample file."""
        if self._report is not None:
            check_report(self._report, name="report", source=self._source, file=self._file)
            check_apart(self._report, [self._columns.sample_file], source=self._source, name="report")


class SplitRun:
    """
    A split of a bill file in a task.

    :param file: the bill file.
    :param destination: the folder of the parts.
    :param columns: what its columns are.
    :param rows_per_file: how many rows a part has at most.
    :param sort: whether to sort the rows first.
    :param source: whose arguments they are, for messages.
    """

    def __init__(
        self, *, file: Any, destination: Any, columns: ColumnArguments, rows_per_file: Any, sort: Any, source: str
    ) -> None:
        self._file, self._destination, self._columns, self._source = file, destination, columns, source
        self._rows_per_file, self._sort = rows_per_file, sort

    def check_literals(self) -> None:
        """
        Refuse wrong arguments when the DAG is parsed; templates are left for later.

        :raises EciValidationError: naming each wrong argument.
        """
        self._columns.check_literals()
        for name, path, description in (("file", self._file, FILE), ("destination", self._destination, FOLDER)):
            if not is_template(path):
                checked_path(path, name=name, description=description, source=self._source)
        check_split_options(self._rows_per_file, self._sort, source=self._source)

    def run(self, hook: EciHook) -> list[str]:
        """
        Write the parts, all arguments being rendered.

        :param hook: EnergyCAP is asked only for a profile.
        :return: the paths of the parts.
        :raises EciValidationError: when an argument is wrong.
        """
        split = BillFileSplit(
            self._file,
            self._destination,
            rows_per_file=self._rows_per_file,
            sort=self._sort,
            source=self._source,
        )
        return split.run(self._columns.mapping(hook))
