"""The example for long files, run whole by Airflow's own command: every bill comes in once, to the cent."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from eci_provider.api import EciClient
from eci_provider.example_dags.data.make_large_file import write_bills
from eci_provider.sandbox import Sandbox
from tests.example_dags.test_example_dags import dags_test, waits_for

__all__ = ["dags_test"]

ROWS = 50_000
PARTS = 11
CHARGES = ("KWH Charges", "KW Charges", "Other charges")
Bill = tuple[str, str, str]


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("long") / "bills.csv"
    assert write_bills(file, rows=ROWS) == ROWS
    return file


@pytest.fixture
def book(eci_sandbox: Sandbox) -> Sandbox:
    """Start a sandbox, empty but for what the test puts there."""
    eci_sandbox.settings.delay = 1
    return eci_sandbox


def _bills(file: Path) -> tuple[dict[Bill, Decimal], dict[str, set[str]]]:
    """Return what a file's bills cost, read without any of the provider's code, and the meters of its accounts."""
    costs: dict[Bill, Decimal] = defaultdict(Decimal)
    meters: dict[str, set[str]] = defaultdict(set)
    with file.open(newline="") as stream:
        for row in csv.DictReader(stream):
            start, end = (
                f"{year}-{month}-{day}"
                for month, day, year in (row[f"Service {which} Date"].split("/") for which in ("Start", "End"))
            )
            costs[row["Building ID"], start, end] += sum(Decimal(row[name]) for name in CHARGES)
            meters[row["Building ID"]].add(row["Meter Number"])
    return costs, meters


@pytest.mark.timeout(400)
def test_every_bill_of_a_long_file_comes_in_once_to_the_cent(
    long_file: Path, book: Sandbox, dags_test: Callable[..., str], tmp_path: Path
) -> None:
    costs, meters = _bills(long_file)
    # No account is in two of the eleven parts, of which two have kickouts: the first one and one in the middle.
    codes = sorted(meters)
    unknown = {codes[3], codes[len(codes) // 2]}
    for code in codes:
        if code not in unknown:
            book.add_account(code, sorted(meters[code]))

    def analyst() -> bool:
        """Correct what the reports of all parts name, as a person would: in EnergyCAP."""
        if len(list((tmp_path / "reports").rglob("part-*.csv"))) < PARTS:
            return False
        kicked = [task for task in book.tasks() if task["status"] == "Completed with kickouts"]
        log = (tmp_path / "log.txt").read_text()
        if not all(waits_for(task) in log for task in kicked):
            return False
        for code in unknown:
            book.add_account(code, sorted(meters[code]))
        with EciClient(book.url, book.api_key) as client:
            for task in kicked:
                client.tasks.edit_note(task["task_id"], "corrected by hand")
        return True

    dags_test(
        "eci_large_file",
        analyst,
        conf={
            "file": str(long_file),
            "rows_per_file": 5000,
            "parts": str(tmp_path / "parts"),
            "reports": str(tmp_path / "reports"),
        },
    )

    imports, retries = book.tasks()[:PARTS], book.tasks()[PARTS:]
    assert (
        sorted(task["status"] for task in imports) == ["Completed"] * (PARTS - 2) + ["Completed with kickouts"] * 2
    )
    assert [task["status"] for task in retries] == ["Completed"] * 2
    found = [(bill["account"], bill["start"], bill["end"]) for bill in book.bills()]
    assert len(found) == len(costs)
    assert {key: Decimal(str(bill["cost"])) for key, bill in zip(found, book.bills(), strict=True)} == costs
    (batch,) = book.batches()
    assert batch["batch_status"] == "Closed"
    assert round(Decimal(str(batch["running_total"])), 2) == sum(costs.values())
    parts = sorted((tmp_path / "parts").rglob("*.csv"))
    assert len(parts) == PARTS
    with_parts: dict[str, set[Path]] = defaultdict(set)
    for part in parts:
        for account in _bills(part)[1]:
            with_parts[account].add(part)
    assert {len(found) for found in with_parts.values()} == {1}
    (reports,) = (tmp_path / "reports" / "eci_large_file").iterdir()
    reported = [line for report in reports.glob("part-*.csv") for line in report.read_text().splitlines()[1:]]
    with long_file.open() as stream:
        wanted = [line for line in stream if any(code in line for code in unknown)]
    assert len(reported) == len(wanted)
    assert all(any(code in line for code in unknown) for line in reported)
