"""A bill file is read as the importer reads it, row by row, and its bytes are known."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import check_file, split_file
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.reading import header_of, tables
from eci_provider.bills.tables import Row
from tests.support.bill_files import archive, read_at_once, text, workbook


class Memory:
    """A file that lies elsewhere, as an object store's."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self._content = content

    def exists(self) -> bool:
        return True

    def open(self, mode: str) -> io.BytesIO:
        assert mode == "rb"
        return io.BytesIO(self._content)


@dataclass
class Whole:
    header: list[str]
    preamble: str
    rows: list[Row]

    @property
    def content(self) -> bytes:
        return (self.preamble + "".join(raw for _, _, raw in self.rows)).encode()


def _whole(content: bytes) -> Whole:
    (found,) = [
        Whole(table.header, table.preamble, list(table.rows())) for table in tables(Memory("a.csv", content))
    ]
    return found


def _rows(name: str, content: bytes, **arguments: str) -> dict[str, list[Row]]:
    return {table.name: list(table.rows()) for table in tables(Memory(name, content), **arguments)}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["bills.csv", "bills.DAT", "bills.txt"])
def test_text_files_with_any_line_end_and_mark(name: str, line_end: str, mark: bytes) -> None:
    content = mark + text(["Å", 'say "so",\nhere'], ["b", ""], header=["A", "B"], line_end=line_end).encode()

    whole = _whole(content)

    assert whole.header == ["A", "B"]
    assert [(number, cells) for number, cells, _ in whole.rows] == [(2, ["Å", 'say "so",\nhere']), (3, ["b", ""])]
    assert whole.content == content
    assert _rows(name, content) == {name: whole.rows}


@given(
    rows=st.lists(st.lists(st.text("aä,\"'\n\r; \ufeff", max_size=4), min_size=1, max_size=4), max_size=8),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    at_once=st.sampled_from([(1, 1), (5, 2), (32 * 1024, 96)]),
)
@settings(deadline=None, derandomize=True)
def test_no_byte_gets_lost(rows: list[list[str]], line_end: str, at_once: tuple[int, int]) -> None:
    content = text(*rows, header=["A"], line_end=line_end, quoting=csv.QUOTE_ALL).encode()

    with read_at_once(*at_once):
        whole = _whole(content)

    assert whole.content == content
    wanted = [cells if any(cell.strip() for cell in cells) else [] for cells in rows]
    assert [cells for _, cells, _ in whole.rows] == wanted


def test_rows_of_only_commas_have_no_cells_and_the_header_may_stand_below_some() -> None:
    whole = _whole(b",,\n\n A ,B,,\n , \n1,2\n")

    assert (whole.header, whole.preamble) == (["A", "B"], ",,\n\n A ,B,,\n")
    assert [(number, cells) for number, cells, _ in whole.rows] == [(4, []), (5, ["1", "2"])]


def test_a_workbook_gives_its_first_sheet_with_dates_in_the_files_format() -> None:
    content = workbook(
        ["A", "B", "C"], [77, datetime(2025, 1, 31), 2.5], [None, None, None], [" x ", date(2025, 2, 1)]
    )

    rows = _rows("bills.XLSX", content, date_format="dd/mm/yyyy")["bills.XLSX"]

    assert [cells for _, cells, _ in rows] == [["77", "31/01/2025", "2.5"], ["x", "01/02/2025"]]
    assert [number for number, _, _ in rows] == [2, 4]


def test_a_zip_gives_each_file_in_it() -> None:
    content = archive([("one.csv", b"A\n1\n"), ("folder/two.xlsx", workbook(["B"], ["2"])), ("three.txt", b"C\n")])

    found = _rows("all.zip", content)

    assert {name: [cells for _, cells, _ in rows] for name, rows in found.items()} == {
        "one.csv": [["1"]],
        "folder/two.xlsx": [["2"]],
        "three.txt": [],
    }


@pytest.mark.parametrize(
    ("name", "content", "row", "words"),
    [
        ("bills.csv", b"", None, "no header row"),
        ("bills.csv", b",,\n\n", None, "no header row"),
        ("bills.csv", b"A\ngood\nM\xfcnchen\n", 3, "not UTF-8"),
        ("bills.csv", b"\xff\xfeA\x00", 1, "not UTF-8"),
        ("bills.csv", "A,B\r\n1,2\r\n".encode("utf-16-le"), 1, "not UTF-8"),
        ("bills.csv", "A,B\r\n1,2\r\n".encode("utf-16-be"), 1, "not UTF-8"),
        ("bills.csv", b'A\n1\n"a"b\n', 3, "quote that is out of place"),
        ("bills.csv", b'A\n1\n"a"b\n' + b"1\n" * 2_200_000, 3, "quote that is out of place"),
        ("bills.csv", b'A\n1\n"never closed\n2\n', 3, "quote that is out of place"),
        ("bills.csv", b"A\n" + b"x" * 5_000_000, 2, "too long"),
        ("bills.csv", b"A\n" + b'"\n",' * 2_000_000, 2, "too long"),
        ("bills.pdf", b"%PDF", None, ".csv, .dat, .txt, .xlsx, .zip"),
        ("bills.xlsx", b"PK no workbook", None, "Excel workbook"),
        ("bills.zip", b"PK no archive", None, "not a readable ZIP"),
        ("bills.zip", archive([]), None, "no file in it"),
        ("bills.zip", archive([("a.csv", b"A\n"), ("b.pdf", b"%PDF")]), None, "'b.pdf'"),
        (
            "bills.zip",
            archive([("a.csv", b"A\n" + b"1234567\n" * 99)]).replace(b"K\x05\x06", b"K\x05\x07"),
            None,
            "ZIP",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_row(name: str, content: bytes, row: int | None, words: str) -> None:
    for at_once in ((32 * 1024, 96), (32 * 1024, 1)):
        with read_at_once(*at_once), pytest.raises(EciBillFileError) as caught:
            _rows(name, content)

        assert caught.value.row == row
    assert words in str(caught.value)
    assert not caught.value.retry_helps


def test_a_damaged_zip_is_told_where_it_shows() -> None:
    content = bytearray(archive([("a.csv", b"A\n" + b"".join(b"%d,\n" % number for number in range(99_999)))]))
    content[len(content) // 2] ^= 0xFF

    with pytest.raises(EciBillFileError, match=r"'a.csv', row \d+: it cannot be unpacked"):
        _rows("bills.zip", bytes(content))


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()

    with pytest.raises(EciBillFileError, match="no such file"):
        header_of(tmp_path / "missing.csv")
    with pytest.raises(EciBillFileError, match="a folder"):
        header_of(str(tmp_path / "folder.csv"))


def test_importing_the_package_loads_neither_airflow_nor_the_http_library_nor_openpyxl() -> None:
    script = """
import sys
import eci_provider.bills
from eci_provider.bills import *
print("\\n".join(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert "eci_provider.bills.reading" in done.stdout.split()
    assert set(done.stdout.split()).isdisjoint({"airflow", "openpyxl", "requests", "urllib3"})


@pytest.mark.parametrize("file", [None, "", " ", "None", "{{ ds }}.csv", 5])
@pytest.mark.parametrize("read", [check_file, header_of, lambda file: split_file(file, "parts")])
def test_what_names_no_file_is_refused(read: Callable[[Any], object], file: Any) -> None:
    with pytest.raises(EciValidationError, match=r"^\w+: file is .*: must "):
        read(file)


@pytest.mark.parametrize("file", [None, "", "None", 5])
def test_a_sample_file_must_be_one(file: Any) -> None:
    with pytest.raises(EciValidationError, match=r"^check_file: sample_file is .*: must "):
        check_file("bills.csv", mapping={"sample_file": file, "account_code": "Account"})
