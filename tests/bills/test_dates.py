"""The five date formats of bill files."""

from __future__ import annotations

from datetime import date

import pytest

from eci_provider.bills.dates import DATE_FORMATS, Days, other_formats, read_date, written_date

WRITTEN = {
    "mm/dd/yyyy": "02/03/2025",
    "Month dd yyyy": "February 03 2025",
    "dd/mm/yyyy": "03/02/2025",
    "dd Month yyyy": "03 February 2025",
    "yyyymmdd": "20250203",
}


@pytest.mark.parametrize("date_format", DATE_FORMATS)
def test_a_date_is_written_and_read_in_each_format(date_format: str) -> None:
    day = date(2025, 2, 3)

    assert written_date(day, date_format) == WRITTEN[date_format]
    assert read_date(WRITTEN[date_format], date_format) == day


@pytest.mark.parametrize(
    ("text", "date_format"),
    [("2/3/2025", "mm/dd/yyyy"), ("feb 3, 2025", "Month dd yyyy"), ("3 FEBRUARY, 2025", "dd Month yyyy")],
)
def test_short_forms_are_read_too(text: str, date_format: str) -> None:
    assert read_date(text, date_format) == date(2025, 2, 3)


@pytest.mark.parametrize(
    ("text", "date_format"),
    [
        ("02/30/2025", "mm/dd/yyyy"),
        ("2025-02-03", "yyyymmdd"),
        ("2/3/25", "mm/dd/yyyy"),
        ("Febr 3 2025", "Month dd yyyy"),
        ("٠٢/03/2025", "mm/dd/yyyy"),
        ("", "yyyymmdd"),
        ("1" * 50, "yyyymmdd"),
    ],
)
def test_anything_else_is_not_a_date(text: str, date_format: str) -> None:
    assert read_date(text, date_format) is None


def test_the_other_formats_of_a_date_are_known() -> None:
    assert other_formats("13/02/2025", "mm/dd/yyyy") == ["dd/mm/yyyy"]
    assert other_formats("soon", "mm/dd/yyyy") == []


def test_cells_without_a_date_differ_from_dates_and_from_each_other() -> None:
    days = Days("mm/dd/yyyy")

    assert days[" 2/3/2025 "] == days["02/03/2025"] == ("20250203", date(2025, 2, 3).toordinal())
    assert [days[cell] for cell in ("", "soon", "20250203")] == [("~", None), ("~soon", None), ("~20250203", None)]
