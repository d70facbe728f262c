"""A report as comma-separated text."""

from __future__ import annotations

import csv
import io
import re
from typing import BinaryIO

from eci_provider.reports.grouping import GroupedRows
from eci_provider.reports.rows import LEADING, UNNAMED

# A spreadsheet program takes a cell for a formula that begins with one of these; in East Asia also a wide one.
_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_STARTS = (*_SIGNS, "\t", "\r", "\n")
# Where its list separator is no comma, it takes what follows one of these inside of a value for another cell.
_SEPARATOR = re.compile("([;\t|\r\n])")
_NUMBER = re.compile(r"[+-][\s\d.,']*([eE][+-]?\d+\s*)?%?", re.ASCII)


def write(rows: GroupedRows, title: str, noun: str, stream: BinaryIO) -> None:
    """
    Write rows as UTF-8 without a byte order mark, as RFC 4180 says; the first line holds the columns' names.

    Values come from bill files that others made. An apostrophe is put before what a spreadsheet program would run
    as a formula, also inside a value where it would begin a cell of its own; numbers get none.

    :param rows: the rows, grouped.
    :param title: what it is a report of; not written.
    :param noun: what its rows are; not written.
    :param stream: where to.
    """
    text = io.TextIOWrapper(stream, "utf-8", errors="replace", newline="")
    writer = csv.writer(text)
    columns = rows.columns()
    writer.writerow([*LEADING, *(name or UNNAMED for name in _harmless(list(columns.values())))])
    for group, entry in rows.entries():
        value = entry.cells.get
        leading = [group.file, str(entry.row), entry.column, entry.message]
        writer.writerow(_harmless([*leading, *[value(column, "") for column in columns]]))
    text.flush()
    text.detach()


def _harmless(values: list[str]) -> list[str]:
    # One search in all of them, since hardly any row has a separator.
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
    # Blanks and quotes before a cell are no part of it.
    text = part.lstrip(' "\xa0')
    if text.startswith(_SIGNS) and not _NUMBER.fullmatch(text.rstrip('"')):
        return f"{part[: len(part) - len(text)]}'{text}"
    return part
