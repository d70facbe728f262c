"""The check of a bill file before it is sent, by what is documented of the importer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.bills.check_options import ADVISED_ROWS, LONGEST_PERIOD, CheckOptions, checked_options
from eci_provider.bills.dates import ADVANCED_DATE_FORMAT
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.header_check import header_faults
from eci_provider.bills.history import BillHistory
from eci_provider.bills.layout import header_row, layout_for
from eci_provider.bills.mapping import column_mapping
from eci_provider.bills.reading import tables
from eci_provider.bills.report import CheckReport, Problem, Tally
from eci_provider.bills.rules import ERROR, RULES
from eci_provider.bills.table_check import TableCheck
from eci_provider.bills.tables import Table
from eci_provider.core.checks import FILE, checked_path
from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import AnyPath, OpenablePath
from eci_provider.storage.object_store import open_path

_HEADER_BELOW = (
    "the header seems to stand in row {}. EnergyCAP takes the first row that is not empty. Remove the rows above "
    "it, or prepare the file."
)


def check_file(
    file: AnyPath | Sequence[AnyPath],
    *,
    mapping: ColumnMapping | Mapping[str, Any] | None = None,
    accounts: Iterable[str | int] | Mapping[Any, Iterable[str | int]] | None = None,
    meters: Iterable[str | int] | None = None,
    longest_period: int = LONGEST_PERIOD,
    most_rows: int = ADVISED_ROWS,
    rules_off: Iterable[str] | None = (),
    fail_on: Iterable[str] | None = (),
    min_rows: int | None = None,
    min_bills: int | None = None,
) -> CheckReport:
    """
    Check a bill file, or several that are imported one after the other.

    Iterating over the report reads the file. Memory is constant whatever its length, except for the shared texts
    of a workbook. One comparison is bounded: overlaps are found among the last 30,000 meters, which are all meters
    of a file in the documented order.

    :param file: a CSV, DAT, TXT or XLSX file, or a ZIP of them: a local path, a URL that Airflow's
        ObjectStoragePath opens, or such a path. Or a list of them, in the order of their import: bills are
        compared across all files.
    :param mapping: which column has which meaning, as :func:`~eci_provider.bills.mapping.column_mapping` takes it;
        without it the file is in Advanced format.
    :param accounts: the codes and aliases of the accounts that EnergyCAP knows; or a dict of them with the codes,
        aliases and serial numbers of each account's meters. Codes may be whole numbers.
    :param meters: the codes, aliases and serial numbers of the meters that EnergyCAP knows; not together with a
        dict of accounts.
    :param longest_period: the longest usual period of a bill in days, at least 1.
    :param most_rows: the most rows a file should have, at least 1.
    :param rules_off: the codes of rules (:data:`~eci_provider.bills.rules.RULES`) to switch off.
    :param fail_on: the codes of rules whose warnings are errors.
    :param min_rows: the fewest rows that the files must have together.
    :param min_bills: the fewest bills that they must make together.
    :return: the report; the file has not been read yet.
    :raises EciValidationError: when an argument is wrong.
    :raises EciStoreError: when no installed package opens the file's URL.
    """
    files = cast("list[AnyPath]", list(file) if isinstance(file, (list, tuple)) else [file])
    if not files:
        raise EciValidationError(["file is an empty list: must name a bill file at least"], source="check_file")
    for each in files:
        checked_path(each, name="file", description=FILE, source="check_file")
    options = checked_options(
        source="check_file",
        accounts=accounts,
        meters=meters,
        longest_period=longest_period,
        most_rows=most_rows,
        rules_off=rules_off,
        fail_on=fail_on,
        min_rows=min_rows,
        min_bills=min_bills,
    )
    known = None if mapping is None else column_mapping(mapping, source="check_file")
    return report_of([open_path(each) for each in files], known, options)


def report_of(files: Sequence[OpenablePath], mapping: ColumnMapping | None, options: CheckOptions) -> CheckReport:
    """
    Return the report of a check whose arguments have been checked.

    :param files: the files, as :func:`~eci_provider.storage.object_store.open_path` returns them.
    :param mapping: which column has which meaning; None for Advanced format.
    :param options: the options of the check.
    """
    file = files[0] if len(files) == 1 else files
    return CheckReport(lambda tally: _FileCheck(files, mapping, options, tally).problems(), file)


class _FileCheck:
    """
    One reading of bill files.

    :param files: the files.
    :param mapping: which column has which meaning; None for Advanced format.
    :param options: the options of the check.
    :param tally: what is found is counted here.
    """

    def __init__(
        self,
        files: Sequence[OpenablePath],
        mapping: ColumnMapping | None,
        options: CheckOptions,
        tally: Tally,
    ) -> None:
        self._files, self._mapping, self._options, self._tally = files, mapping, options, tally
        tally.fail_on = options.fail_on
        self._history = BillHistory()

    def problems(self) -> Iterator[Problem]:
        """Iterate over the problems by the rules that are not switched off."""
        for problem in self._all_problems():
            code = problem.rule.code
            if code not in self._options.off:
                self._tally.found[code, problem.column] += 1
                is_raised = code in self._options.fail_on
                yield replace(problem, rule=replace(problem.rule, severity=ERROR)) if is_raised else problem

    def _all_problems(self) -> Iterator[Problem]:
        date_format = ADVANCED_DATE_FORMAT if self._mapping is None else self._mapping.date_format
        broken: list[EciBillFileError] = []
        with self._history:
            for file in self._files:
                try:
                    for table in tables(file, date_format=date_format, unreadable=broken.append):
                        yield from _unreadable(broken)
                        yield from self._table_problems(table)
                except EciBillFileError as error:
                    broken.append(error)
                yield from _unreadable(broken)
            yield from self._history.repeated_bills()
        yield from self._missing()

    def _missing(self) -> Iterator[Problem]:
        """Compare the rows and bills of all files with the fewest there must be."""
        name = self._files[-1].name
        tally, options = self._tally, self._options
        if tally.rows < options.min_rows:
            message = f"{tally.rows:,} rows were read, at least {options.min_rows:,} must be there."
            yield Problem(RULES["too_few_rows"], name, None, None, message)
        if tally.bills < options.min_bills:
            message = f"{tally.bills:,} bills were read, at least {options.min_bills:,} must be there."
            yield Problem(RULES["too_few_bills"], name, None, None, message)

    def _table_problems(self, table: Table) -> Iterator[Problem]:
        try:
            layout = layout_for(table.header, self._mapping, file=table.name)
        except EciBillFileError as error:
            seems = header_row(table, self._mapping)
            problem = error.problem if seems is None else _HEADER_BELOW.format(seems)
            yield Problem(RULES["column_missing"], error.file, error.row, None, problem + table.sheet_note)
            return
        for code, index, message in header_faults(table.header, layout, self._mapping):
            column = None if index is None else table.header[index]
            yield Problem(RULES[code], table.name, None, column, message)
        self._history.begin_file(table.name)
        try:
            yield from TableCheck(table, layout, self._options, self._tally, self._history).problems()
        except EciBillFileError as error:
            yield from _unreadable([error])


def _unreadable(errors: list[EciBillFileError]) -> Iterator[Problem]:
    """Empty a list of errors, and iterate over them as problems."""
    while errors:
        error = errors.pop(0)
        yield Problem(RULES["file_unreadable"], error.file, error.row, None, error.problem)
