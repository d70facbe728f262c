"""A file of any kind is checked, also when it cannot be read to its end."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support.bill_files import (
    HEADER,
    archive,
    check_content,
    damaged_far_down,
    problems_in,
    row,
    text,
    workbook,
)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", b"Account,Start\n1,2\n", [("column_missing", None, None)]),
        ("a.csv", text(row(note="ä")).encode("latin-1"), [("file_unreadable", 2, None)]),
        ("a.csv", b"", [("file_unreadable", None, None)]),
        ("a.zip", archive([("x.pdf", b"")]), [("file_unreadable", None, None)]),
        (
            "a.zip",
            archive([("x.csv", b"A\n"), ("y.csv", text(row(end="")).encode())]),
            [
                ("column_missing", None, None),
                ("required_empty", 2, "End"),
            ],
        ),
        (
            "a.xlsx",
            workbook(HEADER, ["1001", date(2025, 1, 1), date(2024, 1, 31), None, "M1", 5, "x", ""]),
            [
                ("end_before_start", 2, "End"),
                ("number_unreadable", 2, "Energy"),
            ],
        ),
    ],
)
def test_what_cannot_be_read_is_a_problem_of_the_file(
    name: str, content: bytes, found: list[Any], tmp_path: Path
) -> None:
    assert problems_in(check_content(tmp_path, content, name)) == found


def test_a_header_wider_than_any_spreadsheet_is_unreadable(tmp_path: Path) -> None:
    wide = [*HEADER, *["x"] * (16_384 - len(HEADER))]

    assert problems_in(check_content(tmp_path, text(row(), header=wide))) == []
    report = check_content(tmp_path, text(row(), header=[*wide, "x"]))
    assert [problem.message for problem in report] == [
        "its header names 16,385 columns, and no spreadsheet has more than 16,384."
    ]


def test_files_of_a_zip_that_cannot_be_read_do_not_hide_the_others(tmp_path: Path) -> None:
    damaged = text(*[row(account=str(number)) for number in range(2000)]).encode()
    content = archive(
        [
            ("1.csv", text(row()).encode()),
            ("2.pdf", b"%PDF"),
            ("3.csv", b"\xff\xfe\n"),
            ("4.xlsx", b"no workbook"),
            ("5.csv", text(row(account="2")).encode() + b"M\xfcnchen\n"),
            ("6.csv", damaged),
            ("7.csv", b""),
            ("8.csv", text(row(end=""), row()).encode()),
        ]
    )
    # The content of the sixth one, which is compressed.
    place = content.index(b"6.csv") + 60
    broken = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]

    report = check_content(tmp_path, broken, "bills.zip")
    found = [(problem.rule.code, problem.file) for problem in report]

    assert sorted(name for code, name in found if code == "file_unreadable") == [
        *("2.pdf", "3.csv", "4.xlsx", "5.csv", "6.csv", "7.csv")
    ]
    assert [place for place in found if place[0] != "file_unreadable"] == [
        ("required_empty", "8.csv"),
        ("bill_rebilled", "8.csv"),
    ]


@pytest.mark.parametrize("name", ["bills.xlsx", "bills.zip"])
def test_a_workbook_damaged_far_down_is_unreadable(name: str, tmp_path: Path) -> None:
    book = damaged_far_down(workbook(HEADER, *[row(account=str(number)) for number in range(10_000, 10_600)]))
    content = archive([("a.xlsx", book), ("b.csv", text(row()).encode())]) if name == "bills.zip" else book

    report = check_content(tmp_path, content, name)

    assert [code for code, _, _ in problems_in(report)] == ["file_unreadable"]
    assert report.rows > 10


def test_rows_above_an_unreadable_one_count(tmp_path: Path) -> None:
    rows = [row(account=str(number)) for number in range(1000, 1300)]

    report = check_content(tmp_path, text(*rows, row(account="1299", meter="M2")).encode() + b"Z\xfcrich\n")

    assert problems_in(report) == [("file_unreadable", 303, None)]
    assert (report.rows, report.bills) == (301, 300)


def test_undecodable_names_in_a_zip_do_not_end_the_check(tmp_path: Path) -> None:
    content = archive([("März.csv", text(row()).encode())])

    report = check_content(tmp_path, content.replace("ä".encode(), b"\xff\xff"), "bills.zip")

    assert problems_in(report) == [("file_unreadable", None, None)]


def test_a_workbook_with_a_row_below_the_last_one_is_unreadable(tmp_path: Path) -> None:
    book = workbook(HEADER, row())
    files = zipfile.ZipFile(io.BytesIO(book))
    sheet = [(name, files.read(name).replace(b'<row r="2"', b'<row r="1048577"')) for name in files.namelist()]

    report = check_content(tmp_path, archive(sheet), "bills.xlsx")

    assert problems_in(report) == [("file_unreadable", None, None)]
    assert "1,048,576 rows" in str(next(iter(report)))
