"""The order of the output, the starts that follow from other bills, and rows of one meter and period."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeAlias

from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.prepare.columns import Columns
from eci_provider.bills.prepare.faults import FaultList
from eci_provider.bills.prepare.rows import OPEN_START, SEPARATOR, day_text
from eci_provider.bills.recipe.model import BillFileRecipe
from eci_provider.bills.row_sort import Mark, sorted_rows

#: A row of the output as a text: the number of the row in the source, and the cells.
Record: TypeAlias = str
#: Rows of the output, and the number of the row in the source of each.
Block: TypeAlias = "tuple[list[int], list[tuple[str, ...]]]"


def follows_other_bills(recipe: BillFileRecipe) -> bool:
    """
    Return whether a start follows from the end of the bill before.

    :param recipe: the recipe.
    """
    return any(part.start_date is not None and part.start_date.after_last_end for part in recipe.parts())


def records_of(blocks: Iterable[Block]) -> Iterator[Record]:
    """
    Iterate over rows as texts, which a sort keeps: the number of the row in the source, and the cells.

    :param blocks: the rows of the output.
    """
    for numbers, rows in blocks:
        for number, row in zip(numbers, rows, strict=True):
            yield f"{number}{SEPARATOR}{SEPARATOR.join(row)}"


def in_order(
    records: Iterable[Record], recipe: BillFileRecipe, columns: Columns, file: str
) -> Iterator[list[str]]:
    """
    Iterate over the cells of records in the documented order: account, vendor, start, end; then by meter.

    Memory is bounded. Rows of one meter and period stay in the order of the source.

    :param records: the records.
    :param recipe: the recipe.
    :param columns: the columns of the records.
    :param file: the source, for messages.
    :raises EciBillFileError: when a start is not known, or rows of one meter and period are ambiguous.
    """
    if follows_other_bills(recipe):
        records = _with_starts(records, file)
    rows = (record.split(SEPARATOR) for _, _, record in sorted_rows(_keyed(records, _bill_key)))
    return _by_period(rows, recipe, columns, file)


def _keyed(
    records: Iterable[Record], key_of: Callable[[Record], tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], Mark, str]]:
    """Iterate over records with their keys, and with their places, which keep equal ones in their order."""
    return ((key_of(record), (place, 0, 0), record) for place, record in enumerate(records))


def _bill_key(record: Record) -> tuple[str, ...]:
    _, account, start, end, _, meter, vendor, *_ = record.split(SEPARATOR, 7)
    return account, vendor, start, end, meter


def _meter_key(record: Record) -> tuple[str, ...]:
    _, account, start, end, _, meter, vendor, *_ = record.split(SEPARATOR, 7)
    return account, vendor, meter, end, start


def _with_starts(records: Iterable[Record], file: str) -> Iterator[Record]:
    """Fill in the starts that are the day after the last end of the same meter."""
    meter: tuple[str, ...] = ()
    last = start = ""
    faults = FaultList()
    for key, _, record in sorted_rows(_keyed(records, _meter_key)):
        number, account, own, end, rest = record.split(SEPARATOR, 4)
        if key[:3] != meter:
            start = own.removeprefix(OPEN_START)
            meter = key[:3]
        elif end != last:
            start = day_text(_day(last) + timedelta(days=1))
        if own.startswith(OPEN_START):
            own = start
            if not start:
                faults.add(
                    f"row {number} has the first bill of meter {key[2]!r}, with none before. Set start_date.first."
                )
            elif start > end:
                faults.add(f"row {number} ends before {start}, which start_date.first says.")
        last = end
        yield SEPARATOR.join((number, account, own, end, rest))
    if faults:
        raise EciBillFileError(f"the start of a bill is not known: {faults}.", file=file)


def _by_period(
    rows: Iterator[list[str]], recipe: BillFileRecipe, columns: Columns, file: str
) -> Iterator[list[str]]:
    """Iterate over rows, those of one meter and period joined, kept or refused as the recipe says."""
    mode = recipe.same_period
    above: list[str] | None = None
    faults = FaultList()
    for row in rows:
        number = row[0]
        cells = row[1:]
        if above is not None and _is_same(above[1:], cells):
            if mode == "fail":
                faults.add(f"rows {above[0]} and {number}")
            elif mode == "sum":
                above[1:] = _summed(above[1:], cells, columns, (above[0], number), file)
                continue
        if above is not None:
            yield above[1:]
        above = [number, *cells]
    if above is not None:
        yield above[1:]
    if faults:
        problem = (
            f"several rows have the same meter and period: {faults}. Set same_period to 'sum' or 'keep' if they "
            "add up, or leave out the rows that others replace."
        )
        raise EciBillFileError(problem, file=file)


def _is_same(one: list[str], other: list[str]) -> bool:
    # The end differs most often where the start does not.
    return one[2] == other[2] and one[:3] == other[:3] and one[4:6] == other[4:6]


def _summed(one: list[str], other: list[str], columns: Columns, numbers: tuple[str, str], file: str) -> list[str]:
    joined = [first or second for first, second in zip(one, other, strict=True)]
    for index, (first, second) in enumerate(zip(one, other, strict=True)):
        if not (first and second):
            continue
        if index in columns.numbers:
            joined[index] = format(Decimal(first) + Decimal(second), "f")
        elif first != second:
            problem = (
                f"rows {numbers[0]} and {numbers[1]} are to be summed, and differ in {columns.names[index]}. "
                "Leave that field out of the recipe, or keep the rows."
            )
            raise EciBillFileError(problem, file=file)
    return joined


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))
