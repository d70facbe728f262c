"""The table in a file that nobody has described yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time
from itertools import islice
from typing import Any

from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.prepare.cells import cell_text
from eci_provider.bills.prepare.records import (
    DELIMITERS,
    NumberedRow,
    head_rows,
    likely_encoding,
    marked_encoding,
    open_workbook,
    read_content,
    unmarked_utf_16,
)
from eci_provider.bills.proposal.columns import is_number_text, patterns_of
from eci_provider.bills.proposal.lines import Proposal, scalar
from eci_provider.core.paths import OpenablePath

#: How many rows are looked at.
_MOST_ROWS = 1000
_SHARE = 0.6


@dataclass
class FoundTable:
    """
    A table, as far as it was looked at.

    :param names: the names of its columns.
    :param header_row: the row of its header.
    :param rows: the rows below.
    :param above: the rows above that are not empty, with their numbers.
    """

    names: list[str]
    header_row: int
    rows: list[NumberedRow] = field(default_factory=list)
    above: list[NumberedRow] = field(default_factory=list)


def find_table(path: OpenablePath, name: str, proposal: Proposal) -> FoundTable:
    """
    Find the table in a file, and propose how it is read.

    :param path: the file.
    :param name: its name, for messages.
    :param proposal: gets the lines of ``source``.
    :raises EciBillFileError: when there is none, or it cannot be read.
    """
    lines: list[tuple[str, str]] = []
    head, is_workbook = read_content(path)
    rows = _sheet_rows(path, name, lines) if is_workbook else _text_rows(head, name, lines)
    filled = [(number, cells) for number, cells in rows if any(map(cell_text, cells))]
    usual = Counter(_count(cells) for _, cells in filled).most_common()
    # Of two widths that are as frequent, the wider one is the table's.
    width = max(usual, key=lambda item: (item[0] > 1, item[1], item[0]))[0] if usual else 0
    place = next(
        (
            at
            for at, (_, cells) in enumerate(filled)
            if _is_header(cells, width) and any(_is_data(below, width) for _, below in filled[at + 1 : at + 4])
        ),
        None,
    )
    if place is None:
        raise EciBillFileError("no row looks like the header of a table, with rows of values below.", file=name)
    number, header = filled[place]
    names = [" ".join(cell_text(cell).split()) for cell in header]
    if place:
        below = len(filled) - place - 1
        lines.append((f"header_row: {number}", f"its cells are names, and values follow in {below} rows below"))
    if lines:
        proposal.add("source:")
        for line, evidence in lines:
            proposal.add(f"  {line}", evidence)
    return FoundTable(names, number, filled[place + 1 :], filled[:place])


def _text_rows(head: bytes, name: str, lines: list[tuple[str, str]]) -> list[NumberedRow]:
    encoding = _encoding(head, lines)
    counted: list[tuple[int, int, str, list[NumberedRow]]] = []
    for delimiter in DELIMITERS:
        rows = head_rows(head, encoding=encoding, delimiter=delimiter, quote='"')
        widths = Counter(len(cells) for _, cells in rows if len(cells) > 1 and any(map(cell_text, cells)))
        if widths:
            width, number = widths.most_common(1)[0]
            counted.append((number, width, delimiter, rows))
    if not counted:
        raise EciBillFileError("no row has several cells, with any usual delimiter. Is it a table?", file=name)
    number, width, delimiter, rows = max(counted, key=lambda item: item[:2])
    lines.append((f"delimiter: {scalar(delimiter)}", f"{number} rows have {width} cells with it"))
    return rows[:_MOST_ROWS]


def _encoding(head: bytes, lines: list[tuple[str, str]]) -> str:
    if marked := marked_encoding(head):
        return marked
    if side := unmarked_utf_16(head):
        lines.append((f"encoding: {side}", "each other byte is zero, and there is no byte order mark"))
        return side
    try:
        # The last letter may be cut.
        head[:-4].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 8:
            encoding = likely_encoding(head) or "cp1252"
            lines.append((f"encoding: {encoding}", "it is not UTF-8; look if letters beyond ASCII are right"))
            return encoding
    return "utf-8"


def _sheet_rows(path: OpenablePath, name: str, lines: list[tuple[str, str]]) -> list[NumberedRow]:
    best: tuple[int, str, list[NumberedRow]] = (0, "", [])
    with open_workbook(path) as book:
        for number in range(1, len(book.sheets) + 1):
            try:
                sheet, found = book.records(number)
                rows = list(islice(found, _MOST_ROWS))
            except EciBillFileError:
                if number == 1:
                    raise
                break
            filled = sum(_count(cells) > 1 for _, cells in rows)
            best = max(best, (filled, sheet, rows), key=lambda item: item[0])
    if not best[0]:
        raise EciBillFileError("none of its sheets has a table.", file=name)
    if len(book.sheets) > 1:
        lines.append(
            (f"sheet: {scalar(best[1])}", f"{best[0]} of its rows have several cells, the most of all sheets")
        )
    return best[2]


def _count(cells: Iterable[Any]) -> int:
    return sum(1 for cell in cells if cell_text(cell))


def _is_header(cells: list[Any], width: int) -> bool:
    texts = [cell for cell in cells if cell_text(cell)]
    return len(texts) >= max(2, _SHARE * width) and all(
        isinstance(cell, str) and not is_number_text(cell) and not patterns_of(cell) for cell in texts
    )


def _is_data(cells: list[Any], width: int) -> bool:
    found = [cell for cell in cells if cell_text(cell)]
    return len(found) >= max(2, _SHARE * width) and any(
        isinstance(cell, (int, float, date, time)) or is_number_text(cell) or patterns_of(cell) for cell in found
    )
