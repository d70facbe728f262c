"""A report as comma-separated text."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.reports import write_report
from tests.support.odd_values import FORMULAS, NUMBERS, ODD
from tests.support.report_rows import GROUPED, HEADER, MIXED, Rows, one_cell, read_csv


def test_csv_has_rows_by_file_and_message_with_all_columns(tmp_path: Path) -> None:
    write_report(MIXED, tmp_path / "report.csv")
    assert read_csv(tmp_path / "report.csv") == [HEADER, *GROUPED]


@pytest.mark.parametrize("value", FORMULAS)
def test_csv_keeps_spreadsheet_programs_from_running_a_value(value: str, tmp_path: Path) -> None:
    write_report(one_cell(value), tmp_path / "report.csv")
    assert read_csv(tmp_path / "report.csv")[1][4:] == [f"'{value}", "1"]


@pytest.mark.parametrize("value", [*NUMBERS, *ODD])
def test_csv_leaves_other_values_as_they_are(value: str, tmp_path: Path) -> None:
    write_report(one_cell(value), tmp_path / "report.csv")
    assert read_csv(tmp_path / "report.csv")[1][4:] == [value, "1"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x;=1+1", "x;'=1+1"),
        ("x; \t@SUM(A1);y", "x; \t'@SUM(A1);y"),
        ("a|+cmd", "a|'+cmd"),
        ("a\r\n=1", "a\r\n'=1"),
        ("\t=1", "'\t'=1"),
        ("-1;-2+3", "'-1;'-2+3"),
        ('x; "=1";"-5"', 'x; "\'=1";"-5"'),
        ("x;\uff0b1", "x;'\uff0b1"),
    ],
)
def test_csv_guards_what_other_list_separators_make_a_cell(value: str, shown: str, tmp_path: Path) -> None:
    write_report(one_cell(value), tmp_path / "report.csv")
    assert read_csv(tmp_path / "report.csv")[1][4:] == [shown, "1"]


def test_csv_guards_names_and_messages_too(tmp_path: Path) -> None:
    write_report(Rows(("=f", "=m", [("=c", "1")])), tmp_path / "report.csv")
    assert read_csv(tmp_path / "report.csv") == [
        ["File", "Row", "Column", "Message", "'=c"],
        ["'=f", "", "", "'=m", "1"],
    ]


def test_a_column_without_a_name_has_a_header(tmp_path: Path) -> None:
    write_report(Rows(("a.csv", "no", [("", "1")])), tmp_path / "report.csv")
    assert read_csv(tmp_path / "report.csv")[0][4:] == ["(no name)"]
