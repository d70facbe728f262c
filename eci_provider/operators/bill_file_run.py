"""The work of the operators on bill files: a check and a split, built from an operator's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eci_provider.bills.check_options import checked_options
from eci_provider.bills.splitting import BillFileSplit
from eci_provider.operators.columns import ColumnArguments as ColumnArguments
from eci_provider.reports.arguments import check_apart, check_report
from eci_provider.reports.bill_file_check import BillFileCheck, CheckResult

if TYPE_CHECKING:
    from eci_provider.hooks.eci import EciHook


class CheckRun:
    """
    A check of a bill file in a task.

    :param file: the bill file; None if it is not known yet.
    :param columns: what its columns are.
    :param report: the path of the report; None for no report, or if it is not known yet.
    :param source: whose arguments they are, for messages.
    :param options: the options of the check, as far as they are known.
    """

    def __init__(self, *, file: Any, columns: ColumnArguments, report: Any, source: str, **options: Any) -> None:
        self._file, self._columns, self._report, self._source = file, columns, report, source
        self._options = options

    def check_literals(self) -> None:
        """
        Refuse wrong arguments when the DAG is parsed.

        :raises EciValidationError: naming each wrong argument.
        """
        self._columns.check_literals()
        checked_options(**self._options, source=self._source)
        self._check_report()

    def run(self, hook: EciHook) -> CheckResult:
        """
        Check the file, all arguments being known.

        :param hook: EnergyCAP is asked only for a profile.
        :return: what was found.
        :raises EciValidationError: when an argument is wrong.
        """
        self._check_report()
        check = BillFileCheck(self._file, report=self._report, source=self._source, **self._options)
        return check.run(self._columns.mapping(hook))

    def _check_report(self) -> None:
        """Refuse a report that would replace the bill file or the sample file."""
        if self._report is not None:
            check_report(self._report, name="report", source=self._source, file=self._file)
            check_apart(self._report, [self._columns.sample_file], source=self._source, name="report")


def split_bill_file(columns: ColumnArguments, hook: EciHook, *, source: str, **arguments: Any) -> list[str]:
    """
    Split a bill file in a task, all arguments being known.

    :param columns: what its columns are.
    :param hook: EnergyCAP is asked only for a profile.
    :param source: whose arguments they are, for messages.
    :param arguments: the other arguments of :class:`~eci_provider.bills.splitting.BillFileSplit`.
    :return: the paths of the parts.
    :raises EciValidationError: when an argument is wrong.
    """
    split = BillFileSplit(source=source, **arguments)
    return split.run(columns.mapping(hook))
