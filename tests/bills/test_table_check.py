"""Each fault of a row or a bill is found where it is, and good rows are left alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from eci_provider.bills import check_file, mapping_from_file
from tests.support.bill_files import (
    GOOD,
    HEADER,
    NYCHA,
    NYCHA_NAMES,
    archive,
    check_content,
    problems_in,
    read_at_once,
    row,
    text,
    workbook,
)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([row()], []),
        ([row(charge="", energy="-.5"), row(charge="+1.", energy="1e-05", meter="M2")], []),
        ([row(account=" ")], [("required_empty", 2, "Account")]),
        ([row(start="")], [("required_empty", 2, "Start")]),
        (
            [GOOD[:2]],
            [
                ("row_short", 2, "End"),
                ("required_empty", 2, "End"),
                ("meter_empty", 2, "Meter"),
                ("amount_empty", 2, "Charge"),
            ],
        ),
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
        ([[*GOOD[:5], "12", "345", "fine", " thanks"]], [("row_wide", 2, None)]),
        ([[*GOOD[:5], "1", "234.50", "100", "fine"]], [("amount_divided", 2, "Charge")]),
        ([[*GOOD[:5], "5", "1", "234", "fine"]], [("amount_divided", 2, "Energy")]),
        ([[*GOOD[:5], "1", "234", "567.89", "100", ""]], [("amount_divided", 2, "Charge")]),
        ([[*GOOD[:5], "12", "50", "100", "fine"]], [("amount_divided", 2, "Charge")]),
        ([[*row(account=str(number)), ""] for number in (1, 2)], []),
        (
            [*([*row(account=str(number))] for number in (1, 2)), ["3", *GOOD[1:5], "1", "234.50", "100", "", ""]],
            [("amount_divided", 4, "Charge")],
        ),
        ([row()[:7]], [("row_short", 2, "Note")]),
        ([row()[:5]], [("row_short", 2, "Charge"), ("amount_empty", 2, "Charge")]),
        ([row(charge="", energy=" ")], [("amount_empty", 2, "Charge")]),
        ([row(charge="", energy="0")], []),
        ([row(end="03/04/2025")], []),
        ([row(end="03/05/2025")], [("period_long", 2, "End")]),
        ([row(), row()], [("row_duplicate", 3, None)]),
        ([row(), row(charge="2", energy="")], [("meter_summed", 3, "Charge")]),
        ([row(energy=""), row(charge="0.00")], []),
        ([row(), row(charge="2", meter="M2")], []),
        ([row(), [f" {cell} " for cell in row()]], [("row_duplicate", 3, None)]),
        (
            [row(note=""), [*row(note=""), ""], row(note="")[:7]],
            [("row_duplicate", 3, None), ("row_short", 4, "Note"), ("row_duplicate", 4, None)],
        ),
        (
            [row(), row(charge="2"), row(charge=" 12.50"), row(note="fin e")],
            [("meter_summed", 3, "Charge"), ("row_duplicate", 4, None)],
        ),
        ([row(), row(start="01/31/2025", end="02/28/2025")], []),
        ([row(), row(start="01/30/2025", end="02/28/2025")], [("period_overlap", 3, "Start")]),
        ([row(), row(start="01/30/2025", end="02/28/2025", meter="M2")], []),
        (
            [
                row(end="03/01/2025"),
                row(start="01/15/2025", end="01/20/2025"),
                row(start="01/15/2025", end="01/20/2025", meter="M2"),
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
        ([row(), [""] * 8, row(start="1/1/2025", meter="M2")], []),
        (
            [row(), row(charge="2"), [], row(charge="3"), row(charge="2"), row(account="2")],
            [("meter_summed", 3, "Charge"), ("row_duplicate", 6, None)],
        ),
        ([row(), row(account="2"), row(charge="2")], [("out_of_order", 4, None), ("bill_rebilled", 4, None)]),
        (
            [row(), row(meter="M2"), row(account="2"), row(charge="2")],
            [("out_of_order", 5, None), ("bill_meters_lost", 5, None)],
        ),
        (
            [row(), row(meter="M2"), row(account="2"), row(meter="M2"), row()],
            [("out_of_order", 5, None), ("bill_rebilled", 5, None)],
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
        assert problems_in(check_content(tmp_path, text(*rows))) == found


def test_the_same_row_in_quotes_is_the_same_row(tmp_path: Path) -> None:
    content = text(row()) + text(header=row(), quoting=csv.QUOTE_ALL)

    assert problems_in(check_content(tmp_path, content)) == [("row_duplicate", 3, None)]


def test_codes_are_compared_with_the_given_lists(tmp_path: Path) -> None:
    content = text(row(), row(account="2", meter="M9"), row(account="3", meter="!AUTO!"))

    accounts = problems_in(check_content(tmp_path, content, accounts=["1001", "3"]))
    meters = problems_in(check_content(tmp_path, content, meters=["M1"]))
    both = problems_in(check_content(tmp_path, content, accounts={"1001": ["M2"], "2": ["M9"], "3": []}))

    numbers = problems_in(check_content(tmp_path, content, accounts={1001: ["M1"], 2: ["M9"], 3: []}))

    assert problems_in(check_content(tmp_path, content, accounts=[1001, " 3 "])) == accounts
    assert numbers == []
    assert accounts == [("account_unknown", 3, "Account")]
    assert meters == [("meter_unknown", 3, "Meter")]
    assert both == [("meter_unknown", 2, "Meter")]


def test_limits_on_rows_and_periods(tmp_path: Path) -> None:
    rows = [row(account=str(number)) for number in (1, 2, 3)]

    assert problems_in(check_content(tmp_path, text(*rows), most_rows=2)) == [("too_many_rows", None, None)]
    assert problems_in(check_content(tmp_path, text(*rows), most_rows=3)) == []
    long = problems_in(check_content(tmp_path, text(*rows), longest_period=29))
    assert long == [("period_long", number, "End") for number in (2, 3, 4)]


@pytest.mark.parametrize("content", [text(), text().rstrip(), text() + ",,,\r\n\r\n"])
def test_a_file_without_rows_is_a_warning(content: str, tmp_path: Path) -> None:
    report = check_content(tmp_path, content)

    assert problems_in(report) == [("no_rows", None, None)]
    assert (report.errors, report.warnings) == (0, 1)
    assert problems_in(check_content(tmp_path, content, rules_off=["no_rows"])) == []


def test_a_file_without_rows_in_a_zip_is_named(tmp_path: Path) -> None:
    content = archive([("a.csv", text(row()).encode()), ("b.csv", text().encode()), ("c.xlsx", workbook(HEADER))])

    found = [(problem.rule.code, problem.file) for problem in check_content(tmp_path, content, "bills.zip")]

    assert found == [("no_rows", "b.csv"), ("no_rows", "c.xlsx")]


def test_real_bills() -> None:
    report = check_file(NYCHA, mapping=mapping_from_file(NYCHA, **NYCHA_NAMES))

    # Building 10.0 is below building 63.0, and RED HOOK's bill of 92 days overlaps another one.
    assert problems_in(report) == [
        # Buildings with two rows of a meter have amounts that are added up.
        ("meter_summed", 23, "Consumption (KWH)"),
        ("out_of_order", 24, None),
        # Two meters of building 10.0 have no bills for a while.
        *[("period_missing", number, "Service Start Date") for number in (45, 48)],
        ("period_long", 60, "Service End Date"),
        ("period_overlap", 60, "Service Start Date"),
    ]
    assert (report.rows, report.errors, report.warnings) == (59, 0, 6)
