"""Dates as servers write them, and arithmetic with them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from eci_provider.core.dates import has_offset, parse_datetime, shifted

FIRST = datetime.min.replace(tzinfo=timezone.utc)
LAST = datetime.max.replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-30T08:15:00Z", datetime(2026, 3, 30, 8, 15, tzinfo=timezone.utc)),
        ("2026-03-30T08:15:00", datetime(2026, 3, 30, 8, 15, tzinfo=timezone.utc)),
        ("2026-03-30T08:15:00.1234567Z", datetime(2026, 3, 30, 8, 15, 0, 123456, tzinfo=timezone.utc)),
        ("2026-03-30T08:15:00.5+02:00", datetime(2026, 3, 30, 6, 15, 0, 500000, tzinfo=timezone.utc)),
        ("2026-03-30T08:15:00+0200", datetime(2026, 3, 30, 6, 15, tzinfo=timezone.utc)),
        ("2026-03-30", datetime(2026, 3, 30, tzinfo=timezone.utc)),
    ],
)
def test_times_of_the_server_are_aware(text: str, expected: datetime) -> None:
    assert parse_datetime(text) == expected
    assert parse_datetime(text).utcoffset() in (timedelta(0), timedelta(hours=2))


def test_a_date_of_any_length_is_refused_without_being_read() -> None:
    with pytest.raises(ValueError, match="a date of 50007 characters"):
        parse_datetime("2026-01" + ".1" * 25_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-30T08:15:00Z", True),
        ("2026-03-30T08:15:00z ", True),
        ("2026-03-30T08:15:00-0700", True),
        ("2026-03-30T08:15:00.5+02:00", True),
        ("2026-03-30T08:15:00", False),
        ("2026-03-30", False),
        ("", False),
    ],
)
def test_whether_a_date_names_its_zone(text: str, expected: bool) -> None:
    assert has_offset(text) is expected


@pytest.mark.parametrize(
    ("moment", "by", "expected"),
    [
        (parse_datetime("2026-01-05T08:00Z"), timedelta(hours=-9), parse_datetime("2026-01-04T23:00Z")),
        (parse_datetime("0001-01-01T00:00:00+05:00"), timedelta(hours=-1), FIRST),
        (parse_datetime("9999-12-31T23:59:59-05:00"), timedelta(hours=1), LAST),
        (FIRST, timedelta(0), FIRST),
    ],
)
def test_no_span_leaves_the_calendar(moment: datetime, by: timedelta, expected: datetime) -> None:
    assert shifted(moment, by) == expected
