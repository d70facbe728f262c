"""The sandbox, which shares no code with the check, kicks out what the check predicts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eci_provider.api.client import EciClient
from eci_provider.bills import CheckReport, check_file, mapping_from_file
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import (
    HEADER,
    MAPPING,
    NYCHA,
    NYCHA_NAMES,
    archive,
    check_content,
    row,
    text,
)

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
    """Draw rows of which most are good, so that a fault has good rows of its bill and of others beside it."""
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
            report = check_content(tmp_path, text(*rows, header=WIDE), mapping=WIDE_MAPPING, accounts=ACCOUNTS)
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
