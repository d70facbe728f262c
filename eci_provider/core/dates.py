"""Dates as servers write them, and arithmetic with them that ends at the ends of the calendar."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

#: How wrong a date without an offset may be: the zone farthest from UTC, and half a day.
ANY_ZONE = timedelta(hours=26)

#: The longest text that is read as a date.
_LONGEST_DATE = 100


def parse_datetime(text: str) -> datetime:
    """
    Return a date-time of the server as an aware datetime.

    :param text: ISO 8601; UTC is assumed for one without an offset (the contract does not say).
    :raises ValueError: if it is not ISO 8601.
    """
    if len(text) > _LONGEST_DATE:
        raise ValueError(f"a date of {len(text)} characters")
    # Python 3.10 reads neither "Z" nor an offset without a colon.
    spelled_out = re.sub(r"([+-]\d{2})(\d{2})$", r"\1:\2", re.sub(r"[Zz]$", "+00:00", text))
    # It reads a fraction of three or six digits; .NET servers write up to seven.
    six_digits = re.sub(r"\.(\d+)", lambda found: "." + found.group(1)[:6].ljust(6, "0"), spelled_out)
    parsed = datetime.fromisoformat(six_digits)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def has_offset(text: str) -> bool:
    """
    Return whether a date-time of the server has an offset; one without may be in any time zone.

    :param text: ISO 8601.
    """
    return bool(re.search(r"([Zz]|[+-]\d{2}:?\d{2})$", text[-_LONGEST_DATE:].strip()))


def shifted(moment: datetime, by: timedelta) -> datetime:
    """
    Return a time moved by a span; beyond the ends of the calendar, the end.

    :param moment: an aware time. A server may write the year 1 or 9999, where ``+`` raises ``OverflowError``.
    :param by: the span; below zero for an earlier time.
    """
    try:
        return moment + by
    except OverflowError:
        end = datetime.max if by > timedelta(0) else datetime.min
        return end.replace(tzinfo=timezone.utc)
