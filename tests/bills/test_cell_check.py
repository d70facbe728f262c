"""Each fault of a single cell is found: amounts, dates, flags and formulas."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest

from tests.support.bill_files import (
    GOOD,
    HEADER,
    MAPPING,
    archive,
    check_content,
    problems_in,
    row,
    text,
    workbook,
)

FLAGGED = {**MAPPING, "aceFlagColumnIndex": 8, "vprFlagColumnIndex": 8, "dueDateColumnIndex": 8}


@pytest.mark.parametrize(
    ("rule", "flags"),
    [("ace_flag_unknown", ["X", "AC"]), ("vpr_flag_unknown", ["X", "A"]), ("date_unreadable", ["X", "A", "V"])],
)
def test_flags_and_further_dates(rule: str, flags: list[str], tmp_path: Path) -> None:
    rows = [row(note=flag, account=flag) for flag in ("", *sorted(flags))]

    found = problems_in(check_content(tmp_path, text(*rows), mapping=FLAGGED))

    assert [place for code, place, _ in found if code == rule] == [
        number for number, cells in enumerate(rows, start=2) if cells[7] in flags
    ]


def test_the_first_bad_amounts_of_a_row_are_reported_and_the_others_counted(tmp_path: Path) -> None:
    header = [*HEADER[:5], *[f"Amount {number}" for number in range(1, 151)]]
    observations = [
        {"columnIndex": 5 + number, "observationTypeCode": "CHG", "caption": "c", "unitCode": "USD"}
        for number in range(1, 151)
    ]
    mapping = {**MAPPING, "billNoteColumnIndex": None, "observations": observations}

    found = list(check_content(tmp_path, text([*GOOD[:5], *["x"] * 150], header=header), mapping=mapping))

    assert [problem.column for problem in found] == [*header[5:105], None]
    assert found[-1].message == "50 further amounts are not numbers."


def test_formulas_without_a_stored_result_are_reported_and_empty_results_are_not(tmp_path: Path) -> None:
    # openpyxl stores no results, as other programs do not. The note's formula has one, a text without letters.
    book = workbook(HEADER, [*row()[:5], "=2*3", "=1+1", "=A1"], row(charge="=5", note="plain", account="2"))
    files = zipfile.ZipFile(io.BytesIO(book))
    empty, result = rb'<c r="H2">(<f>A1</f>)<v ?(/>|></v>)</c>', rb'<c r="H2" t="str">\1<v></v></c>'
    sheet = [(name, re.sub(empty, result, files.read(name))) for name in files.namelist()]

    report = check_content(tmp_path, archive(sheet), "bills.xlsx")

    assert problems_in(report) == [("formula_without_value", at, "Charge") for at in (2, 3)]
    assert [problem.message for problem in report] == [
        "Its formula has no stored result (2 cells of this row have none).",
        "Its formula has no stored result.",
    ]
