"""A sort changes no money: where the order decides what a bill is, it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.client import EciClient
from eci_provider.bills import EciBillFileError
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import MAPPING, check_content, data_rows, row, split_content, text

FLAGGED = {**MAPPING, "aceFlagColumnIndex": 8}
INVOICES = {**MAPPING, "billNoteColumnIndex": None, "invoiceNumberColumnIndex": 8}
FEBRUARY = row(start="02/01/2025", end="02/28/2025", note="")


def _imported(file: Path, mapping: dict[str, Any] = MAPPING) -> list[tuple[str, float]]:
    """Return the end and the cost of the bills that the sandbox makes of a file."""
    with Sandbox(clock="virtual") as sandbox, EciClient(sandbox.url, sandbox.api_key) as client:
        sandbox.add_account("1001", ["M1", "M2"])
        client.import_profiles.create("P", mapping)
        client.bill_imports.submit(file, profile_code="P")
        return sorted((bill["end"], bill["cost"]) for bill in sandbox.bills())


@pytest.mark.parametrize(
    ("rows", "mapping"),
    [
        ([row(), FEBRUARY, row(charge="10.00")], MAPPING),
        ([row(), FEBRUARY, row()], MAPPING),
        ([row(note="A"), FEBRUARY, row(note="C", charge="-2", meter="M2")], FLAGGED),
        ([row(note="17"), FEBRUARY, row(note="18", meter="M2")], INVOICES),
        ([row(), row(meter="M2"), FEBRUARY, row(charge="10.00")], MAPPING),
    ],
)
def test_a_rebill_is_not_sorted_into_the_bill_that_it_replaces(
    rows: list[list[str]], mapping: dict[str, Any], tmp_path: Path
) -> None:
    codes = {problem.rule.code for problem in check_content(tmp_path, text(*rows), mapping=mapping)}

    assert codes & {"bill_rebilled", "bill_meters_lost", "correction_added"}
    assert "bill_torn" not in codes
    with pytest.raises(EciBillFileError, match=r"cannot be sorted.*account and the dates of row 2"):
        split_content(text(*rows).encode(), tmp_path, mapping=mapping, sort=True)


def test_the_rebill_counts_as_the_file_is(tmp_path: Path) -> None:
    rows = [row(), FEBRUARY, row(charge="10.00")]
    check_content(tmp_path, text(*rows))

    assert _imported(tmp_path / "bills.csv") == [("2025-01-31", 10.0), ("2025-02-28", 12.5)]

    # Side by side, they are one bill of both amounts, and the check says so.
    together = check_content(tmp_path, text(rows[0], rows[2], rows[1]))
    assert [problem.rule.code for problem in together] == ["meter_summed"]
    assert _imported(tmp_path / "bills.csv")[0] == ("2025-01-31", 22.5)


@pytest.mark.parametrize("flags", ["EA", "AC", "AE", "CA"])
def test_rows_of_one_meter_with_different_flags_are_summed_and_the_check_says_so(
    flags: str, tmp_path: Path
) -> None:
    rows = [row(note=flags[0]), row(note=flags[1], charge="10.00")]

    report = check_content(tmp_path, text(*rows), mapping=FLAGGED)

    assert [(problem.rule.code, problem.row) for problem in report] == [("rows_summed", 3)]
    assert report.errors == 1
    assert _imported(tmp_path / "bills.csv", FLAGGED) == [("2025-01-31", 22.5)]


def test_rows_of_one_meter_with_other_invoices_are_summed_and_the_check_says_so(tmp_path: Path) -> None:
    apart = [*check_content(tmp_path, text(row(note="17"), row(note="18", charge="1")), mapping=INVOICES)]
    same = check_content(tmp_path, text(row(note="17"), row(note="", meter="M2")), mapping=INVOICES)

    assert [(problem.rule.code, problem.column) for problem in apart] == [("rows_summed", "Note")]
    assert [*same] == []


def test_rows_of_several_meters_with_different_flags_get_the_first(tmp_path: Path) -> None:
    mixed = [*check_content(tmp_path, text(row(note="E"), row(note="A", meter="M2")), mapping=FLAGGED)]
    alike = check_content(tmp_path, text(row(note="E"), row(note="", meter="M2")), mapping=FLAGGED)

    assert [(problem.rule.code, problem.row) for problem in mixed] == [("flags_mixed", 3)]
    assert [*alike] == []


def test_a_torn_bill_is_sorted(tmp_path: Path) -> None:
    rows = [row(), FEBRUARY, row(meter="M2")]

    assert [problem.rule.code for problem in check_content(tmp_path, text(*rows))] == ["out_of_order", "bill_torn"]
    (part,) = split_content(text(*rows).encode(), tmp_path, sort=True)

    assert data_rows(part.read_bytes()) == [rows[0], rows[2], rows[1]]
    assert _imported(part)[0] == ("2025-01-31", 25.0)


def test_a_sort_that_moves_a_start_onto_another_bill_is_refused(tmp_path: Path) -> None:
    rows = [
        row(start="01/31/2025", end="02/28/2025"),
        row(start="02/01/2025", end="02/28/2025", meter="M2"),
        row(),
    ]
    check_content(tmp_path, text(*rows))

    assert len(_imported(tmp_path / "bills.csv")) == 3
    with pytest.raises(EciBillFileError, match=r"row 3: it cannot be sorted.*2025-01-31 to 2025-02-28"):
        split_content(text(*rows).encode(), tmp_path, sort=True)
