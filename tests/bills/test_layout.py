"""The meaning of columns comes from the mapping, or from an Advanced header."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bill_files import (
    HEADER,
    MAPPING,
    check_content,
    problems_in,
    row,
    text,
)

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
        (["x"] * 6 + ["Energy", "x"], "column 6 must be 'Charge' and is 'x'."),
        (["x"] * 8, "its header has none of the names that the column mapping was made from, such as 'Account'."),
    ],
)
def test_mapped_columns_of_other_names_are_missing(header: list[str], words: str, tmp_path: Path) -> None:
    content = text(row(), header=header)

    (problem,) = check_content(tmp_path, content, mapping=NAMED)
    numbers = {key: value for key, value in MAPPING.items() if key != "billNoteColumnIndex"}

    assert (problem.rule.code, problem.row) == ("column_missing", None)
    assert words in problem.message
    # Numbers know no names: the width alone counts.
    by_number = {code for code, _, _ in problems_in(check_content(tmp_path, content, mapping=numbers))}
    assert ("column_missing" in by_number) == (len(header) < 7)


@pytest.mark.parametrize(
    "header", [HEADER, [" Account ", *HEADER[1:]], ["Account", "Start", "End", "?", *HEADER[4:7], "More", "Even"]]
)
def test_names_of_other_columns_and_spaces_around_names_do_not_matter(header: list[str], tmp_path: Path) -> None:
    assert problems_in(check_content(tmp_path, text(row(), header=header), mapping=NAMED)) == []


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

    advanced = problems_in(check_content(tmp_path, text(*rows, header=header), mapping=None))
    other = problems_in(check_content(tmp_path, text(), mapping=None))

    assert advanced == [("number_unreadable", 2, "USE:KWH:Energy"), ("date_unreadable", 2, "DUEDATE")]
    assert other == [("column_missing", None, None)]


def test_a_required_column_of_an_advanced_file_may_not_be_starred_out(tmp_path: Path) -> None:
    header = ["ACCOUNT", "*STARTDATE", "ENDDATE", "ACE", "METERCODE", "USE:KWH:Energy"]

    (problem,) = check_content(
        tmp_path, text(["1", "20250101", "20250131", "A", "M", "1"], header=header), mapping=None
    )

    assert problem.rule.code == "column_missing"
    assert "'*STARTDATE'" in problem.message
