"""A file is checked before it leaves: every fault is found where it is, and good files are left alone."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eci_provider.api.client import EciClient
from eci_provider.api.errors import EciValidationError
from eci_provider.bills import CheckReport, check_file, mapping_from_file
from eci_provider.bills.rules import RULES
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import (
    GOOD,
    HEADER,
    MAPPING,
    NYCHA,
    NYCHA_NAMES,
    archive,
    damaged_far_down,
    read_at_once,
    row,
    text,
    workbook,
)

FLAGGED = {**MAPPING, "aceFlagColumnIndex": 8, "vprFlagColumnIndex": 8, "dueDateColumnIndex": 8}


def _report(folder: Path, content: str | bytes, name: str = "bills.csv", **arguments: Any) -> CheckReport:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return check_file(file, **{"mapping": MAPPING, **arguments})


def _found(report: CheckReport) -> list[tuple[str, int | None, str | None]]:
    return [(problem.rule.code, problem.row, problem.column) for problem in report]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([row()], []),
        ([row(charge="", energy="-.5"), row(charge="+1.", energy="1e-05")], []),
        ([row(account=" ")], [("required_empty", 2, "Account")]),
        ([row(start="")], [("required_empty", 2, "Start")]),
        ([GOOD[:2]], [("required_empty", 2, "End"), ("meter_empty", 2, "Meter")]),
        ([row(start="13/13/2025")], [("date_unreadable", 2, "Start")]),
        ([row(start="02/30/2025")], [("date_unreadable", 2, "Start")]),
        ([row(end="31/01/2025")], [("date_other_format", 2, "End")]),
        ([row(end="20250131")], [("date_other_format", 2, "End")]),
        ([row(end="12/31/2024")], [("end_before_start", 2, "End")]),
        ([row(charge="1,234.50")], [("number_unreadable", 2, "Charge")]),
        ([row(energy="$5")], [("number_unreadable", 2, "Energy")]),
        ([row(energy="nan")], [("number_unreadable", 2, "Energy")]),
        ([row(energy="Infinity")], [("number_unreadable", 2, "Energy")]),
        ([row(energy="1_000")], [("number_unreadable", 2, "Energy")]),
        ([row(energy="-", charge="$")], [("number_unreadable", 2, "Charge"), ("number_unreadable", 2, "Energy")]),
        ([row(energy="٣")], [("number_unreadable", 2, "Energy")]),
        ([row(meter="")], [("meter_empty", 2, "Meter")]),
        ([[*row(), "", " "]], []),
        ([[*row(), "more"]], [("row_wide", 2, None)]),
        ([row(end="03/04/2025")], []),
        ([row(end="03/05/2025")], [("period_long", 2, "End")]),
        ([row(), row()], [("row_duplicate", 3, None)]),
        ([row(), row(charge="2")], []),
        ([row(), [f" {cell} " for cell in row()]], [("row_duplicate", 3, None)]),
        ([row(note=""), [*row(note=""), ""], row(note="")[:7]], [("row_duplicate", at, None) for at in (3, 4)]),
        ([row(), row(charge="2"), row(charge=" 12.50"), row(note="fin e")], [("row_duplicate", 4, None)]),
        ([row(), row(start="01/31/2025", end="02/28/2025")], []),
        ([row(), row(start="01/30/2025", end="02/28/2025")], [("period_overlap", 3, "Start")]),
        ([row(), row(start="01/30/2025", end="02/28/2025", meter="M2")], []),
        (
            [
                row(end="03/01/2025"),
                row(start="01/15/2025", end="01/20/2025"),
                row(start="01/15/2025", end="01/20/2025", charge="2"),
                row(start="02/01/2025", end="02/28/2025"),
                row(start="02/27/2025", end="03/05/2025"),
                row(start="03/05/2025", end="03/31/2025"),
            ],
            [("period_overlap", number, "Start") for number in (3, 5, 6)],
        ),
        (
            [row(start="02/01/2025", end="02/28/2025"), row(), row(end="01/15/2025")],
            [("out_of_order", 3, None), ("out_of_order", 4, None), ("period_overlap", 4, "Start")],
        ),
        ([row(), row(start="01/30/2025", end="02/28/2025", vendor="V")], []),
        ([row(account="2"), row(account="10")], [("out_of_order", 3, None)]),
        ([row(vendor="B"), row(vendor="A")], [("out_of_order", 3, None)]),
        (
            [row(start="12/1/2024", end="12/31/2024"), row(start="02/1/2024", end="02/29/2024")],
            [("out_of_order", 3, None)],
        ),
        (
            [row(account="1"), row(account="2"), row(account="1", meter="M2")],
            [("out_of_order", 4, None), ("bill_torn", 4, None)],
        ),
        ([row(), [""] * 8, row(start="1/1/2025", charge="2")], []),
        (
            [row(), row(charge="2"), [], row(charge="3"), row(charge="2"), row(account="2")],
            [("row_duplicate", 6, None)],
        ),
        (
            [row(), row(account="2", start="never"), row(meter="M2")],
            [("date_unreadable", 3, "Start"), ("bill_torn", 4, None)],
        ),
    ],
)
@pytest.mark.parametrize("at_once", [(1, 1), (32 * 1024, 96)])
def test_each_fault_is_found_at_its_place(
    rows: list[list[str]], found: list[tuple[str, int, str | None]], at_once: tuple[int, int], tmp_path: Path
) -> None:
    with read_at_once(*at_once):
        assert _found(_report(tmp_path, text(*rows))) == found


@pytest.mark.parametrize(
    ("rule", "flags"),
    [("ace_flag_unknown", ["X", "AC"]), ("vpr_flag_unknown", ["X", "A"]), ("date_unreadable", ["X", "A", "V"])],
)
def test_flags_and_further_dates(rule: str, flags: list[str], tmp_path: Path) -> None:
    rows = [row(note=flag, account=flag) for flag in ("", *sorted(flags))]

    found = _found(_report(tmp_path, text(*rows), mapping=FLAGGED))

    assert [place for code, place, _ in found if code == rule] == [
        number for number, cells in enumerate(rows, start=2) if cells[7] in flags
    ]


def test_a_row_is_reported_as_the_analyst_knows_it(tmp_path: Path) -> None:
    report = _report(tmp_path, text(row(), row(charge="twelve")[:7]))

    (problem,) = report

    assert problem.cells == list(zip(HEADER, [*GOOD[:5], "twelve", "100", ""], strict=True))
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

    (problem,) = _report(tmp_path, archive([(name, text(row(charge="x")).encode())]), "bills.zip")

    assert str(problem).startswith("a\\n2026-01-01 INFO all is well\\x1b[2J\\u2028.csv, row 2, column 'Charge': ")
    assert problem.file == name


def test_formulas_without_a_stored_result_are_told_and_empty_results_are_not(tmp_path: Path) -> None:
    # openpyxl stores no results, as other programs do not. The note's formula has one, a text without letters.
    book = workbook(HEADER, [*row()[:5], "=2*3", "=1+1", "=A1"], row(charge="=5", note="plain", account="2"))
    files = zipfile.ZipFile(io.BytesIO(book))
    empty, result = rb'<c r="H2">(<f>A1</f>)<v ?(/>|></v>)</c>', rb'<c r="H2" t="str">\1<v></v></c>'
    sheet = [(name, re.sub(empty, result, files.read(name))) for name in files.namelist()]

    report = _report(tmp_path, archive(sheet), "bills.xlsx")

    assert _found(report) == [("formula_without_value", at, "Charge") for at in (2, 3)]
    assert [problem.message for problem in report] == [
        "Its formula has no stored result (2 cells of this row have none).",
        "Its formula has no stored result.",
    ]


def test_the_same_row_in_quotes_is_the_same_row(tmp_path: Path) -> None:
    content = text(row()) + text(header=row(), quoting=csv.QUOTE_ALL)

    assert _found(_report(tmp_path, content)) == [("row_duplicate", 3, None)]


def test_of_very_many_bad_amounts_in_a_row_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    header = [*HEADER[:5], *[f"Amount {number}" for number in range(1, 151)]]
    observations = [
        {"columnIndex": 5 + number, "observationTypeCode": "CHG", "caption": "c", "unitCode": "USD"}
        for number in range(1, 151)
    ]
    mapping = {**MAPPING, "billNoteColumnIndex": None, "observations": observations}

    found = list(_report(tmp_path, text([*GOOD[:5], *["x"] * 150], header=header), mapping=mapping))

    assert [problem.column for problem in found] == [*header[5:105], None]
    assert found[-1].message == "50 further amounts are not numbers."


def test_a_header_wider_than_any_spreadsheet_is_unreadable(tmp_path: Path) -> None:
    wide = [*HEADER, *["x"] * (16_384 - len(HEADER))]

    assert _found(_report(tmp_path, text(row(), header=wide))) == []
    report = _report(tmp_path, text(row(), header=[*wide, "x"]))
    assert [problem.message for problem in report] == [
        "its header names 16,385 columns, and no spreadsheet has more than 16,384."
    ]


def test_codes_are_compared_with_lists(tmp_path: Path) -> None:
    content = text(row(), row(account="2", meter="M9"), row(account="3", meter="!AUTO!"))

    accounts = _found(_report(tmp_path, content, accounts=["1001", "3"]))
    meters = _found(_report(tmp_path, content, meters=["M1"]))
    both = _found(_report(tmp_path, content, accounts={"1001": ["M2"], "2": ["M9"], "3": []}))

    numbers = _found(_report(tmp_path, content, accounts={1001: ["M1"], 2: ["M9"], 3: []}))

    assert _found(_report(tmp_path, content, accounts=[1001, " 3 "])) == accounts
    assert numbers == []
    assert accounts == [("account_unknown", 3, "Account")]
    assert meters == [("meter_unknown", 3, "Meter")]
    assert both == [("meter_unknown", 2, "Meter")]


def test_too_many_rows_and_a_bound_on_periods(tmp_path: Path) -> None:
    rows = [row(account=str(number)) for number in (1, 2, 3)]

    assert _found(_report(tmp_path, text(*rows), most_rows=2)) == [("too_many_rows", None, None)]
    assert _found(_report(tmp_path, text(*rows), most_rows=3)) == []
    long = _found(_report(tmp_path, text(*rows), longest_period=29))
    assert long == [("period_long", number, "End") for number in (2, 3, 4)]


def test_no_rule_is_switched_off_by_none(tmp_path: Path) -> None:
    report = _report(tmp_path, text(row(meter="")), rules_off=None)

    assert _found(report) == [("meter_empty", 2, "Meter")]


@pytest.mark.parametrize("content", [text(), text().rstrip(), text() + ",,,\r\n\r\n"])
def test_a_file_without_rows_is_worth_a_warning(content: str, tmp_path: Path) -> None:
    report = _report(tmp_path, content)

    assert _found(report) == [("no_rows", None, None)]
    assert (report.errors, report.warnings) == (0, 1)
    assert _found(_report(tmp_path, content, rules_off=["no_rows"])) == []


def test_a_file_without_rows_in_a_zip_is_told_by_name(tmp_path: Path) -> None:
    content = archive([("a.csv", text(row()).encode()), ("b.csv", text().encode()), ("c.xlsx", workbook(HEADER))])

    found = [(problem.rule.code, problem.file) for problem in _report(tmp_path, content, "bills.zip")]

    assert found == [("no_rows", "b.csv"), ("no_rows", "c.xlsx")]


def test_a_rule_is_switched_off(tmp_path: Path) -> None:
    report = _report(tmp_path, text(row(start="never", meter="")), rules_off=["date_unreadable"])

    assert _found(report) == [("meter_empty", 2, "Meter")]
    assert report.errors == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rules_off": ["date_unreadible"]}, "Did you mean 'date_unreadable'?"),
        ({"rules_off": 5}, "5 is not a list of rules"),
        ({"rules_off": [["a"]]}, "['a'] is not a rule"),
        ({"accounts": "1001"}, "accounts is '1001': must be a list"),
        ({"accounts": 1001}, "accounts is 1001: must be a list"),
        ({"accounts": [1001.5]}, "accounts holds 1001.5: a code must be a text or a whole number"),
        ({"accounts": {"1001": "M1"}}, "accounts['1001'] is 'M1': must be a list of codes"),
        ({"accounts": {"1001": None}}, "accounts['1001'] is None: must be a list of codes"),
        ({"accounts": {"1001": [True]}}, "accounts['1001'] holds True"),
        ({"accounts": {"1001": ["M2"]}, "meters": ["M1"]}, "meters is given, and accounts is a dict"),
        ({"meters": {"M1": 1}}, "meters is {'M1': 1}: must be a list"),
        ({"longest_period": "62"}, "longest_period is '62': must be a whole number of at least 1"),
        ({"most_rows": None}, "most_rows is None: must be a whole number of at least 1"),
        ({"most_rows": -1}, "most_rows is -1"),
        ({"mapping": {**MAPPING, "dateFormat": "x"}}, "'x'"),
    ],
)
def test_wrong_arguments_are_refused_before_the_file_is_read(
    arguments: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(EciValidationError) as caught:
        check_file(tmp_path / "missing.csv", **{"mapping": MAPPING, **arguments})

    assert words in str(caught.value)


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
def test_files_that_cannot_be_read_at_all_and_other_kinds(
    name: str, content: bytes, found: list[Any], tmp_path: Path
) -> None:
    assert _found(_report(tmp_path, content, name)) == found


def _in_zip(folder: Path, *files: list[list[str]]) -> list[tuple[str, str, int | None, str]]:
    """Check a ZIP of files, and return what is found, and in which of them."""
    names = [f"{folder_of}/bills.csv" for folder_of in "abc"]
    content = archive([(name, text(*rows).encode()) for name, rows in zip(names, files, strict=False)])
    return [
        (problem.rule.code, problem.file, problem.row, problem.message)
        for problem in _report(folder, content, "bills.zip")
    ]


@pytest.mark.parametrize("second", [row(meter="M2"), row()])
def test_a_bill_in_two_files_of_a_zip_is_torn(second: list[str], tmp_path: Path) -> None:
    found = _in_zip(tmp_path, [row(account="0"), row()], [row(account="2")], [second, row(account="3")])

    words = "It belongs to the bill of row 3 of 'a/bills.csv', another file."
    assert found == [("bill_torn", "c/bills.csv", 2, words)]


def test_a_bill_torn_within_a_file_of_a_zip_is_told_as_ever(tmp_path: Path) -> None:
    found = _in_zip(tmp_path, [row()], [row(account="2"), row(account="3"), row(account="2", meter="M2")])

    assert [place[:3] for place in found] == [("out_of_order", "b/bills.csv", 4), ("bill_torn", "b/bills.csv", 4)]
    assert found[1][3] == "It belongs to the bill of row 2; other rows lie between."


def test_files_of_a_zip_may_come_in_any_order_but_periods_of_a_meter_may_not_overlap(tmp_path: Path) -> None:
    later = row(start="01/31/2025", end="02/28/2025")
    overlapping = row(start="02/27/2025", end="03/27/2025")

    assert _in_zip(tmp_path, [later], [row()]) == []
    found = _in_zip(tmp_path, [later], [overlapping])
    assert [place[:3] for place in found] == [("period_overlap", "b/bills.csv", 2)]


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

    report = _report(tmp_path, broken, "bills.zip")
    found = [(problem.rule.code, problem.file) for problem in report]

    assert sorted(name for code, name in found if code == "file_unreadable") == [
        *("2.pdf", "3.csv", "4.xlsx", "5.csv", "6.csv", "7.csv")
    ]
    assert [place for place in found if place[0] != "file_unreadable"] == [
        ("required_empty", "8.csv"),
        ("bill_torn", "8.csv"),
    ]


@pytest.mark.parametrize("name", ["bills.xlsx", "bills.zip"])
def test_a_workbook_damaged_far_down_is_unreadable(name: str, tmp_path: Path) -> None:
    book = damaged_far_down(workbook(HEADER, *[row(account=str(number)) for number in range(10_000, 10_600)]))
    content = archive([("a.xlsx", book), ("b.csv", text(row()).encode())]) if name == "bills.zip" else book

    report = _report(tmp_path, content, name)

    assert [code for code, _, _ in _found(report)] == ["file_unreadable"]
    assert report.rows > 10


def test_what_was_checked_counts_though_the_file_breaks_off(tmp_path: Path) -> None:
    rows = [row(account=str(number)) for number in range(1000, 1300)]

    report = _report(tmp_path, text(*rows, row(account="1299", meter="M2")).encode() + b"Z\xfcrich\n")

    assert _found(report) == [("file_unreadable", 303, None)]
    assert (report.rows, report.bills) == (301, 300)


def test_names_of_a_damaged_zip_that_are_no_text_end_no_check(tmp_path: Path) -> None:
    content = archive([("März.csv", text(row()).encode())])

    report = _report(tmp_path, content.replace("ä".encode(), b"\xff\xff"), "bills.zip")

    assert _found(report) == [("file_unreadable", None, None)]


def test_a_workbook_with_a_row_below_the_last_one_is_unreadable(tmp_path: Path) -> None:
    book = workbook(HEADER, row())
    files = zipfile.ZipFile(io.BytesIO(book))
    sheet = [(name, files.read(name).replace(b'<row r="2"', b'<row r="1048577"')) for name in files.namelist()]

    report = _report(tmp_path, archive(sheet), "bills.xlsx")

    assert _found(report) == [("file_unreadable", None, None)]
    assert "1,048,576 rows" in str(next(iter(report)))


def test_the_sandbox_loses_a_bill_in_two_files_of_a_zip(tmp_path: Path) -> None:
    file = tmp_path / "bills.zip"
    files = [("a.csv", text(row(charge="5")).encode()), ("b.csv", text(row(charge="7", meter="M2")).encode())]
    file.write_bytes(archive(files))
    with Sandbox(clock="virtual") as sandbox, EciClient(sandbox.url, sandbox.api_key) as client:
        sandbox.add_account("1001", ["M1", "M2"])
        client.import_profiles.create("P", MAPPING)
        client.bill_imports.submit(file, profile_code="P")
        (kept,) = sandbox.bills()

    assert kept["cost"] == 7
    assert [problem.rule.code for problem in check_file(file, mapping=MAPPING)] == ["bill_torn"]


NAMED = {
    "header": HEADER,
    "date_format": "mm/dd/yyyy",
    "account_code": "Account",
    "start_date": "Start",
    "end_date": "End",
    "meter_code": "Meter",
    "observations": [
        {"column": "Charge", "observation_type_code": "CHG", "unit_code": "USD"},
        {"column": "Energy", "observation_type_code": "USE", "unit_code": "kWh"},
    ],
}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            ["Account", "Start", "End", "Vendor", "Meter", "Energy", "Charge", "Note"],
            "column 6 must be 'Charge' and is 'Energy'; column 7 must be 'Energy' and is 'Charge'. Bring its",
        ),
        ([*HEADER[:6], "energy"], "column 7 must be 'Energy' and is 'energy'."),
        (HEADER[:5], "column 6 must be 'Charge' and is nothing; column 7 must be 'Energy' and is nothing."),
        (["x"] * 8, "column 6 must be 'Charge' and is 'x'; and 1 more."),
    ],
)
def test_mapped_columns_of_other_names_are_missing(header: list[str], words: str, tmp_path: Path) -> None:
    content = text(row(), header=header)

    (problem,) = _report(tmp_path, content, mapping=NAMED)
    numbers = {key: value for key, value in MAPPING.items() if key != "billNoteColumnIndex"}

    assert (problem.rule.code, problem.row) == ("column_missing", None)
    assert words in problem.message
    # Numbers know no names: the width alone counts.
    by_number = {code for code, _, _ in _found(_report(tmp_path, content, mapping=numbers))}
    assert ("column_missing" in by_number) == (len(header) < 7)


@pytest.mark.parametrize(
    "header", [HEADER, [" Account ", *HEADER[1:]], ["Account", "Start", "End", "?", *HEADER[4:7], "More", "Even"]]
)
def test_names_of_other_columns_and_spaces_around_names_do_not_matter(header: list[str], tmp_path: Path) -> None:
    assert _found(_report(tmp_path, text(row(), header=header), mapping=NAMED)) == []


def test_without_a_mapping_the_file_must_be_advanced(tmp_path: Path) -> None:
    header = [
        "ACCOUNT",
        "STARTDATE",
        "ENDDATE",
        "ACE",
        "METERCODE",
        "USE:KWH:Energy",
        "*CHG:USD:Charge",
        "DUEDATE",
    ]
    rows = [["1", "20250101", "20250131", "A", "M", "x", "y", "20250230"]]

    advanced = _found(_report(tmp_path, text(*rows, header=header), mapping=None))
    other = _found(_report(tmp_path, text(), mapping=None))

    assert advanced == [("number_unreadable", 2, "USE:KWH:Energy"), ("date_unreadable", 2, "DUEDATE")]
    assert other == [("column_missing", None, None)]


def test_a_required_column_of_an_advanced_file_may_not_be_starred_out(tmp_path: Path) -> None:
    header = ["ACCOUNT", "*STARTDATE", "ENDDATE", "ACE", "METERCODE", "USE:KWH:Energy"]

    (problem,) = _report(tmp_path, text(["1", "20250101", "20250131", "A", "M", "1"], header=header), mapping=None)

    assert problem.rule.code == "column_missing"
    assert "'*STARTDATE'" in problem.message


def test_the_real_bills() -> None:
    report = check_file(NYCHA, mapping=mapping_from_file(NYCHA, **NYCHA_NAMES))

    # Building 10.0 stands below building 63.0, and RED HOOK's bill of 92 days overlaps the one before.
    assert _found(report) == [
        ("out_of_order", 24, None),
        ("period_long", 60, "Service End Date"),
        ("period_overlap", 60, "Service Start Date"),
    ]
    assert (report.rows, report.errors, report.warnings) == (59, 0, 3)


ACCOUNTS = {"1001": ["M1", "M2"], "1002": ["M3"]}
WIDE = [*HEADER, "Due", "Pay", "Flag", "Serial"]
WIDE_MAPPING = {
    **MAPPING,
    "dueDateColumnIndex": 9,
    "payAmountColumnIndex": 10,
    "aceFlagColumnIndex": 11,
    "serialNumberColumnIndex": 12,
}
DATES = [
    "01/01/2025",
    "1/31/2025",
    "02/28/2025",
    "31/01/2025",
    "20250131",
    "02/30/2025",
    "",
    "soon",
    "January 5 2025",
    "01/01/0000",
    " 01/15/2025 ",
]
AMOUNTS = [
    "",
    "0",
    "-12.50",
    "+1",
    "1.",
    ".5",
    "1e3",
    "1,000.00",
    "$5",
    "12 50",
    "nan",
    "Infinity",
    "--1",
    "x",
    ".",
]
FAULTS = {
    0: ["", "9999", " 1001 ", "1002"],
    1: DATES,
    2: DATES,
    4: ["", "M1", "M2", "M9"],
    5: AMOUNTS,
    6: AMOUNTS,
    8: DATES,
    9: AMOUNTS,
    10: ["", "A", "c", "E", "AC", "x"],
    11: ["", "M1", "M9"],
}


@st.composite
def faulty_files(draw: st.DrawFn) -> list[list[str]]:
    """Draw rows of which most are good: a fault stands beside good rows of its bill, and of others."""
    rows = []
    for number in range(draw(st.integers(1, 8))):
        account = draw(st.sampled_from(["1001", "1001", "1002"]))
        cells = [*row(account=account, meter=ACCOUNTS[account][0], note=f"n{number}"), "", "", "", ""]
        for column, values in draw(
            st.dictionaries(st.sampled_from([*FAULTS]), st.integers(0, 50), max_size=2)
        ).items():
            cells[column] = FAULTS[column][values % len(FAULTS[column])]
        rows.append(cells[: draw(st.sampled_from([12, 12, 12, 8]))])
        if draw(st.integers(0, 9)) == 0:
            rows.append(draw(st.sampled_from([[], [""] * 12, [" "]])))
    return rows


def _bill(cells: list[str]) -> tuple[str, ...]:
    plain = {"1/31/2025": "01/31/2025"}
    return cells[0].strip(), *(plain.get(cell.strip(), cell.strip()) for cell in cells[1:3]), cells[3]


def _predicted(report: CheckReport, rows: list[list[str]]) -> list[str]:
    """Return the notes of all rows whose bill has a fault that kicks it out."""
    faulty = {problem.row for problem in report if problem.rule.kicks_out}
    bills: list[list[int]] = []
    for number, cells in enumerate(rows, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if bills and _bill(rows[bills[-1][-1] - 2]) == _bill(cells):
            bills[-1].append(number)
        else:
            bills.append([number])
    return [rows[number - 2][7] for bill in bills if faulty.intersection(bill) for number in bill]


def test_the_sandbox_kicks_out_what_the_check_predicts_and_nothing_else(tmp_path: Path) -> None:
    with Sandbox(clock="virtual") as sandbox, EciClient(sandbox.url, sandbox.api_key) as client:
        for account, meters in ACCOUNTS.items():
            sandbox.add_account(account, meters)
        client.import_profiles.create("P", WIDE_MAPPING)
        seen = {True: 0, False: 0}

        @given(rows=faulty_files())
        @settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def agree(rows: list[list[str]]) -> None:
            report = _report(tmp_path, text(*rows, header=WIDE), mapping=WIDE_MAPPING, accounts=ACCOUNTS)
            predicted = _predicted(report, rows)
            guid = client.bill_imports.submit(tmp_path / "bills.csv", profile_code="P")
            kicked = [found["cells"][7] for found in sandbox.kickouts(guid)]
            assert kicked == predicted
            seen[bool(kicked)] += 1

        agree()

    assert min(seen.values()) > 50


@pytest.mark.parametrize("unknown", ["none", "10.0 - BLD 09"])
def test_the_real_bills_are_kicked_out_where_the_check_says_so(unknown: str) -> None:
    rows = list(csv.DictReader(io.StringIO(NYCHA.read_text())))
    meters: dict[str, list[str]] = {}
    for cells in rows:
        meters.setdefault(cells["Building ID"], []).append(cells["Meter Number"])
    known = {code: sorted(set(found)) for code, found in meters.items() if code != unknown}
    mapping = mapping_from_file(NYCHA, **NYCHA_NAMES)
    with Sandbox(clock="virtual") as sandbox, EciClient(sandbox.url, sandbox.api_key) as client:
        for account, numbers in known.items():
            sandbox.add_account(account, numbers)
        client.import_profiles.create("P", mapping)
        kicked = sandbox.kickouts(client.bill_imports.submit(NYCHA, profile_code="P"))

    predicted = [
        problem for problem in check_file(NYCHA, mapping=mapping, accounts=known) if problem.rule.kicks_out
    ]

    assert len(predicted) == len([cells for cells in rows if cells["Building ID"] == unknown])
    assert [[value for _, value in problem.cells] for problem in predicted] == [found["cells"] for found in kicked]
