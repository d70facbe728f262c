"""The first sheet of a workbook is read as rows of text."""

from __future__ import annotations

from datetime import date, datetime

from tests.support.bill_files import (
    rows_of,
    workbook,
)


def test_a_workbook_gives_its_first_sheet_with_dates_in_the_files_format() -> None:
    content = workbook(
        ["A", "B", "C"], [77, datetime(2025, 1, 31), 2.5], [None, None, None], [" x ", date(2025, 2, 1)]
    )

    rows = rows_of("bills.XLSX", content, date_format="dd/mm/yyyy")["bills.XLSX"]

    assert [cells for _, cells, _ in rows] == [["77", "31/01/2025", "2.5"], ["x", "01/02/2025"]]
    assert [number for number, _, _ in rows] == [2, 4]
