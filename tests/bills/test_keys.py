"""Consecutive rows with the same account, dates and vendor are one bill."""

from __future__ import annotations

from eci_provider.bills.keys import BillKeys
from eci_provider.bills.layout import Layout

COLUMNS = {"account_code": 0, "start_date": 1, "end_date": 2, "vendor_code": 3}
KEYS = BillKeys(Layout(COLUMNS, (4,), "mm/dd/yyyy"))


def test_a_key_does_not_depend_on_how_a_row_is_written() -> None:
    rows = [["1", "01/01/2025", "01/31/2025", "", "5"], [" 1 ", "1/1/2025", " 1/31/2025", " "], ["1", "1/1/2025"]]

    keys = [KEYS.key_of(cells) for cells in rows]

    assert keys[:2] == [("1", "", "20250101", "20250131")] * 2
    assert keys[2] == ("1", "", "20250101", "~")


def test_a_bill_starts_where_the_key_changes() -> None:
    rows = [
        ["1", "01/01/2025", "01/31/2025", "A"],
        ["1", "1/1/2025", "01/31/2025", "A "],
        ["1", "01/01/2025", "01/31/2025", "B"],
        ["2", "01/01/2025", "01/31/2025", "B"],
        ["2", "02/01/2025", "02/28/2025", "B"],
    ]
    cells = KEYS.key_cells(rows)

    assert KEYS.starts(cells, ()) == [0, 2, 3, 4]
    assert KEYS.starts(cells, cells[0]) == [2, 3, 4]


def test_without_vendors_the_vendor_is_empty() -> None:
    keys = BillKeys(Layout({name: at for name, at in COLUMNS.items() if at < 3}, (4,), "mm/dd/yyyy"))

    assert keys.key_of(["1", "01/01/2025", "01/31/2025", "A", "5"]) == ("1", "", "20250101", "20250131")
