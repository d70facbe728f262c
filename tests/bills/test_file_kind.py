"""A file that is not what its name says is named for what it is."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from eci_provider.api.client import EciClient
from eci_provider.bills import EciBillFileError
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import HEADER, MAPPING, archive, check_content, row, rows_of, text, workbook

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
PROTECTED = OLE + bytes(70_000) + "EncryptedPackage".encode("utf-16-le") + bytes(100)
PAGE = b"\n<!DOCTYPE html>\n<html><body>Please, log in, again</body></html>"
GOOD = text(row()).encode()


def _encrypted() -> bytes:
    """Return a ZIP that says of its file that it is encrypted."""
    written = bytearray(archive([("a.csv", GOOD)]))
    for start, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        written[written.index(start) + at] |= 1
    return bytes(written)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bills.csv", OLE, "an old .xls workbook"),
        ("bills.xlsx", OLE, "an old .xls workbook"),
        ("bills.xlsx", PROTECTED, "password-protected"),
        ("bills.zip", _encrypted(), "password-protected"),
        ("bills.csv", PAGE, "an HTML page"),
        ("bills.xlsx", PAGE, "an HTML page"),
        ("bills.zip", PAGE, "an HTML page"),
        ("bills.csv", b"\xef\xbb\xbf<table><tr><td>1", "an HTML page"),
        ("bills.csv", gzip.compress(GOOD, mtime=0), "gzip"),
        ("bills.xlsx", gzip.compress(GOOD, mtime=0), "gzip"),
        ("bills.csv", b"%PDF-1.7", "a PDF"),
        ("bills.csv", b'<?xml version="1.0"?><Workbook/>', "an XML document"),
        ("bills.csv", b'[{"a": 1}]', "JSON"),
        ("bills.csv", workbook(HEADER, row()), "an Excel workbook or a ZIP"),
        ("bills.xlsx", GOOD, "it is text. Let its name end in .csv"),
        ("bills.csv", text(row()).encode("utf-16"), "UTF-16"),
    ],
)
def test_another_kind_of_file_is_named(name: str, content: bytes, words: str) -> None:
    with pytest.raises(EciBillFileError) as caught:
        rows_of(name, content)

    assert words in caught.value.problem
    assert "Error" not in caught.value.problem


@pytest.mark.parametrize("first", ["Postal code", "<5 kWh", "{x}", "[kWh]", "%", "\ufeff%", "Ð"])
def test_a_header_may_begin_like_another_kind_of_file(first: str) -> None:
    assert [cells for _, cells, _ in rows_of("a.csv", f"{first},B\n1,2\n".encode())["a.csv"]] == [["1", "2"]]


def test_a_damaged_workbook_is_reported_without_a_class() -> None:
    with pytest.raises(EciBillFileError) as caught:
        rows_of("bills.xlsx", archive([("x.txt", b"")]))

    assert "cannot be read as an Excel workbook" in caught.value.problem
    assert "Error" not in caught.value.problem


@pytest.mark.parametrize("mapping", [None, {"by": "name"}, {"by": "number"}])
def test_a_header_below_other_rows_is_found_and_no_cell_above_it_is_shown(
    mapping: dict[str, str] | None, tmp_path: Path
) -> None:
    above = "Customer,JANE DOE\nAddress,5 Elm St\n\nPrinted,yes\n,\n"
    content = above + text(row())
    columns: dict[str, object] | None = MAPPING
    if mapping == {"by": "name"}:
        charge = {"column": "Charge", "observation_type_code": "CHG", "unit_code": "USD"}
        columns = {"header": HEADER, "date_format": "mm/dd/yyyy", "observations": [charge]}
        columns |= {"account_code": "Account", "start_date": "Start", "end_date": "End"}
    if mapping is None:
        columns = None
        content = above + "ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,COST:USD:c\n1,20250101,20250131,A,M1,5\n"

    (problem,) = check_content(tmp_path, content, mapping=columns)

    assert problem.rule.code == "column_missing"
    assert "the header seems to stand in row 6." in problem.message
    assert not {"JANE", "DOE", "Elm"} & {*problem.message.replace(",", " ").split()}


def test_no_cell_of_rows_above_a_header_is_shown_if_there_is_no_header(tmp_path: Path) -> None:
    charge = {"column": "Charge", "observation_type_code": "CHG", "unit_code": "USD"}
    names = {"account_code": "Account", "start_date": "Start", "end_date": "End"}
    columns = {"header": HEADER, "date_format": "mm/dd/yyyy", "observations": [charge], **names}

    (problem,) = check_content(tmp_path, "Customer,JANE DOE\n1,2\n", mapping=columns)

    assert "JANE" not in str(problem)


def test_the_sheet_that_was_read_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Summary"
    book.active.append(["Total", "5"])
    book.create_sheet("Bills").append(HEADER)
    written = io.BytesIO()
    book.save(written)

    (problem,) = check_content(tmp_path, written.getvalue(), "bills.xlsx")

    assert problem.message.endswith("The sheet 'Summary', the first of 2 was read.")


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("2025-01-01", "looks like yyyy-mm-dd. Set date_format, or prepare the file."),
        ("2025/01/01", "yyyy/mm/dd"),
        ("1.1.2025", "dd.mm.yyyy"),
        ("1/1/25", "a year of two digits"),
        ("1-Jan-2025", "dd-Mon-yyyy"),
        ("45658", "as Excel counts them"),
        ("01/01/2025 00:00:00", "a date with a time"),
    ],
)
def test_a_date_of_another_format_is_named(start: str, words: str, tmp_path: Path) -> None:
    (problem,) = check_content(tmp_path, text(row(start=start)))

    assert problem.rule.code == "date_unreadable"
    assert words in problem.message


@pytest.mark.parametrize(
    ("name", "content", "is_read"),
    [
        ("a.csv", text(row(note="x" * 131_072)).encode(), True),
        ("a.csv", text(row(note="x" * 131_073)).encode(), False),
        ("a.csv", text(row(note="x" * 70_000 + "\n" + "x" * 70_000)).encode(), False),
        ("a.csv", text(row(), header=[*HEADER, *["x"] * (16_384 - 8)]).encode(), True),
        ("a.csv", text(row(), header=[*HEADER, *["x"] * (16_385 - 8)]).encode(), False),
    ],
)
def test_the_check_and_the_sandbox_have_the_same_limits(
    name: str, content: bytes, is_read: bool, tmp_path: Path
) -> None:
    limit = csv.field_size_limit()
    report = check_content(tmp_path, content, name)
    codes = [problem.rule.code for problem in report if problem.rule.code != "row_short"]
    with Sandbox(clock="virtual") as sandbox, EciClient(sandbox.url, sandbox.api_key) as client:
        sandbox.add_account("1001", ["M1"])
        client.import_profiles.create("P", MAPPING)
        client.bill_imports.submit(tmp_path / name, profile_code="P")
        bills = sandbox.bills()

    assert codes == ([] if is_read else ["file_unreadable"])
    assert len(bills) == is_read
    assert csv.field_size_limit() == limit


def test_a_limit_that_other_code_has_raised_changes_nothing(tmp_path: Path) -> None:
    before = csv.field_size_limit(10_000_000)
    try:
        (problem,) = check_content(tmp_path, text(row(note="x" * 131_073)))
    finally:
        csv.field_size_limit(before)

    assert "a cell of it has more than 131,072 characters" in problem.message


def test_a_zip_that_is_too_large_unpacked_is_refused(tmp_path: Path) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target, target.open("a.csv", "w") as file:
        for _ in range(257):
            file.write(bytes(1024 * 1024))

    (problem,) = check_content(tmp_path, written.getvalue(), "bills.zip")

    assert problem.rule.code == "file_unreadable"
    assert "more than 256 MiB" in problem.message
