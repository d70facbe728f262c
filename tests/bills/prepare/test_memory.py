"""Memory does not grow with the file, in order or not."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest

from eci_provider.bills import prepare_file

RECIPE = {
    "account_code": "Account",
    "start_date": "From",
    "end_date": "To",
    "amounts": {"COST:USD:Gas": "Charges"},
}
MIB = 1024 * 1024


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_memory_is_bounded(is_shuffled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"A-{number:06},2026-01-01,2026-01-31,{number}.25\n" for number in range(40_000)]
    if is_shuffled:
        random.Random(7).shuffle(rows)
    (tmp_path / "vendor.csv").write_text("Account,From,To,Charges\n" + "".join(rows))
    del rows
    monkeypatch.setattr("eci_provider.bills.row_sort.sorted_rows.__kwdefaults__", {"memory": MIB, "fan_in": 32})
    tracemalloc.start()
    try:
        prepared = prepare_file(tmp_path / "vendor.csv", tmp_path / "bills.csv", RECIPE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (prepared.rows_out, prepared.bills) == (40_000, 40_000)
    # The rows alone would take ten times as much.
    assert peak < 6 * MIB
