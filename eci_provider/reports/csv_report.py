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
# A spreadsheet program takes a cell for a formula that begins with one of these; in East Asia also a wide one.
_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_STARTS = (*_SIGNS, "\t", "\r", "\n")
# Where its list separator is no comma, it takes what follows one of these inside of a value for another cell.
_SEPARATOR = re.compile("([;\t|\r\n])")
_NUMBER = re.compile(r"[+-][\s\d.,']*([eE][+-]?\d+)?\s*%?", re.ASCII)


def write_csv(rows: GroupedRows, title: str, noun: str, stream: BinaryIO) -> None:
    """
    Write rows as UTF-8 without a byte order mark, as RFC 4180 says; the first line holds the columns' names.

    What a spreadsheet program would run as a formula gets an apostrophe before it, also inside of a value where it
    would begin a cell of its own; numbers do not, signs or not. Values come from bill files that others made.

    :param rows: the rows, grouped.
    :param title: what it is a report of; a table has no place for it.
    :param noun: what its rows are; likewise.
    :param stream: where to.
    """
    text = io.TextIOWrapper(stream, "utf-8", errors="replace", newline="")
    writer = csv.writer(text)
    columns = rows.columns()
    writer.writerow([*LEADING, *(name or UNNAMED for name in _harmless(list(columns.values())))])
    for group, entry in rows.entries():
        told = group.kind if entry.message is None else entry.message
        number = "" if entry.row is None else str(entry.row)
        value = entry.cells.get
        cells = [group.file, number, entry.column or "", told, *[value(column, "") for column in columns]]
        writer.writerow(_harmless(cells))
    text.flush()
    text.detach()


def _harmless(values: list[str]) -> list[str]:
    # One look at all of them, since hardly any row has a separator.
    if _SEPARATOR.search("".join(values)):
        values = [_split_harmlessly(value) for value in values]
    return [
        f"'{value}" if value.startswith(_STARTS) and not _NUMBER.fullmatch(value) else value for value in values
    ]


def _split_harmlessly(value: str) -> str:
    """Return a value with an apostrophe before each formula that follows a separator in it."""
    first, *others = _SEPARATOR.split(value)
    return first + "".join([_quoted(other) for other in others])


def _quoted(part: str) -> str:
    # Before a cell, blanks and quotes may stand that are not of it.
    text = part.lstrip(' "\xa0')
    if text.startswith(_SIGNS) and not _NUMBER.fullmatch(text.rstrip('"')):
        return f"{part[: len(part) - len(text)]}'{text}"
    return part
