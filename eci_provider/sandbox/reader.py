"""Reader of bill files: CSV, XLSX, and ZIP files of these."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import openpyxl

EXTENSIONS = ("csv", "dat", "txt", "xlsx", "zip")
TEXT_EXTENSIONS = ("csv", "dat", "txt")
# A small upload must not unpack until memory is full.
UNPACKED_LIMIT = 256 * 1024 * 1024
CELL_LIMIT = 20_000_000
# Assumptions: a header is as wide as a spreadsheet at most, and a cell as long as Python's csv reads by default.
WIDEST_HEADER = 16_384
LONGEST_CELL = 131_072

Cell = str | date


class UnreadableFileError(Exception):
    """A file cannot be imported at all. The text becomes the task's message."""


@dataclass
class BillFile:
    """
    One file of an import; a ZIP holds several.

    :param name: file name.
    :param header: first row that is not empty.
    :param rows: further rows that are not empty. Dates of a workbook are dates.
    """

    name: str
    header: list[str]
    rows: list[list[Cell]]


def extension(file_name: str) -> str:
    """Return a file name's extension in lower case, without the dot."""
    return file_name.rpartition(".")[2].lower() if "." in file_name else ""


def read(file_name: str, data: bytes) -> list[BillFile]:
    """
    Read the file or files of an import.

    :param file_name: its extension says the format.
    :raises UnreadableFileError: if a file cannot be read.
    """
    if extension(file_name) != "zip":
        return [_read_one(file_name, data)]
    with _opened(file_name, data) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        for member in members:
            if extension(member.filename) not in (*TEXT_EXTENSIONS, "xlsx"):
                raise UnreadableFileError(f"A ZIP may hold only CSV and Excel files, not '{member.filename}'.")
        if not members:
            raise UnreadableFileError(f"The ZIP file '{file_name}' is empty.")
        return [_read_one(_flat(member.filename), _unpacked(archive, member)) for member in members]


def _flat(name: str) -> str:
    # The name of a kickout file is part of a URL path, where a slash would separate.
    return name.replace("/", "_").replace("\\", "_")


def _opened(file_name: str, data: bytes) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError) as error:
        raise UnreadableFileError(f"The file '{file_name}' could not be read: {error}.") from error
    if sum(member.file_size for member in archive.infolist()) > UNPACKED_LIMIT:
        archive.close()
        raise UnreadableFileError(f"The file '{file_name}' is too large when unpacked.")
    return archive


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(member)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        raise UnreadableFileError(f"The file '{member.filename}' could not be unpacked.") from error


def _read_one(name: str, data: bytes) -> BillFile:
    reading: Callable[[str, bytes], Iterator[list[Cell]]] = (
        _workbook_rows if extension(name) == "xlsx" else _text_rows
    )
    rows = [row for row in reading(name, data) if any(cell != "" for cell in row)]
    if not rows:
        raise UnreadableFileError(f"The file '{name}' has no header row.")
    header = [str(cell) for cell in rows[0]]
    while header and not header[-1]:
        header.pop()
    if len(header) > WIDEST_HEADER:
        raise UnreadableFileError(f"The header of the file '{name}' has more than {WIDEST_HEADER:,} columns.")
    return BillFile(name, header, rows[1:])


def _text_rows(name: str, data: bytes) -> Iterator[list[Cell]]:
    try:
        text = data.decode("utf-8-sig")
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if any(len(cell) > LONGEST_CELL for cell in row):
                raise UnreadableFileError(
                    f"The file '{name}' has a cell of more than {LONGEST_CELL:,} characters."
                )
            yield [cell.strip() for cell in row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFileError(f"The file '{name}' could not be read: {error}.") from error


def _workbook_rows(name: str, data: bytes) -> Iterator[list[Cell]]:
    """Read the first sheet only, as documented."""
    _opened(name, data).close()
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        # The size that a sheet claims may be wrong, and very large.
        sheet.reset_dimensions()
        cells = 0
        for values in sheet.iter_rows(values_only=True):
            cells += len(values)
            if cells > CELL_LIMIT:
                raise UnreadableFileError(f"The file '{name}' has too many cells.")
            yield [_workbook_cell(value) for value in values]
        book.close()
    except UnreadableFileError:
        raise
    except Exception as error:  # openpyxl raises all kinds of errors for damaged files
        raise UnreadableFileError(f"The file '{name}' could not be read as an Excel workbook.") from error


def _workbook_cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
