"""A report as an Excel workbook: a summary, and a sheet with all rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO

from eci_provider.api.kickouts.reasons import NOT_KNOWN, correct_in
from eci_provider.api.kickouts.report import KickoutReport
from eci_provider.reports import workbook
from eci_provider.reports.grouping import GroupedRows, TooManyColumnsError
from eci_provider.reports.rows import LEADING, UNNAMED, Entry, Group
from eci_provider.reports.workbook import Column, Workbook

#: How wide a column of the bill file is; a longer text continues in a second line.
_NARROWEST, _WIDEST = 8, 40
#: How many rows, and characters of them, show how wide the columns must be; a cell counts as so many more.
_MOST_MEASURED_ROWS = 100
_MOST_MEASURED = 256 * 1024
_CELL = 100
#: What a header needs beside its text, for the button of the filter.
_BUTTON = 4


def write(rows: GroupedRows, title: str, noun: str, stream: BinaryIO) -> None:
    """
    Write a sheet "Summary", and one with all rows; beyond Excel's limit they continue in a further sheet.

    :param rows: the rows, grouped.
    :param title: what it is a report of; it stands above printed pages.
    :param noun: what its rows are, the name of their sheet.
    :param stream: where to; open for reading too.
    :raises TooManyColumnsError: when the rows have more columns than a sheet.
    """
    columns = rows.columns()
    most = workbook.MOST_COLUMNS - len(LEADING)
    if len(columns) > most:
        problem = f"the rows have more than {most:,} columns, and a workbook has no room for them."
        raise TooManyColumnsError(f"{problem} Let the report end in .csv or .md.")
    with Workbook(stream, title) as book:
        places = noun == KickoutReport.noun and any(correct_in(group.kind) != NOT_KNOWN for group in rows.groups())
        head = [Column("File", 40, wraps=True), Column("Message", 80, wraps=True), Column("Rows", 12)]
        book.add_sheets(
            "Summary", [*head, *([Column("Correct in", 24)] if places else [])], _summary(rows, has_places=places)
        )
        leading = _leading(rows)
        measured, entries = _measured(rows.entries())
        sheet = [*leading, *(_column(name or UNNAMED, number, measured) for number, name in columns.items())]
        names = [column.name for column in leading]
        book.add_sheets(noun, sheet, _rows(entries, names, list(columns)))


def _summary(rows: GroupedRows, *, has_places: bool) -> Iterator[list[str | int]]:
    """Iterate over the groups, with where each is corrected if that is known of any."""
    for group in rows.groups():
        yield [group.file, group.kind, group.rows, *([correct_in(group.kind)] if has_places else [])]


def _leading(rows: GroupedRows) -> list[Column]:
    """Return the columns before those of the bill file; the two that no row has a value for are left out."""
    has_numbers = has_columns = False
    for group in rows.groups():
        has_numbers, has_columns = has_numbers or group.has_numbers, has_columns or group.has_columns
    known = (
        (Column("File", 30, wraps=True), True),
        (Column("Row", 10), has_numbers),
        (Column("Column", 30, wraps=True), has_columns),
        (Column("Message", 60, wraps=True), True),
    )
    return [column for column, is_known in known if is_known]


def _measured(
    entries: Iterator[tuple[Group, Entry]],
) -> tuple[list[Entry], Iterator[tuple[Group, Entry]]]:
    """Return the first rows, and all rows: those that are still to be read are read once."""
    first: list[tuple[Group, Entry]] = []
    size = 0
    for pair in entries:
        first.append(pair)
        cells = pair[1].cells
        size += _CELL * len(cells) + sum(map(len, cells.values()))
        if len(first) >= _MOST_MEASURED_ROWS or size >= _MOST_MEASURED:
            break
    return [entry for _, entry in first], chain(first, entries)


def _column(name: str, number: int, measured: Sequence[Entry]) -> Column:
    """Return a column of the bill file, as wide as its header and its first values need."""
    longest = max((len(entry.cells.get(number, "")) for entry in measured), default=0) + 1
    width = max(len(name) + _BUTTON, longest, _NARROWEST)
    return Column(name, min(width, _WIDEST), wraps=longest > _WIDEST)


def _rows(
    entries: Iterator[tuple[Group, Entry]], leading: Sequence[str], columns: Sequence[int]
) -> Iterator[list[str | int]]:
    has_numbers, has_columns = "Row" in leading, "Column" in leading
    for group, entry in entries:
        row: list[str | int] = [group.file]
        if has_numbers:
            row.append(entry.row)
        if has_columns:
            row.append(entry.column)
        row.append(entry.message)
        value = entry.cells.get
        row += [value(column, "") for column in columns]
        yield row
