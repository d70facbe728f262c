"""Rows are sorted by their bills, however many there are."""

from __future__ import annotations

from eci_provider.bills.row_sort import ROW_COST, sorted_rows


def test_rows_beyond_memory_are_sorted_and_those_of_a_bill_stay_in_their_order() -> None:
    rows = [((str(place * 7 % 11), "", "", ""), (place, 0, 0), f"{place:04}") for place in range(1000)]

    # Three rows fit into memory, and three runs are merged at once: there are many levels of runs.
    assert list(sorted_rows(rows, memory=3 * ROW_COST, fan_in=3)) == sorted(rows)


def test_no_rows_are_sorted_too() -> None:
    assert list(sorted_rows([])) == []
