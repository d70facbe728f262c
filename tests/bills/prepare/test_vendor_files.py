"""Vendors' files, in the shapes that utilities send, are prepared and imported without a kickout."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from eci_provider.api.client import EciClient
from eci_provider.bills import PreparedFile, check_file, prepare_file
from eci_provider.sandbox import Sandbox

FILES = Path(__file__).parents[2] / "data" / "vendor_files"


class Case(NamedTuple):
    """A vendor's file: its accounts and meters, its rows and what became of them, and its sums."""

    name: str
    accounts: dict[str, list[str]]
    rows: tuple[int, int, int, int]
    bills: int
    period: tuple[str, str]
    sums: dict[str, str]


CITY = ["G-200417733", "S-200417733", "W-200417733"]
CASES = [
    Case(
        "city_bill_decimal_comma.csv",
        {"200417733": CITY},
        (11, 10, 1, 30),
        10,
        ("2024-01-01", "2024-10-31"),
        {
            "USE:THERM:Gas": "2760.49",
            "COST:USD:Gas": "951.89",
            "COST:USD:Stormwater": "124.90",
            "USE:KGAL:Water": "81.66",
            "COST:USD:Water": "408.25",
        },
    ),
    Case(
        "city_bill_three_services.csv",
        {"200417733": CITY},
        (10, 10, 0, 30),
        10,
        ("2024-01-01", "2024-10-31"),
        {
            "USE:THERM:Gas": "3401.74",
            "COST:USD:Gas": "1173.01",
            "COST:USD:Stormwater": "124.90",
            "USE:KGAL:Water": "84.94",
            "COST:USD:Water": "424.71",
        },
    ),
    Case(
        "gas_portal_crlf_us_dates.csv",
        {"3104477120": ["G-1"]},
        (12, 12, 0, 12),
        12,
        ("2024-01-17", "2025-01-16"),
        {"USE:THERM:Gas": "2660.59", "COST:USD:Gas": "3892.04"},
    ),
    Case(
        "gas_portal_preamble.csv",
        {"3104477120": ["G-1"]},
        (12, 12, 0, 12),
        12,
        ("2024-01-17", "2025-01-16"),
        {"USE:THERM:Gas": "2572.52", "COST:USD:Gas": "3766.97"},
    ),
    Case(
        "meter_reads_lone_cr.csv",
        {"0077120": ["E-9"]},
        (12, 12, 0, 12),
        12,
        ("2024-01-22", "2025-01-20"),
        {"USE:KWH:Electricity": "2364.00", "COST:USD:Electricity": "3809.40"},
    ),
    Case(
        "meter_reads_utf16_tabs.csv",
        {"0077121": ["G-9"]},
        (12, 12, 0, 12),
        12,
        ("2024-01-22", "2025-01-20"),
        {"USE:THERM:Gas": "2487.00", "COST:USD:Gas": "4000.05"},
    ),
    Case(
        "portal_entries.xlsx",
        {"ELM-HALL": ["70300001", "70300002"], "OAK-HOUSE": ["70300003"]},
        (18, 18, 0, 18),
        12,
        ("2024-01-06", "2024-07-05"),
        {"USE:KWH:Electricity": "685138", "COST:USD:Electricity": "93863.92"},
    ),
    Case(
        "timestamps.csv",
        {"0004411": ["W-17"]},
        (12, 12, 0, 12),
        12,
        ("2024-01-28", "2025-01-27"),
        {"USE:KGAL:Water": "1054.9", "COST:USD:Water": "3164.70"},
    ),
]


def _prepared(name: str, folder: Path) -> PreparedFile:
    file = FILES / name
    return prepare_file(file, folder / f"{file.stem}.csv", file.with_suffix(".yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_row_and_every_cent_of_a_vendors_file_is_accounted_for(case: Case, tmp_path: Path) -> None:
    prepared = _prepared(case.name, tmp_path)

    counts = prepared.rows_in, prepared.rows_out, prepared.rows_left_out, prepared.rows_written
    assert counts == case.rows
    assert (prepared.bills, prepared.first_day, prepared.last_day) == (case.bills, *case.period)
    assert {name: str(found.written) for name, found in prepared.sums.items()} == case.sums
    with open(prepared.target, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == prepared.rows_written
    for name, wanted in case.sums.items():
        assert sum(Decimal(row[name] or 0) for row in rows) == Decimal(wanted)


def test_a_vendors_files_are_imported_without_a_kickout(tmp_path: Path) -> None:
    with Sandbox(clock="virtual") as sandbox, EciClient(sandbox.url, sandbox.api_key) as client:
        for case in CASES:
            for account, meters in case.accounts.items():
                sandbox.add_account(account, meters)
            prepared = _prepared(case.name, tmp_path)
            guid = client.bill_imports.submit(prepared.target)

            report = check_file(prepared.target)
            assert [problem.rule.code for problem in report if problem.rule.severity == "error"] == []
            assert sandbox.kickouts(guid) == [], case.name
            task = client.tasks.get(guid)
            assert task.current_success_count == case.bills


def test_what_rounding_takes_away_is_in_the_result(tmp_path: Path) -> None:
    sums = _prepared("timestamps.csv", tmp_path).sums

    assert str(sums["COST:USD:Water"].read) == "3164.699999999999884"
    assert format(sums["COST:USD:Water"].rounding, "f") == "-0.000000000000116"
