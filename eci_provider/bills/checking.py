"""A bill file checked before it leaves, by what is documented of the importer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from eci_provider.bills.bounds import ADVISED_ROWS, LONGEST_PERIOD, Bounds, checked_bounds
from eci_provider.bills.dates import ADVANCED_DATE_FORMAT
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.layout import layout_for
from eci_provider.bills.mapping import column_mapping
from eci_provider.bills.reading import tables
from eci_provider.bills.report import CheckReport, Problem, Tally
from eci_provider.bills.rules import RULES
from eci_provider.bills.seen import Seen
from eci_provider.bills.table_check import TableCheck

if TYPE_CHECKING:
    from eci_provider.api.column_mapping import ColumnMapping
    from eci_provider.api.upload import BillFile
    from eci_provider.bills.tables import Table


def check_file(
    file: BillFile,
    *,
    mapping: ColumnMapping | Mapping[str, Any] | None = None,
    accounts: Iterable[str | int] | Mapping[Any, Iterable[str | int]] | None = None,
    meters: Iterable[str | int] | None = None,
    longest_period: int = LONGEST_PERIOD,
    most_rows: int = ADVISED_ROWS,
    rules_off: Iterable[str] | None = (),
) -> CheckReport:
    """
    Check a bill file while the report is iterated over.

    Memory is constant whatever the length of the file, but for a workbook: the texts that its cells share are in
    memory while it is read, each of them once, or twice where there are formulas. What is found by comparing far
    rows is bounded in one place: an overlap is seen with one of the last 30,000 meters, which in a file in the
    documented order are all.

    :param file: the file, as for :func:`~eci_provider.bills.reading.tables`.
    :param mapping: which column is what, as :func:`~eci_provider.bills.mapping.column_mapping` takes it; without
        one the file is in Advanced format.
    :param accounts: the codes and aliases of accounts that EnergyCAP knows, or a dict of them with the codes,
        aliases and serial numbers of the meters of each; codes that are whole numbers are taken as texts.
    :param meters: the codes, aliases and serial numbers of meters that EnergyCAP knows, unless ``accounts`` is a
        dict.
    :param longest_period: above how many days a bill's period is unusual; at least 1.
    :param most_rows: above how many rows a file is too long; at least 1.
    :param rules_off: the codes of rules (:data:`~eci_provider.bills.rules.RULES`) that are switched off.
    :return: the report; nothing was read yet.
    :raises EciValidationError: when an argument is wrong.
    """
    bounds = checked_bounds(
        source="check_file",
        accounts=accounts,
        meters=meters,
        longest_period=longest_period,
        most_rows=most_rows,
        rules_off=rules_off,
    )
    known = None if mapping is None else column_mapping(mapping, source="check_file")
    return CheckReport(lambda tally: _problems(file, known, bounds, tally), file)


def _problems(file: BillFile, mapping: ColumnMapping | None, bounds: Bounds, tally: Tally) -> Iterator[Problem]:
    for problem in _all_problems(file, mapping, bounds, tally):
        code = problem.rule.code
        if code not in bounds.off:
            tally.found[code, problem.column] += 1
            yield problem


def _all_problems(
    file: BillFile, mapping: ColumnMapping | None, bounds: Bounds, tally: Tally
) -> Iterator[Problem]:
    date_format = ADVANCED_DATE_FORMAT if mapping is None else mapping.date_format
    broken: list[EciBillFileError] = []
    with Seen() as seen:
        try:
            for table in tables(file, date_format=date_format, unreadable=broken.append):
                yield from _unreadable(broken)
                yield from _table_problems(table, mapping, bounds, tally, seen)
        except EciBillFileError as error:
            broken.append(error)
        yield from _unreadable(broken)
        yield from seen.torn_bills()


def _table_problems(
    table: Table, mapping: ColumnMapping | None, bounds: Bounds, tally: Tally, seen: Seen
) -> Iterator[Problem]:
    try:
        layout = layout_for(table.header, mapping, file=table.name)
    except EciBillFileError as error:
        yield Problem(RULES["column_missing"], error.file, error.row, None, error.problem)
        return
    seen.begin_file(table.name)
    try:
        yield from TableCheck(table, layout, bounds, tally, seen).problems()
    except EciBillFileError as error:
        yield from _unreadable([error])


def _unreadable(errors: list[EciBillFileError]) -> Iterator[Problem]:
    """Iterate over the problems of files that cannot be read, and forget them."""
    while errors:
        error = errors.pop(0)
        yield Problem(RULES["file_unreadable"], error.file, error.row, None, error.problem)
