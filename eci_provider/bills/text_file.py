"""The rows of a CSV, DAT or TXT file, read in blocks of constant size."""

from __future__ import annotations

import csv
import io
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import BinaryIO

from eci_provider.bills.archive import UNPACKING_ERRORS
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.file_kind import HEAD, SUSPICIOUS, other_kind
from eci_provider.bills.opening import LONGEST_ROW, LongLineError, line_blocks
from eci_provider.bills.tables import Rows

#: The longest cell that is read, in characters: the limit of Python's csv, which EnergyCAP's sandbox has, too.
LONGEST_CELL = 131_072
#: How many characters are read at once; more only where a row is longer.
BLOCK = 32 * 1024
#: How many lines are parsed at once. Many more would keep Python's garbage collector busy.
LINES = 96
_NO_UTF_8 = "it is not UTF-8. Save the file as 'CSV UTF-8'."
_UTF_16 = "it is UTF-16 text, not UTF-8. Save the file as 'CSV UTF-8'."
_TOO_LONG = "it is too long to be a bill."
_LONG_CELL = f"a cell of it has more than {LONGEST_CELL:,} characters. Look for a quote that is out of place."
#: What csv says of a cell that is longer than its limit, which any code of the process may have set.
_FIELD_LIMIT = "field limit"
_BYTE_ORDER_MARK = "\ufeff"


def text_rows(name: str, stream: BinaryIO) -> Iterator[Rows]:
    """
    Iterate over the rows of a text file.

    :param name: the file's name.
    :param stream: its content.
    :raises EciBillFileError: at the first row that is not UTF-8, not CSV, or too long.
    """
    # Bytes that are not UTF-8 become surrogates, so that their row can be named; line ends stay as they are.
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    parser = _RowParser()
    try:
        start = text.read(1)
        mark = start if start == _BYTE_ORDER_MARK else ""
        if mark:
            start = text.read(1)
        if start in SUSPICIOUS:
            start += text.read(HEAD)
            if problem := other_kind(start.encode("utf-8", "surrogateescape"), is_text=True):
                raise EciBillFileError(problem, file=name)
        for lines in chain(_lines(text, start), ([],)):
            found = parser.parse(lines)
            if found is None:
                continue
            texts = found[2]
            if mark and texts:
                texts[0], mark = mark + texts[0], ""
            yield found
            if parser.fault:
                raise _RowError(parser.fault)
    except _RowError as error:
        raise EciBillFileError(str(error), file=name, row=parser.number) from None
    except UNPACKING_ERRORS as error:
        raise EciBillFileError(f"it cannot be unpacked ({error}).", file=name, row=parser.number) from error


class _RowError(Exception):
    """What is wrong with a row."""


def _lines(text: io.TextIOWrapper, start: str) -> Iterator[list[str]]:
    """Iterate over the lines of a text, some at a time; its start has been read."""
    try:
        for lines in line_blocks(text, BLOCK, start):
            for first in range(0, len(lines), LINES):
                yield lines[first : first + LINES]
    except LongLineError:
        raise _RowError(_TOO_LONG) from None


class _RowParser:
    """Make rows of lines; a row in quotes may span several lines, which wait here for the others."""

    def __init__(self) -> None:
        #: The number of the row that comes next.
        self.number = 1
        #: What is wrong with that row; empty where nothing is.
        self.fault = ""
        self._left: list[str] = []
        self._size, self._least = 0, 1

    def parse(self, lines: list[str]) -> Rows | None:
        """
        Return the rows that are complete; None where more lines are needed.

        :param lines: the lines that follow; none at the end of the file.
        """
        # In UTF-16 every other byte of ASCII is zero, which is a character of UTF-8.
        if self.number == 1 and lines and "\0" in lines[0]:
            raise _RowError(_UTF_16)
        if self._left:
            self._size += sum(map(len, lines))
        self._left += lines
        # A long row is not parsed again before there is twice as much of it.
        if lines and len(self._left) < self._least and self._size < LONGEST_ROW:
            return None
        found = _parsed(self._left, is_all=not lines)
        rows = self.number, found.cells, found.texts
        self.number += len(found.texts)
        self._left = self._left[found.taken :]
        self._size, self._least = sum(map(len, self._left)), 2 * len(self._left)
        self.fault = found.fault or (_TOO_LONG if self._size >= LONGEST_ROW else "")
        return rows


@dataclass
class _Parsed:
    """
    The rows of some lines.

    :param cells: the cells of each row, none where all of them are empty.
    :param texts: the text of each row.
    :param taken: how many lines they take up; the lines behind may be a row that continues.
    :param fault: what is wrong with the row behind, if anything is.
    """

    cells: list[list[str]]
    texts: list[str]
    taken: int
    fault: str = ""


def _parsed(lines: list[str], *, is_all: bool) -> _Parsed:
    """
    Return the rows of some lines.

    :param lines: whole lines; the first one begins a row.
    :param is_all: whether no more lines follow.
    """
    text = "".join(lines)
    undecoded = None if text.isascii() else _undecoded(lines, text)
    sound = lines[:undecoded]
    try:
        # Strict, so that a quote out of place is an error and not somehow read.
        found = _Parsed(list(csv.reader(sound, strict=True)), sound, len(sound))
    except csv.Error:
        found = _Parsed([], [], 0)
    if len(found.cells) != len(sound) or max(map(len, sound), default=0) > LONGEST_CELL:
        found = _parsed_one_by_one(sound, is_all=is_all and undecoded is None)
    if undecoded is not None and not found.fault:
        found.fault = _NO_UTF_8
    # No row that begins with a letter or a digit is empty.
    if not text.isascii() or min(lines, default="") < "0":
        found.cells = [row if any(map(str.strip, row)) else [] for row in found.cells]
    return found


def _undecoded(lines: list[str], text: str) -> int | None:
    """Return the index of the first line that is not UTF-8; None where all are."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return bisect(list(accumulate(map(len, lines))), error.start)
    return None


def _parsed_one_by_one(lines: list[str], *, is_all: bool) -> _Parsed:
    """Return the rows of lines where a row spans several of them, or is broken."""
    found = _Parsed([], [], 0)
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            is_long = reader.line_num - found.taken > 1 or len(lines[found.taken]) > LONGEST_CELL
            if is_long and max(map(len, row), default=0) > LONGEST_CELL:
                found.fault = _LONG_CELL
                break
            found.cells.append(row)
            found.texts.append("".join(lines[found.taken : reader.line_num]))
            found.taken = reader.line_num
    except csv.Error as error:
        if _FIELD_LIMIT in str(error):
            found.fault = _LONG_CELL
        # A row that continues behind the last line ends in an error, too.
        elif is_all or reader.line_num < len(lines):
            problem = f"it is not comma-separated text from here on ({error})."
            found.fault = f"{problem} Look for a quote that is out of place."
    return found
