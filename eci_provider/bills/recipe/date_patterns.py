"""Patterns of dates by name, such as ``mm/dd/yyyy``, ``d-mon-yy`` or ``yyyy-mm-dd hh:mm:ss``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import TypeAlias

from eci_provider.bills.dates import MONTHS

#: Returns the date in a text; None where it has none.
DateReader: TypeAlias = Callable[[str], "date | None"]
#: The pattern where a recipe names none: the only one that nobody reads in two ways.
ISO = "yyyy-mm-dd"
#: Days counted by a spreadsheet, and the day before its first: Excel takes 1900 for a leap year.
_SERIALS = {"excel": date(1899, 12, 30), "excel1904": date(1904, 1, 1)}
_LAST_SERIAL = 2_958_465
_TOKEN = re.compile(r"yyyy|yy|mmmm|month|mmm|mon|mm|m|dd|d|hh|h|ss|s|am/pm|[a-z]", re.IGNORECASE)
_DIRECTIVES = {"%Y": "yyyy", "%y": "yy", "%m": "mm", "%d": "dd", "%b": "mon", "%B": "month"} | {
    "%H": "hh",
    "%I": "hh",
    "%M": "mm",
    "%S": "ss",
    "%p": "am/pm",
}
_NUMBERS = {name.lower(): number for number, name in enumerate(MONTHS, start=1)}
_NUMBERS |= {name.lower()[:3]: number for number, name in enumerate(MONTHS, start=1)} | {"sept": 9}
#: A time of day behind a date, which is left away; so is a time zone, since the day counts where it was written.
_TIME = r"(?:[ T]+\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?[AaPp][Mm])?(?:Z| ?[+-]\d\d:?\d\d)?)?"
_LONGEST_DATE = 60
#: Two digits of a year up to this one are of this century.
_LAST_SHORT_YEAR = 79


def checked_date_pattern(pattern: str) -> str:
    """
    Return a pattern, checked.

    :param pattern: its name.
    :raises ValueError: when it is none.
    """
    date_reader(pattern)
    return pattern


@lru_cache(maxsize=256)
def date_reader(pattern: str) -> DateReader:
    """
    Return a function that reads dates.

    Days and months may have one digit where something separates them; a time of day may follow.

    :param pattern: ``yyyy`` or ``yy``, ``mm`` or ``mon`` or ``month``, and ``dd``, in any order, with what stands
        between them; ``hh``, ``mm``, ``ss`` and ``am/pm`` of a time; the directives of strptime for the same; or
        ``excel``, or ``excel1904``, for the numbers of days that spreadsheets store.
    :raises ValueError: when it is no such pattern.
    """
    if pattern.lower() in _SERIALS:
        return _serial_reader(_SERIALS[pattern.lower()])
    return _pattern_reader(re.compile(_expression(pattern), re.ASCII | re.IGNORECASE))


def _serial_reader(start: date) -> DateReader:
    def read(text: str) -> date | None:
        whole, _, rest = text.partition(".")
        if not (whole.isascii() and whole.isdigit() and len(whole) <= 7 and (not rest or rest.isdigit())):
            return None
        days = int(whole)
        # The first days of 1900 have other dates in Excel than in the calendar.
        return start + timedelta(days=days) if 60 < days <= _LAST_SERIAL else None

    return read


def _pattern_reader(shape: re.Pattern[str]) -> DateReader:
    @lru_cache(maxsize=16_384)
    def read_short(text: str) -> date | None:
        found = shape.fullmatch(text)
        if found is None:
            return None
        parts = found.groupdict()
        year = int(parts["year"])
        if len(parts["year"]) == 2:
            year += 2000 if year <= _LAST_SHORT_YEAR else 1900
        month = parts["month"]
        number = int(month) if month.isdigit() else _NUMBERS.get(month.lower(), 0)
        try:
            return date(year, number, int(parts["day"]))
        except ValueError:
            return None

    return lambda text: read_short(text) if len(text) <= _LONGEST_DATE else None


def _expression(pattern: str) -> str:
    """Return the regular expression of a pattern."""
    names = re.sub(r"%[A-Za-z]", lambda found: _DIRECTIVES.get(found[0], found[0]), pattern)
    pieces: list[str] = []
    seen: list[str] = []
    at = 0
    while at < len(names):
        token = _TOKEN.match(names, at)
        if token is None:
            pieces.append(r"[ \u00a0\u202f]+" if names[at] == " " else re.escape(names[at]))
            at += 1
            continue
        word = token[0].lower()
        name = "minute" if word in ("mm", "m") and seen and seen[-1] == "hour" else _part_of(word, pattern)
        if name in seen:
            raise ValueError(f"{pattern!r} names the {name} twice")
        seen.append(name)
        is_tight = names[at - 1 : at].isalpha() or names[token.end() : token.end() + 1].isalpha()
        pieces.append(_piece(name, word, is_tight))
        at = token.end()
    if missing := [name for name in ("year", "month", "day") if name not in seen]:
        raise ValueError(f"{pattern!r} names no {' and no '.join(missing)}: write it like mm/dd/yyyy")
    return "".join(pieces) + ("" if "hour" in seen else _TIME)


def _part_of(word: str, pattern: str) -> str:
    if word in ("am/pm", "hh", "h", "ss", "s"):
        return {"a": "half", "h": "hour", "s": "second"}[word[0]]
    if word[0] in "ymd" and word not in ("y",):
        return {"y": "year", "m": "month", "d": "day"}[word[0]]
    raise ValueError(f"{pattern!r} has {word!r}, which is no part of a date: write it like mm/dd/yyyy")


def _piece(name: str, word: str, is_tight: bool) -> str:
    if name == "year":
        return rf"(?P<year>\d{{{len(word)}}})"
    if name == "month" and word in ("mmm", "mon", "mmmm", "month"):
        return r"(?P<month>[A-Za-z]{3,9})\.?"
    if name == "half":
        return "[ap]m"
    digits = r"\d\d" if is_tight else r"\d{1,2}"
    if name == "second":
        digits += r"(?:\.\d{1,9})?"
    return f"(?P<{name}>{digits})"
