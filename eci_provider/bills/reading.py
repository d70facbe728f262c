"""A bill file read as the importer reads it, row by row, in memory of constant size but for a workbook's texts."""

from __future__ import annotations

import csv
import io
import os
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, chain, count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

from eci_provider.api.upload import READABLE_EXTENSIONS, OpenablePath
from eci_provider.bills.archive import ARCHIVE, UNPACKING_ERRORS, suffix_of, unpacked_files
from eci_provider.bills.dates import ADVANCED_DATE_FORMAT
from eci_provider.bills.errors import EciBillFileError

if TYPE_CHECKING:
    from eci_provider.api.upload import BillFile
    from eci_provider.bills.archive import Unreadable

WORKBOOK = ".xlsx"
#: The longest row that is read, in characters, about; no bill comes near.
LONGEST_RECORD = 4 * 1024 * 1024
#: How many characters are read at once, and more only where a row is longer.
_BLOCK = 32 * 1024
#: How many lines become rows at once. With many more, Python's garbage collector would look through rows all the
#: time.
_LINES = 96
_NO_UTF_8 = "it is not UTF-8. Save the file as 'CSV UTF-8'."
_TOO_LONG = "it is too long to be a bill."
#: How many columns a header may name: as many as a spreadsheet has, and a report can hold.
MOST_COLUMNS = 16_384
_BYTE_ORDER_MARK = "\ufeff"

#: A row: its number, counted from 1 as a spreadsheet program does, the header and empty rows included; its cells,
#: none where all of them are empty, since the importer passes such a row over; and its text in the file, line end
#: included, whose UTF-8 is the file's bytes (empty for a workbook). A plain tuple, for there are millions.
Row: TypeAlias = "tuple[int, list[str], str]"
#: Rows that follow each other, which are quicker to read and to look at together: the number of the first, the
#: cells of each, the text of each.
Rows: TypeAlias = "tuple[int, list[list[str]], list[str]]"


class Table:
    """
    Hold a file of a bill file: itself, or one inside a ZIP. Its rows can be read once.

    :param name: the file's name.
    :param is_workbook: whether it is the first sheet of a workbook, which has no text of its own.
    :param records: all its rows, the header's among them.
    """

    def __init__(self, name: str, is_workbook: bool, records: Iterator[Rows]) -> None:
        self.name = name
        self.is_workbook = is_workbook
        #: The names of its columns: the first row that is not empty, without empty cells at its end.
        self.header: list[str] = []
        #: The text up to and including the header, a byte order mark too.
        self.preamble = ""
        for number, cells, texts in records:
            at = next((at for at, found in enumerate(cells) if found), None)
            self.preamble += "".join(texts if at is None else texts[: at + 1])
            if at is not None:
                self.header = [cell.strip() for cell in cells[at]]
                while not self.header[-1]:
                    self.header.pop()
                if len(self.header) > MOST_COLUMNS:
                    problem = f"its header names {len(self.header):,} columns, and no spreadsheet has more than "
                    raise EciBillFileError(f"{problem}{MOST_COLUMNS:,}.", file=name, row=number + at)
                rest = (number + at + 1, cells[at + 1 :], texts[at + 1 :])
                self._records = chain([rest], records)
                break
        else:
            raise EciBillFileError("it has no header row.", file=name)

    def stretches(self) -> Iterator[Rows]:
        """Iterate over the rows below the header, empty ones included, as they are read: many at a time."""
        return self._records

    def rows(self) -> Iterator[Row]:
        """Iterate over the same rows one by one."""
        return chain.from_iterable(zip(count(number), cells, texts) for number, cells, texts in self._records)


def tables(
    file: BillFile,
    *,
    date_format: str = ADVANCED_DATE_FORMAT,
    unreadable: Unreadable | None = None,
) -> Iterator[Table]:
    """
    Iterate over the files of a bill file: one, or each one in a ZIP, in their order.

    :param file: a local path, or anything with ``name``, ``exists()`` and ``open("rb")``, such as Airflow's
        ObjectStoragePath. Its extension tells how it is read, as it tells the importer.
    :param date_format: how dates of a workbook, which have no text, are written.
    :param unreadable: is told of a file in a ZIP that cannot be read, and the others are read; without it, the
        first such file ends it.
    :raises EciBillFileError: when it is missing or cannot be read, perhaps only far down in it.
    """
    path = file if isinstance(file, OpenablePath) else cast("OpenablePath", Path(cast("os.PathLike[str]", file)))
    with _opened(path, str(file)) as stream:
        if suffix_of(path.name) == ARCHIVE:
            yield from _archive_tables(path.name, stream, date_format, unreadable or _refuse)
        else:
            yield _table(path.name, stream, date_format)


def header_of(file: BillFile) -> list[str]:
    """
    Return the names of a bill file's columns; of a ZIP, those of its first file.

    :param file: as for :func:`tables`.
    :raises EciBillFileError: when it cannot be read.
    """
    return next(tables(file)).header


@contextmanager
def _opened(path: OpenablePath, shown: str) -> Iterator[BinaryIO]:
    if suffix_of(path.name) not in READABLE_EXTENSIONS:
        wanted = ", ".join(READABLE_EXTENSIONS)
        raise EciBillFileError(f"its name must end in one of {wanted}; the importer reads no other.", file=shown)
    if not path.exists():
        raise EciBillFileError("there is no such file.", file=shown)
    try:
        stream = path.open("rb")
    except IsADirectoryError:
        raise EciBillFileError("it is a folder.", file=shown) from None
    with stream:
        yield stream


def _table(name: str, stream: BinaryIO, date_format: str) -> Table:
    if suffix_of(name) == WORKBOOK:
        from eci_provider.bills.workbook import workbook_rows

        rows = workbook_rows(name, stream, date_format)
        return Table(name, True, ((number, [cells], [text]) for number, cells, text in rows))
    return Table(name, False, _text_rows(name, stream))


def _refuse(error: EciBillFileError) -> None:
    raise error


def _archive_tables(name: str, stream: BinaryIO, date_format: str, unreadable: Unreadable) -> Iterator[Table]:
    for member, unpacked in unpacked_files(name, stream, unreadable):
        try:
            table = _table(member, unpacked, date_format)
        except EciBillFileError as error:
            unreadable(error)
        except UNPACKING_ERRORS as error:
            unreadable(EciBillFileError(f"it cannot be unpacked ({error}).", file=member))
        else:
            yield table


def _text_rows(name: str, stream: BinaryIO) -> Iterator[Rows]:
    # What is not UTF-8 comes through as surrogates, so that its row can be named; line ends stay as they are.
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    number, size, least = 1, 0, 1
    left: list[str] = []
    try:
        mark, start = "", text.read(1)
        if start == _BYTE_ORDER_MARK:
            mark, start = start, ""
        for lines in chain(_lines(text, start), ([],)):
            # Every other byte of UTF-16 is zero, which would be a character of UTF-8.
            if number == 1 and lines and "\0" in lines[0]:
                raise _LineError(_NO_UTF_8)
            if left:
                size += sum(map(len, lines))
            left += lines
            # A long row is not tried again before there is twice as much of it.
            if lines and len(left) < least and size < LONGEST_RECORD:
                continue
            found = _parsed(left, is_all=not lines)
            if mark and found.texts:
                found.texts[0], mark = mark + found.texts[0], ""
            yield number, found.cells, found.texts
            number += len(found.texts)
            left = left[found.taken :]
            size, least = sum(map(len, left)), 2 * len(left)
            if not found.fault and size >= LONGEST_RECORD:
                found.fault = _TOO_LONG
            if found.fault:
                raise EciBillFileError(found.fault, file=name, row=number)
    except _LineError as error:
        raise EciBillFileError(str(error), file=name, row=number) from None
    except UNPACKING_ERRORS as error:
        raise EciBillFileError(f"it cannot be unpacked ({error}).", file=name, row=number) from error


class _LineError(Exception):
    """Tell what is wrong with a line."""


def _lines(text: io.TextIOWrapper, start: str) -> Iterator[list[str]]:
    """Iterate over the lines of a text whose start was read, some at a time."""
    left, block = start, "-"
    while block:
        block = text.read(_BLOCK)
        lines = io.StringIO(left + block, newline="").readlines()
        # The last line may go on in the next block.
        left = lines.pop() if block else ""
        for first in range(0, len(lines), _LINES):
            yield lines[first : first + _LINES]
        if len(left) >= LONGEST_RECORD:
            raise _LineError(_TOO_LONG)


@dataclass
class _Parsed:
    """
    Hold the rows of some lines.

    :param cells: the cells of each row, none where all of them are empty.
    :param texts: the text of each row.
    :param taken: how many lines they are; those behind may be a row that goes on.
    :param fault: what is wrong with the row behind, if anything is.
    """

    cells: list[list[str]]
    texts: list[str]
    taken: int
    fault: str = ""


def _parsed(lines: list[str], *, is_all: bool) -> _Parsed:
    """
    Return the rows that lines hold.

    :param lines: whole lines, the first of them a row's first.
    :param is_all: whether no more lines follow.
    """
    text = "".join(lines)
    undecoded = None if text.isascii() else _undecoded(lines, text)
    sound = lines[:undecoded]
    try:
        # Strictly, so that a quote out of place is told and not read somehow.
        found = _Parsed(list(csv.reader(sound, strict=True)), sound, len(sound))
    except csv.Error:
        found = _Parsed([], [], 0)
    if len(found.cells) != len(sound):
        found = _parsed_slowly(sound, is_all=is_all and undecoded is None)
    if undecoded is not None and not found.fault:
        found.fault = _NO_UTF_8
    # No row that begins with a letter or a digit is empty.
    if not text.isascii() or min(lines, default="") < "0":
        found.cells = [row if any(map(str.strip, row)) else [] for row in found.cells]
    return found


def _undecoded(lines: list[str], text: str) -> int | None:
    """Return which line of a text is the first that is not UTF-8; None where all are."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return bisect(list(accumulate(map(len, lines))), error.start)
    return None


def _parsed_slowly(lines: list[str], *, is_all: bool) -> _Parsed:
    """Return the same of rows some of which are of several lines, or broken."""
    found = _Parsed([], [], 0)
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            found.cells.append(row)
            found.texts.append("".join(lines[found.taken : reader.line_num]))
            found.taken = reader.line_num
    except csv.Error as error:
        # A row that goes on below the last line ends in an error, too.
        if is_all or reader.line_num < len(lines):
            problem = f"it is no comma separated text from here on ({error})."
            found.fault = f"{problem} Look for a quote that is out of place."
    return found
