"""A report as an Excel workbook."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from eci_provider.bills import check_file
from eci_provider.reports import EciReportError, workbook, write_report
from tests.support.odd_values import FORMULAS, NUMBERS, ODD
from tests.support.report_rows import GROUPED, HEADER, MIXED, Rows, one_cell, read_xlsx, without_unknown


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
        "Kickouts": without_unknown([HEADER, *GROUPED]),
    }


@pytest.mark.parametrize("value", [*FORMULAS[:5], *NUMBERS, *ODD, "_x000D_", "#N/A", "TRUE"])
def test_xlsx_holds_every_value_as_text(value: str, tmp_path: Path) -> None:
    write_report(one_cell(value), tmp_path / "report.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "report.xlsx")["Kickouts"]["C2"]
    # What Excel shows as _x000D_ is spelled so; openpyxl shows the spelling.
    assert (cell.value or "") == value.replace("_x000D_", "_x005F_x000D_")
    assert cell.data_type == ("s" if value else "n")


def test_xlsx_leaves_out_what_no_workbook_can_hold(tmp_path: Path) -> None:
    write_report(one_cell("a\x00b\x1f\ud800c\uffff"), tmp_path / "report.xlsx")
    assert read_xlsx(tmp_path / "report.xlsx")["Kickouts"][1][2] == r"a\x00b\x1f" + "\ufffdc\ufffd"


@pytest.mark.parametrize(("value", "length"), [("x" * 40_000, 32_767), ("\U0001f600" * 20_000, 16_383)])
def test_xlsx_cuts_a_cell_at_excels_limit(value: str, length: int, tmp_path: Path) -> None:
    write_report(one_cell(value), tmp_path / "report.xlsx")
    assert read_xlsx(tmp_path / "report.xlsx")["Kickouts"][1][2] == value[:length]


def test_xlsx_goes_on_in_further_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    write_report(MIXED, tmp_path / "report.xlsx")
    sheets = read_xlsx(tmp_path / "report.xlsx")
    assert list(sheets) == ["Summary", "Summary 2", "Kickouts", "Kickouts 2", "Kickouts 3"]
    assert sheets["Kickouts"] == without_unknown([HEADER, *GROUPED[:3]])
    assert sheets["Kickouts 2"] == without_unknown([HEADER, *GROUPED[3:6]])
    assert sheets["Kickouts 3"] == without_unknown([HEADER, *GROUPED[6:]])


def test_more_columns_than_a_workbook_has_are_refused_of_a_workbook_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_COLUMNS", len(HEADER))
    write_report(MIXED, tmp_path / "report.xlsx")
    monkeypatch.setattr(workbook, "MOST_COLUMNS", len(HEADER) - 1)
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


def _opened(
    path: Path, *columns: tuple[str, str], message: str = "no", rows: int = 1, title: str = ""
) -> Workbook:
    report = Rows(*[("bills.csv", message, columns)] * rows)
    report.title = title or report.title  # type: ignore[misc]
    write_report(report, path / "report.xlsx")
    return openpyxl.load_workbook(path / "report.xlsx")


def test_row_and_column_are_there_if_any_row_has_them(tmp_path: Path) -> None:
    bills = tmp_path / "bills.csv"
    bills.write_text(
        "ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,COST:USD:Charges\n1001,20260101,20260131,A,M-1,n/a\n"
    )
    write_report(check_file(bills), tmp_path / "check.xlsx")
    _opened(tmp_path, ("A", "1"))

    header, row, *_ = read_xlsx(tmp_path / "check.xlsx")["Problems"]
    assert header[:4] == ["File", "Row", "Column", "Message"]
    assert row[:3] == ["bills.csv", 2, "COST:USD:Charges"]
    assert read_xlsx(tmp_path / "report.xlsx")["Kickouts"][0] == ["File", "Message", "A"]


def test_each_sheet_has_a_header_that_stays_in_view_and_filters(tmp_path: Path) -> None:
    book = _opened(tmp_path, ("A", "1"), rows=3)

    assert [sheet.freeze_panes for sheet in book] == ["A2", "A2"]
    assert [sheet.auto_filter.ref for sheet in book] == ["A1:C2", "A1:C4"]
    for cell in [cell for sheet in book for cell in sheet[1]]:
        assert cell.font.bold
        assert cell.fill.fgColor.rgb == "FFE8F3EC"
    assert not book["Kickouts"]["A2"].font.bold


def test_columns_are_as_wide_as_their_header_and_their_values_need(tmp_path: Path) -> None:
    columns = [("A", "1"), ("A longer header", "1"), ("B", "x" * 25), ("C", "x " * 100)]
    sheet = _opened(tmp_path, *columns)["Kickouts"]

    widths = [sheet.column_dimensions[letter].width for letter in "CDEF"]
    assert widths == [8, 19, 26, 40]
    assert [sheet[f"{letter}2"].alignment.wrap_text for letter in "CDEF"] == [None, None, None, True]


@pytest.mark.parametrize(
    ("message", "height"),
    [("no", None), ("word " * 20, 30), ("a\nb\nc", 45), ("word " * 1000, 150), ("x" * 59, None), ("x" * 60, 30)],
)
def test_a_long_message_is_wrapped_and_its_row_high_enough(
    message: str, height: float | None, tmp_path: Path
) -> None:
    """LibreOffice shows a row as high as the file says, and else a line of it."""
    sheet = _opened(tmp_path, ("A", "1"), message=message)["Kickouts"]

    assert sheet["B2"].alignment.wrap_text is True
    assert sheet.row_dimensions[2].height == height
    assert {cell.alignment.vertical for cell in sheet[2]} == {"top"}


def test_a_printed_sheet_is_as_wide_as_the_page_and_says_what_it_is(tmp_path: Path) -> None:
    book = _opened(tmp_path, ("A", "1"), title="Kickouts of A&B <1>")

    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert (sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight) == (True, 0)
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.oddHeader.left.text == "Kickouts of A&&B <1>"


def test_measuring_stops_early_and_loses_no_row(tmp_path: Path) -> None:
    values = [str(number) for number in range(250)]
    report = Rows(*[("a.csv", "no", [("A", value), ("B", "x" * 3000)]) for value in values])
    write_report(report, tmp_path / "report.xlsx")

    assert [row[2] for row in read_xlsx(tmp_path / "report.xlsx")["Kickouts"][1:]] == values


@pytest.mark.parametrize(("number", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (16_384, "XFD")])
def test_columns_have_letters_as_in_a_spreadsheet(number: int, letters: str) -> None:
    assert workbook.column_letters(number) == letters
