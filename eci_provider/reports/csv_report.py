"""A report as comma separated text."""

from __future__ import annotations

import csv
import io
import re
from typing import BinaryIO

from eci_provider.reports.grouping import GroupedRows

#: What stands before the columns of the bill file, in every format.
LEADING = ("File", "Row", "Column", "Message")
UNNAMED = "(no name)"
# A spreadsheet program takes a cell for a formula that begins with one of these.
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-][\s\d.,']*([eE][+-]?\d+)?\s*%?", re.ASCII)


def write_csv(rows: GroupedRows, title: str, noun: str, stream: BinaryIO) -> None:
    """
    Write rows as UTF-8 without a byte order mark, as RFC 4180 says; the first line holds the columns' names.

    A cell that a spreadsheet program would run as a formula gets an apostrophe before it; numbers do not, signs or
    not. Values come from bill files that others made.

    :param rows: the rows, grouped.
    :param title: what it is a report of; a table has no place for it.
    :param noun: what its rows are; likewise.
    :param stream: where to.
    """
    text = io.TextIOWrapper(stream, "utf-8", errors="replace", newline="")
    writer = csv.writer(text)
    columns = rows.columns()
    writer.writerow([*LEADING, *(_harmless(name) or UNNAMED for name in columns.values())])
    for group, entry in rows.entries():
        told = group.kind if entry.message is None else entry.message
        number = "" if entry.row is None else str(entry.row)
        value = entry.cells.get
        writer.writerow(
            [
                _harmless(group.file),
                number,
                _harmless(entry.column or ""),
                _harmless(told),
                *[_harmless(value(column, "")) for column in columns],
            ]
        )
    text.flush()
    text.detach()


def _harmless(value: str) -> str:
    if value.startswith(_STARTS) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
