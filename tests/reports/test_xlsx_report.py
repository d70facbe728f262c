"""A report as an Excel workbook."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from eci_provider.reports import EciReportError, write_report, xlsx_report
from tests.support.odd_values import FORMULAS, NUMBERS, ODD
from tests.support.report_rows import GROUPED, HEADER, MIXED, Rows, one_cell, read_xlsx


def test_xlsx_has_the_same_rows_and_a_summary(tmp_path: Path) -> None:
    write_report(MIXED, tmp_path / "report.xlsx")
    assert read_xlsx(tmp_path / "report.xlsx") == {
        "Summary": [
            ["File", "Message", "Rows"],
            ["b.csv", "common", 2],
            ["b.csv", "rare", 1],
            ["a.csv", "rare", 3],
            ["a.csv", "common", 2],
        ],
        "Kickouts": [HEADER, *GROUPED],
    }


@pytest.mark.parametrize("value", [*FORMULAS[:5], *NUMBERS, *ODD, "_x000D_", "#N/A", "TRUE"])
def test_xlsx_holds_every_value_as_text(value: str, tmp_path: Path) -> None:
    write_report(one_cell(value), tmp_path / "report.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "report.xlsx")["Kickouts"]["E2"]
    # What Excel shows as _x000D_ is spelled so; openpyxl shows the spelling.
    assert (cell.value or "") == value.replace("_x000D_", "_x005F_x000D_")
    assert cell.data_type == ("s" if value else "n")


def test_xlsx_leaves_out_what_no_workbook_can_hold(tmp_path: Path) -> None:
    write_report(one_cell("a\x00b\x1f\ud800c\uffff"), tmp_path / "report.xlsx")
    assert read_xlsx(tmp_path / "report.xlsx")["Kickouts"][1][4] == r"a\x00b\x1f" + "\ufffdc\ufffd"


@pytest.mark.parametrize(("value", "length"), [("x" * 40_000, 32_767), ("\U0001f600" * 20_000, 16_383)])
def test_xlsx_cuts_a_cell_at_excels_limit(value: str, length: int, tmp_path: Path) -> None:
    write_report(one_cell(value), tmp_path / "report.xlsx")
    assert read_xlsx(tmp_path / "report.xlsx")["Kickouts"][1][4] == value[:length]


def test_xlsx_goes_on_in_furtherread_xlsx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_report, "MOST_ROWS", 4)
    write_report(MIXED, tmp_path / "report.xlsx")
    sheets = read_xlsx(tmp_path / "report.xlsx")
    assert list(sheets) == ["Summary", "Summary 2", "Kickouts", "Kickouts 2", "Kickouts 3"]
    assert sheets["Kickouts"] == [HEADER, *GROUPED[:3]]
    assert sheets["Kickouts 2"] == [HEADER, *GROUPED[3:6]]
    assert sheets["Kickouts 3"] == [HEADER, *GROUPED[6:]]


def test_more_columns_than_a_workbook_has_are_refused_of_a_workbook_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_report, "MOST_COLUMNS", len(HEADER))
    write_report(MIXED, tmp_path / "report.xlsx")
    monkeypatch.setattr(xlsx_report, "MOST_COLUMNS", len(HEADER) - 1)
    with pytest.raises(EciReportError, match=r"more than 3 columns, and a workbook has no room .* \.csv or \.md"):
        write_report(MIXED, tmp_path / "other.xlsx")
    write_report(MIXED, tmp_path / "report.csv")
    write_report(MIXED, tmp_path / "report.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.csv", "report.md", "report.xlsx"]


def test_the_summary_says_where_reasons_are_corrected_if_the_words_of_one_tell(tmp_path: Path) -> None:
    rows = [("b.csv", reason, [("A", "1")]) for reason in ("Account 'A' not found", "'$5' is not a number", "?")]
    write_report(Rows(*rows), tmp_path / "report.xlsx")
    assert read_xlsx(tmp_path / "report.xlsx")["Summary"] == [
        ["File", "Message", "Rows", "Correct in"],
        ["b.csv", "Account 'A' not found", 1, "EnergyCAP"],
        ["b.csv", "'$5' is not a number", 1, "the file"],
        ["b.csv", "?", 1, "EnergyCAP or the file"],
    ]
