"""What stands in a report, in each format."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import check_file
from eci_provider.reports import EciReportError, grouping, write_report, xlsx_report
from tests.support.report_rows import GROUPED, HEADER, MIXED, Rows

# What a spreadsheet program would run, and what it takes for a number.
FORMULAS = ["=1+1", "+cmd|' /C calc'!A1", "-2+3", "@SUM(A1)", "\tx", "\rx", "+1 555-1234", "\uff1d1+1", "\uff201"]
NUMBERS = ["-12.5", "+5", "-1,234.50", "-1e-5", "-12.5 %", "-", "1-2", "0001", "5;-5; +7|-1", ""]
ODD = ["a|b", "a\\|b", "line\nbreak", 'a "quote", b', "<b>bold</b>", "![x](http://x)", "ümläut \U0001f600", " a "]


def _read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _sheets(path: Path) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(path)
    return {
        sheet.title: [["" if cell is None else cell for cell in row] for row in sheet.values] for sheet in book
    }


def _one_cell(value: str) -> Rows:
    return Rows(("a.csv", "no", [("A", value), ("B", "1")]))


def test_csv_has_rows_by_file_and_message_with_all_columns(tmp_path: Path) -> None:
    write_report(MIXED, tmp_path / "report.csv")
    assert _read(tmp_path / "report.csv") == [HEADER, *GROUPED]


def test_xlsx_has_the_same_rows_and_a_summary(tmp_path: Path) -> None:
    write_report(MIXED, tmp_path / "report.xlsx")
    assert _sheets(tmp_path / "report.xlsx") == {
        "Summary": [
            ["File", "Message", "Rows"],
            ["b.csv", "common", 2],
            ["b.csv", "rare", 1],
            ["a.csv", "rare", 3],
            ["a.csv", "common", 2],
        ],
        "Kickouts": [HEADER, *GROUPED],
    }


def test_md_has_a_summary_and_a_table_for_each_file_and_message(tmp_path: Path) -> None:
    write_report(MIXED, tmp_path / "report.md")
    assert (tmp_path / "report.md").read_text() == (
        "# Kickouts of import 1\n\nKickouts: 8\n\n"
        "| File | Message | Rows |\n| --- | --- | ---: |\n"
        "| b.csv | common | 2 |\n| b.csv | rare | 1 |\n| a.csv | rare | 3 |\n| a.csv | common | 2 |\n"
        "\n## b.csv\n\n### common (2)\n\n"
        "| A | Use | Use |\n| --- | --- | --- |\n| 6 | 7 | 8 |\n| 11 | 12 | 13 |\n"
        "\n### rare (1)\n\n| A | Use | Use |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n"
        "\n## a.csv\n\n### rare (3)\n\n"
        "| A | New |\n| --- | --- |\n| 9 | 10 |\n| 16 |  |\n| 17 |  |\n"
        "\n### common (2)\n\n| A | New |\n| --- | --- |\n| 4 | 5 |\n| 15 | 14 |\n"
    )


def test_the_sums_are_returned(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    assert write_report(MIXED, str(path), "csv") == {
        "path": str(path),
        "format": "csv",
        "rows": 8,
        "messages": [{"message": "rare", "rows": 4}, {"message": "common", "rows": 4}],
        "files": [{"file": "a.csv", "rows": 5}, {"file": "b.csv", "rows": 3}],
    }


def test_a_report_without_rows_is_one(tmp_path: Path) -> None:
    for name in ("csv", "xlsx", "md"):
        done = write_report(Rows(), tmp_path / f"report.{name}")
        assert (done["rows"], done["messages"], done["files"]) == (0, [], [])
    assert _read(tmp_path / "report.csv") == [["File", "Row", "Column", "Message"]]
    assert _sheets(tmp_path / "report.xlsx")["Kickouts"] == [["File", "Row", "Column", "Message"]]
    assert (tmp_path / "report.md").read_text() == "# Kickouts of import 1\n\nKickouts: 0\n"


def test_messages_without_rows_stand_in_the_summary(tmp_path: Path) -> None:
    write_report(Rows(without_rows=["never"]), tmp_path / "report.xlsx")
    write_report(Rows(without_rows=["never"]), tmp_path / "report.md")
    assert _sheets(tmp_path / "report.xlsx")["Summary"][1:] == [["", "never", 0]]
    assert "|  | never | 0 |\n" in (tmp_path / "report.md").read_text()


# Values that others made


@pytest.mark.parametrize("value", FORMULAS)
def test_csv_keeps_spreadsheet_programs_from_running_a_value(value: str, tmp_path: Path) -> None:
    write_report(_one_cell(value), tmp_path / "report.csv")
    assert _read(tmp_path / "report.csv")[1][4:] == [f"'{value}", "1"]


@pytest.mark.parametrize("value", [*NUMBERS, *ODD])
def test_csv_leaves_other_values_as_they_are(value: str, tmp_path: Path) -> None:
    write_report(_one_cell(value), tmp_path / "report.csv")
    assert _read(tmp_path / "report.csv")[1][4:] == [value, "1"]


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
    write_report(_one_cell(value), tmp_path / "report.csv")
    assert _read(tmp_path / "report.csv")[1][4:] == [shown, "1"]


def test_csv_guards_names_and_messages_too(tmp_path: Path) -> None:
    write_report(Rows(("=f", "=m", [("=c", "1")])), tmp_path / "report.csv")
    assert _read(tmp_path / "report.csv") == [
        ["File", "Row", "Column", "Message", "'=c"],
        ["'=f", "", "", "'=m", "1"],
    ]


@pytest.mark.parametrize("value", [*FORMULAS[:5], *NUMBERS, *ODD, "_x000D_", "#N/A", "TRUE"])
def test_xlsx_holds_every_value_as_text(value: str, tmp_path: Path) -> None:
    write_report(_one_cell(value), tmp_path / "report.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "report.xlsx")["Kickouts"]["E2"]
    # What Excel shows as _x000D_ is spelled so; openpyxl shows the spelling.
    assert (cell.value or "") == value.replace("_x000D_", "_x005F_x000D_")
    assert cell.data_type == ("s" if value else "n")


def test_xlsx_leaves_out_what_no_workbook_can_hold(tmp_path: Path) -> None:
    write_report(_one_cell("a\x00b\x1f\ud800c\uffff"), tmp_path / "report.xlsx")
    assert _sheets(tmp_path / "report.xlsx")["Kickouts"][1][4] == "a\ufffdb\ufffd\ufffdc\ufffd"


@pytest.mark.parametrize(("value", "length"), [("x" * 40_000, 32_767), ("\U0001f600" * 20_000, 16_383)])
def test_xlsx_cuts_a_cell_at_excels_limit(value: str, length: int, tmp_path: Path) -> None:
    write_report(_one_cell(value), tmp_path / "report.xlsx")
    assert _sheets(tmp_path / "report.xlsx")["Kickouts"][1][4] == value[:length]


def test_xlsx_goes_on_in_further_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_report, "MOST_ROWS", 4)
    write_report(MIXED, tmp_path / "report.xlsx")
    sheets = _sheets(tmp_path / "report.xlsx")
    assert list(sheets) == ["Summary", "Summary 2", "Kickouts", "Kickouts 2", "Kickouts 3"]
    assert sheets["Kickouts"] == [HEADER, *GROUPED[:3]]
    assert sheets["Kickouts 2"] == [HEADER, *GROUPED[3:6]]
    assert sheets["Kickouts 3"] == [HEADER, *GROUPED[6:]]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a|b", "a\\|b"),
        ("a\\|b", "a\\\\\\|b"),
        ("line\nbreak\r\nand", "line<br>break<br>and"),
        ("<script>", "&lt;script&gt;"),
        ("![x](http://x)", "!\\[x\\](http\\://x)"),
        ("_A1_ __b__ A_1", "\\_A1\\_ \\_\\_b\\_\\_ A_1"),
        ("~~M~~ $x$", "\\~\\~M\\~\\~ \\$x\\$"),
        ("https://x.y WWW.x.y", "https\\://x.y WWW\\.x.y"),
        ("a & b &amp;", "a & b &amp;amp;"),
        ("half \ud800", "half ?"),
    ],
)
def test_md_shows_a_value_and_does_nothing_else_with_it(value: str, shown: str, tmp_path: Path) -> None:
    write_report(Rows((value, value, [(value, value)])), tmp_path / "report.md")
    lines = (tmp_path / "report.md").read_text(encoding="utf-8").split("\n")
    assert lines[-4:] == [f"| {shown} |", "| --- |", f"| {shown} |", ""]
    assert lines[8] == f"## {shown.replace('<br>', ' ')}"
    assert len(lines) == 16


def test_a_column_without_a_name_has_a_header(tmp_path: Path) -> None:
    write_report(Rows(("a.csv", "no", [("", "1")])), tmp_path / "report.csv")
    assert _read(tmp_path / "report.csv")[0][4:] == ["(no name)"]


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


def test_more_columns_than_a_report_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST_COLUMNS", 3)
    with pytest.raises(EciReportError, match=r"more than 3 columns, more than a report can have\."):
        write_report(MIXED, tmp_path / "report.csv")
    assert list(tmp_path.iterdir()) == []


def test_many_messages_and_headers_are_told_apart_when_they_are_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "_CACHED_KINDS", 2)
    rows = [("a.csv", f"message {number % 5}", [(f"C{number % 70}", str(number))]) for number in range(350)]
    done = write_report(Rows(*rows), tmp_path / "report.csv")
    assert [item["rows"] for item in done["messages"]] == [70] * 5
    _, *lines = _read(tmp_path / "report.csv")
    assert sorted(int("".join(line[4:])) for line in lines) == list(range(350))
    assert all(line[4:].count("") == 69 for line in lines)


# What a check found


def test_a_check_of_a_bill_file_has_the_same_form(tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(
        "ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,COST:USD:Total\n"
        "1001,20260101,20260131,A,M1,5\n1002,20260101,2026x,A,M2,5\n,20260101,20260131,Q,M3,5\n"
    )
    done = write_report(check_file(file), tmp_path / "report.csv")

    header, *rows = _read(tmp_path / "report.csv")
    assert header[:4] == ["File", "Row", "Column", "Message"]
    assert header[4:] == ["ACCOUNT", "STARTDATE", "ENDDATE", "ACE", "METERCODE", "COST:USD:Total"]
    told = {(row[0], row[1], row[2], row[3].split(":")[0], row[4]) for row in rows}
    assert ("bills.csv", "3", "ENDDATE", "error date_unreadable", "1002") in told
    assert ("bills.csv", "4", "ACCOUNT", "error required_empty", "") in told
    severities = [row[3].split()[0] for row in rows]
    assert severities == sorted(severities)
    assert done["rows"] == len(rows)


# Formats and paths


@pytest.mark.parametrize(
    ("path", "format", "said"),
    [
        ("report", None, "path is 'report': must end in .csv, .xlsx or .md"),
        ("report.pdf", None, "must end in .csv, .xlsx or .md"),
        ("report.csv", "pdf", "format is 'pdf': must be one of 'csv', 'xlsx', 'md'"),
        ("report.csv", "CSV", "format is 'CSV'"),
        ("report.csv", "xlsx", "format is 'xlsx', but path is 'report.csv': let it end in .xlsx"),
        ("", "csv", "must name the file"),
        ("None", "csv", "must name the file"),
        ("folder/", "csv", "must name the file"),
    ],
)
def test_a_path_that_does_not_fit_is_refused(path: str, format: str | None, said: str) -> None:
    with pytest.raises(EciValidationError, match=said):
        write_report(MIXED, path, format)


@pytest.mark.parametrize(("name", "format"), [("r.CSV", "csv"), ("r.markdown", "md"), ("r.xlsx", "xlsx")])
def test_the_extension_tells_the_format(name: str, format: str, tmp_path: Path) -> None:
    assert write_report(Rows(), tmp_path / name)["format"] == format
