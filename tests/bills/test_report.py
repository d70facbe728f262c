"""Problems are reported as an analyst reads them."""

from __future__ import annotations

from pathlib import Path

from eci_provider.bills.rules import RULES
from tests.support.bill_files import (
    GOOD,
    HEADER,
    archive,
    check_content,
    row,
    text,
)


def test_a_problem_has_the_row_and_the_report_has_the_counts(tmp_path: Path) -> None:
    report = check_content(tmp_path, text(row(), row(charge="twelve", meter="M2", note="")))

    (problem,) = report

    assert problem.cells == list(zip(HEADER, [*GOOD[:4], "M2", "twelve", "100", ""], strict=True))
    assert str(problem) == "bills.csv, row 3, column 'Charge': error number_unreadable: 'twelve' is not a number."
    assert (report.rows, report.bills, report.errors, report.warnings) == (2, 1, 1, 0)
    assert report.digest() == [
        {
            "code": "number_unreadable",
            "severity": "error",
            "column": "Charge",
            "message": RULES["number_unreadable"].sentence,
            "rows": 1,
        }
    ]


def test_a_problem_is_one_line_whatever_the_names_in_a_zip_are(tmp_path: Path) -> None:
    name = "a\n2026-01-01 INFO all is well\x1b[2J\u2028.csv"

    (problem,) = check_content(tmp_path, archive([(name, text(row(charge="x")).encode())]), "bills.zip")

    assert str(problem).startswith("a\\n2026-01-01 INFO all is well\\x1b[2J\\u2028.csv, row 2, column 'Charge': ")
    assert problem.file == name
