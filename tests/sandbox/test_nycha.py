"""Real bills of the New York City Housing Authority, imported with a profile."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "example_dags" / "data" / "nycha_electric_bills.csv"
COLUMNS = {
    "accountCodeColumnIndex": "Building ID",
    "startDateColumnIndex": "Service Start Date",
    "endDateColumnIndex": "Service End Date",
    "meterCodeColumnIndex": "Meter Number",
    "billingPeriodColumnIndex": "Revenue Month",
}
OBSERVATIONS = [
    ("KWH Charges", "USD"),
    ("KW Charges", "USD"),
    ("Other charges", "USD"),
    ("Consumption (KWH)", "kWh"),
]


@pytest.fixture
def rows() -> list[dict[str, str]]:
    with FILE.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def profiled(api, rows):
    names = list(rows[0])
    mapping = {field: names.index(name) + 1 for field, name in COLUMNS.items()} | {
        "dateFormat": "mm/dd/yyyy",
        "observations": [
            {"columnIndex": names.index(name) + 1, "observationTypeCode": "X", "caption": name, "unitCode": unit}
            for name, unit in OBSERVATIONS
        ],
    }
    answer = api.call("POST", "/api/v3/import/bill/profile", {"profileCode": "NYCHA", "columnMapping": mapping})
    assert answer.status_code == 200, answer.text
    return api


def add_accounts(sandbox, rows, but: str = ""):
    meters: dict[str, set[str]] = {}
    for row in rows:
        meters.setdefault(row["Building ID"], set()).add(row["Meter Number"])
    for code, numbers in meters.items():
        if code != but:
            sandbox.add_account(code, sorted(numbers))


def test_every_row_is_imported_once_and_the_sums_are_equal(sandbox, profiled, rows):
    add_accounts(sandbox, rows)
    task = profiled.imported(FILE.read_bytes(), FILE.name, profileCode="NYCHA")
    bills = sandbox.bills()
    periods = {(row["Building ID"], row["Service Start Date"], row["Service End Date"]) for row in rows}
    assert task["status"] == "Completed"
    assert len(bills) == task["currentSuccessCount"] == len(periods)
    assert sum(len(bill["rows"]) for bill in bills) == len(rows) == 59
    # In every row, Current Charges is the sum of the three charges.
    charged = sum(Decimal(row["Current Charges"]) for row in rows)
    assert sum(Decimal(str(bill["cost"])).quantize(Decimal("0.01")) for bill in bills) == charged
    # One bill of 92 days has a flag.
    assert task["unresolvedFlagCount"] == 1


def test_an_unknown_building_is_kicked_out_and_retried(sandbox, profiled, rows):
    missing = "10.0 - BLD 09"
    add_accounts(sandbox, rows, but=missing)
    task = profiled.imported(FILE.read_bytes(), FILE.name, profileCode="NYCHA")
    of_it = [row for row in rows if row["Building ID"] == missing]
    assert profiled.messages(task["taskGUId"]) == [f"Account code '{missing}' was not found."]
    kicked = sandbox.kickouts(task["taskGUId"])
    assert [found["cells"] for found in kicked] == [list(row.values()) for row in of_it]
    add_accounts(sandbox, rows)
    path = f"/api/v202401/import/bill/task/{task['taskGUId']}/kickout"
    again = profiled.task(profiled.call("POST", path, {}).json()["taskGUId"])
    assert again["currentSuccessCount"] == len({row["Service Start Date"] for row in of_it})


def test_importing_the_file_twice_replaces_every_bill(sandbox, profiled, rows):
    add_accounts(sandbox, rows)
    first = profiled.imported(FILE.read_bytes(), FILE.name, profileCode="NYCHA")
    before = len(sandbox.bills())
    profiled.imported(FILE.read_bytes(), FILE.name, profileCode="NYCHA")
    assert len(sandbox.bills()) == before
    assert profiled.task(first["taskGUId"])["currentSuccessCount"] == 0
