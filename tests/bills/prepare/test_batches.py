"""Many rows made at once give what rows made one by one give."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eci_provider.bills import EciBillFileError, prepare_file
from eci_provider.bills.prepare import preparing
from eci_provider.bills.prepare.batches import BatchMaker

HEADER = ["Account", "Meter", "From", "To", "kWh", "Charges", "Flag"]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A-1", "A-2", "A-3", " A-4 ", "A-5", "A-6", "A-6", "", "1.0E+10"]),
        st.sampled_from(["M-1", "M-2", "n/a", "M-1", "M-2"]),
        st.sampled_from(["2026-01-01", "2026-02-01", "2026-02-01", "2026-03-01 00:00:00", "soon"]),
        st.sampled_from(["2026-03-31", "2026-04-30", "2026-01-15", "2026-03-31", "2026-03-31"]),
        st.sampled_from(["1", "2.5", "3.25", "0.1234567", "", "4", "5"]),
        st.sampled_from(["10.00", "-2.50", "1,070.00", "$5", "7", "(3.00)", "0.005", "8.00"]),
        st.sampled_from(["Yes", "No", "No", "No", "perhaps"]),
    ),
    max_size=14,
)
SHARED: dict[str, Any] = {
    "numbers": {"thousands": ","},
    "missing": "N/A",
    "account_code": "Account",
    "start_date": "From",
    "ace_flag": {"column": "Flag", "lookup": {"Yes": "E", "No": "A"}},
    "unreadable_rows": "leave_out",
}
USE, COST = {"USE:KWH:Use": "kWh"}, {"COST:USD:Cost": "Charges"}
RECIPES: list[dict[str, Any]] = [
    {"meter_code": "Meter", "end_date": "To", "amounts": {**USE, **COST}},
    {
        "end_date": {"column": "To", "inclusive": False},
        "amounts": {"COST:USD:Cost": {"column": 6, "negate": True}},
    },
    {
        "end_date": "To",
        "rows": [
            {"meter_code": {"constant": "E"}, "amounts": USE},
            {"meter_code": {"join": ["Meter", {"constant": "X"}]}, "amounts": COST},
        ],
    },
    {"end_date": "To", "due_date": "From", "leave_out": {"column": "Flag", "equals": "no"}, "amounts": COST},
]


def _outcome(folder: Path, recipe: dict[str, Any]) -> Any:
    target = folder / "bills.csv"
    target.unlink(missing_ok=True)
    try:
        prepared = prepare_file(folder / "vendor.csv", target, recipe)
    except EciBillFileError as error:
        return str(error)
    return asdict(prepared), target.read_text()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=ROWS,
    recipe=st.sampled_from(RECIPES),
    same=st.sampled_from(["sum", "keep", "fail"]),
    in_order=st.booleans(),
    at_once=st.sampled_from([1, 2, 5]),
)
def test_the_result_is_the_same(
    rows: Any, recipe: Any, same: str, in_order: bool, at_once: int, tmp_path: Path
) -> None:
    if in_order:
        rows = sorted(rows, key=lambda row: (row[0].strip(), row[2], row[3], row[1]))
    with open(tmp_path / "vendor.csv", "w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    recipe = {**SHARED, "source": {"delimiter": ","}, "same_period": same, **recipe}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "ROWS_AT_ONCE", at_once)
        found = _outcome(tmp_path, recipe)
        patch.setattr(BatchMaker, "make", lambda *_: None)

        assert found == _outcome(tmp_path, recipe)


def test_usual_rows_are_made_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(tmp_path / "vendor.csv", "w", newline="") as file:
        csv.writer(file).writerows(
            [
                HEADER,
                *([f"A-{number:03}", "M", "2026-01-01", "2026-01-31", "1", "2.00", "No"] for number in range(99)),
            ]
        )
    monkeypatch.setattr("eci_provider.bills.prepare.rows.RowMaker.make", None)

    prepared = prepare_file(tmp_path / "vendor.csv", tmp_path / "bills.csv", {**SHARED, **RECIPES[0]})

    assert (prepared.rows_out, prepared.bills, str(prepared.money_out)) == (99, 99, "198.00")
