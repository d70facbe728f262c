"""Columns that EnergyCAP would ignore, read twice, or make accounts of are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bill_files import MAPPING, check_content, problems_in, row, text

START = ["ACCOUNT", "STARTDATE", "ENDDATE", "ACE", "METERCODE"]
CELLS = ["1001", "20250101", "20250131", "A", "M1"]
COST = "COST:USD:Charge"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["VENDORCODE", COST, "USE:KWH:Energy"], []),
        (["RATECODE", "Bill note", COST], []),
        (["*Remark", COST], []),
        (["COST:USD", COST], [("line_item_malformed", None, "COST:USD")]),
        (["USE::Energy", COST], [("line_item_malformed", None, "USE::Energy")]),
        (["Invoice Numbr", COST], [("column_misspelt", None, "Invoice Numbr")]),
        (["VENDOR", COST], [("column_misspelt", None, "VENDOR")]),
        (["Charge", COST], [("column_ignored", None, "Charge")]),
        ([COST, COST], [("column_repeated", None, COST)]),
        (["VENDORCODE", "Vendor Code", COST], [("column_repeated", None, "Vendor Code")]),
        (["VENDORCODE"], [("amounts_missing", None, None)]),
        (["PAYAMOUNT"], []),
        (["*CreateUpdateOption", COST], [("creates_accounts", None, "*CreateUpdateOption")]),
        (["* create update option", COST], [("creates_accounts", None, "* create update option")]),
    ],
)
def test_a_column_of_an_advanced_file(
    names: list[str], found: list[tuple[str, None, str | None]], tmp_path: Path
) -> None:
    content = text([*CELLS, *["1"] * len(names)], header=[*START, *names])

    assert problems_in(check_content(tmp_path, content, mapping=None)) == found


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"endDateColumnIndex": 2}, "Start"),
        ({"accountCodeColumnIndex": 2}, "Start"),
        ({"observations": [{**MAPPING["observations"][0], "columnIndex": 3}]}, "End"),
        ({"observations": [MAPPING["observations"][0], MAPPING["observations"][0]]}, "Charge"),
    ],
)
def test_a_column_that_is_mapped_twice(changed: dict[str, object], column: str, tmp_path: Path) -> None:
    found = problems_in(check_content(tmp_path, text(row()), mapping={**MAPPING, **changed}))

    assert ("column_shared", None, column) in found
    assert not [
        place for place in problems_in(check_content(tmp_path, text(row()))) if place[0] == "column_shared"
    ]
