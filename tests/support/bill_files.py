"""Bill files for tests, their mappings, and what a check or a split makes of them."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import openpyxl

from eci_provider.bills import CheckReport, check_file, split_file, text_file
from eci_provider.bills.reading import tables
from eci_provider.bills.tables import Row
from eci_provider.operators.bill_file import CheckBillFileOperator, SplitBillFileOperator

NYCHA = Path(__file__).parents[2] / "example_dags" / "data" / "nycha_electric_bills.csv"
#: By name, as a user writes it.
NYCHA_NAMES: dict[str, Any] = {
    "date_format": "mm/dd/yyyy",
    "account_code": "Building ID",
    "start_date": "Service Start Date",
    "end_date": "Service End Date",
    "meter_code": "Meter Number",
    "billing_period": "Revenue Month",
    "observations": [
        {"column": "KWH Charges", "observation_type_code": "CHG", "unit_code": "USD"},
        {"column": "KW Charges", "observation_type_code": "CHG", "unit_code": "USD"},
        {"column": "Other charges", "observation_type_code": "CHG", "unit_code": "USD"},
        {"column": "Consumption (KWH)", "observation_type_code": "USE", "unit_code": "kWh", "caption": "Energy"},
    ],
}
HEADER = ["Account", "Start", "End", "Vendor", "Meter", "Charge", "Energy", "Note"]
MAPPING: dict[str, Any] = {
    "dateFormat": "mm/dd/yyyy",
    "accountCodeColumnIndex": 1,
    "startDateColumnIndex": 2,
    "endDateColumnIndex": 3,
    "vendorCodeColumnIndex": 4,
    "meterCodeColumnIndex": 5,
    "billNoteColumnIndex": 8,
    "observations": [
        {"columnIndex": 6, "observationTypeCode": "CHG", "caption": "Charge", "unitCode": "USD"},
        {"columnIndex": 7, "observationTypeCode": "USE", "caption": "Energy", "unitCode": "kWh"},
    ],
}
GOOD = ["1001", "01/01/2025", "01/31/2025", "", "M1", "12.50", "100", "fine"]


def row(**changed: str) -> list[str]:
    """Return a good row, cells changed by the lower-case name of their column."""
    names = [name.lower() for name in HEADER]
    assert changed.keys() <= set(names)
    return [changed.get(name, cell) for name, cell in zip(names, GOOD, strict=True)]


def text(
    *rows: Sequence[str],
    header: Sequence[str] = HEADER,
    line_end: str = "\r\n",
    quoting: Literal[0, 1, 2, 3] = csv.QUOTE_MINIMAL,
) -> str:
    """Write rows below a header as CSV."""
    written = io.StringIO()
    csv.writer(written, lineterminator=line_end, quoting=quoting).writerows([header, *rows])
    return written.getvalue()


def workbook(*rows: Sequence[Any]) -> bytes:
    """Write rows as a workbook's first sheet, with another sheet behind it."""
    book = openpyxl.Workbook()
    for cells in rows:
        book.active.append(list(cells))
    book.create_sheet("second").append(["not", "read"])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Write a ZIP."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files:
            target.writestr(name, data)
    return written.getvalue()


def damaged_far_down(book: bytes) -> bytes:
    """Return a workbook whose sheet can be unpacked only in its first 16 to 64 KiB."""
    written = io.BytesIO()
    source = zipfile.ZipFile(io.BytesIO(book))
    # Level 0 stores: each block begins with five bytes that say how long it is.
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=0) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        sheet = target.getinfo("xl/worksheets/sheet1.xml")
    content = bytearray(written.getvalue())
    block = sheet.header_offset + 30 + len(sheet.filename)
    block += 5 + int.from_bytes(content[block + 1 : block + 3], "little")
    content[block + 3] ^= 0xFF
    return bytes(content)


def check_task(**arguments: Any) -> CheckBillFileOperator:
    """Return a task that checks a bill file."""
    return CheckBillFileOperator(task_id="check", **arguments)


def split_task(**arguments: Any) -> SplitBillFileOperator:
    """Return a task that splits a bill file."""
    return SplitBillFileOperator(task_id="split", **arguments)


def faulty_file(folder: Path) -> Path:
    """Write a file of one good bill and two that would be kicked out."""
    file = folder / "bills.csv"
    file.write_text(text(row(), row(account="2", charge="x"), row(account="3", end="31/01/2025")))
    return file


def location_digest(file: Path) -> str:
    """Return the digest of a local file's location in the names of its parts."""
    return hashlib.sha256(os.path.realpath(file).encode()).hexdigest()[:8]


def part_name(file: Path, number: int) -> str:
    """Return the name of a part of a local file."""
    return f"{file.stem}-{location_digest(file)}-{number:04}{file.suffix}"


@contextmanager
def read_at_once(characters: int, lines: int) -> Iterator[None]:
    """Read files in pieces of another size, so that small files are read in many."""
    with mock.patch.object(text_file, "BLOCK", characters), mock.patch.object(text_file, "LINES", lines):
        yield


def check_content(folder: Path, content: str | bytes, name: str = "bills.csv", **arguments: Any) -> CheckReport:
    """Write a file and return the report of its check, by :data:`MAPPING` unless another is given."""
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return check_file(file, **{"mapping": MAPPING, **arguments})


def problems_in(report: CheckReport) -> list[tuple[str, int | None, str | None]]:
    """Return the rule, the row and the column of each problem."""
    return [(problem.rule.code, problem.row, problem.column) for problem in report]


class FileInMemory:
    """A file that is not on disk, such as one in an object store; it counts how often it is opened."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self._content = content
        self.opened = 0

    def exists(self) -> bool:
        return True

    def open(self, mode: str) -> io.BytesIO:
        assert mode == "rb"
        self.opened += 1
        return io.BytesIO(self._content)


def rows_of(name: str, content: bytes, **arguments: str) -> dict[str, list[Row]]:
    """Return the rows of each table of a bill file."""
    return {table.name: list(table.rows()) for table in tables(FileInMemory(name, content), **arguments)}


def data_rows(content: bytes) -> list[list[str]]:
    """Return the rows as Python's own reader reads them, without the header and empty ones."""
    cells = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    return [found for found in cells if any(cell.strip() for cell in found)][1:]


def split_content(content: bytes, folder: str | Path, name: str = "bills.csv", **arguments: Any) -> list[Path]:
    """Write a file, split it by :data:`MAPPING` unless another is given, and return the paths of the parts."""
    file = Path(folder) / name
    file.write_bytes(content)
    parts = split_file(file, Path(folder) / "parts", **{"mapping": MAPPING, **arguments})
    return [Path(part) for part in parts]
