"""The five date formats of bill files (BillImportProfileColumnMapping.dateFormat)."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import TypeAlias

from eci_provider.core.memo import Memo

# strptime's month names follow the machine's locale.
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_NUMBERS = {name.lower(): number for number, name in enumerate(MONTHS, start=1)}
_NUMBERS |= {name.lower()[:3]: number for number, name in enumerate(MONTHS, start=1)}

#: The Advanced format's own (help centre, Advanced file format).
ADVANCED_DATE_FORMAT = "yyyymmdd"
_SHAPES = {
    "mm/dd/yyyy": re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})", re.ASCII),
    "Month dd yyyy": re.compile(r"(?P<month>[A-Za-z]+) (?P<day>\d{1,2}),? (?P<year>\d{4})", re.ASCII),
    "dd/mm/yyyy": re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})", re.ASCII),
    "dd Month yyyy": re.compile(r"(?P<day>\d{1,2}) (?P<month>[A-Za-z]+),? (?P<year>\d{4})", re.ASCII),
    "yyyymmdd": re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", re.ASCII),
}
DATE_FORMATS = tuple(_SHAPES)
#: The content of a cell: its date as yyyymmdd, and as a number of days. A cell without a date has a tilde and its
#: text, which differs from all dates, and None.
Day: TypeAlias = "tuple[str, int | None]"
#: How many characters a date has at most.
_LONGEST_DATE = 40


def read_date(text: str, date_format: str) -> date | None:
    """
    Return the date in a cell; None where it has none in this format.

    Lenient where nothing is documented: a day or a month may have one digit, a month's name may be its first three
    letters, and a comma may follow the day.

    :param text: the cell, without spaces around it.
    :param date_format: one of :data:`DATE_FORMATS`.
    """
    return _read_date(text, date_format) if len(text) <= _LONGEST_DATE else None


@lru_cache(maxsize=16_384)
def _read_date(text: str, date_format: str) -> date | None:
    found = _SHAPES[date_format].fullmatch(text)
    if found is None:
        return None
    month = found["month"]
    number = int(month) if month.isdigit() else _NUMBERS.get(month.lower(), 0)
    try:
        return date(int(found["year"]), number, int(found["day"]))
    except ValueError:
        return None


def written_date(day: date, date_format: str) -> str:
    """
    Return a date as a bill file writes it.

    :param day: the date.
    :param date_format: one of :data:`DATE_FORMATS`.
    """
    month = MONTHS[day.month - 1]
    return {
        "mm/dd/yyyy": f"{day.month:02}/{day.day:02}/{day.year:04}",
        "Month dd yyyy": f"{month} {day.day:02} {day.year:04}",
        "dd/mm/yyyy": f"{day.day:02}/{day.month:02}/{day.year:04}",
        "dd Month yyyy": f"{day.day:02} {month} {day.year:04}",
        "yyyymmdd": f"{day.year:04}{day.month:02}{day.day:02}",
    }[date_format]


def other_formats(text: str, date_format: str) -> list[str]:
    """
    Return the other formats in which a cell is a date.

    :param text: the cell, which is not a date in the file's format.
    :param date_format: the file's format.
    """
    return [other for other in DATE_FORMATS if other != date_format and read_date(text, other) is not None]


_UNKNOWN_SHAPES = (
    (r"\d{4}-\d{1,2}-\d{1,2}", "yyyy-mm-dd"),
    (r"\d{4}/\d{1,2}/\d{1,2}", "yyyy/mm/dd"),
    (r"\d{1,2}\.\d{1,2}\.\d{2,4}", "dd.mm.yyyy"),
    (r"\d{1,2}-\d{1,2}-\d{2,4}", "mm-dd-yyyy or dd-mm-yyyy"),
    (r"\d{1,2}/\d{1,2}/\d{2}", "a date with a year of two digits"),
    (r"\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}", "dd-Mon-yyyy"),
    (r"[A-Za-z]{3,9} \d{1,2},? \d{2,4}", "a date with the name of its month"),
    (r"[34]\d{4}(\.\d+)?", "a number of days, as Excel counts them"),
    (r".*\d[ T]\d{1,2}:\d{2}.*", "a date with a time"),
)
_UNKNOWN_FORMATS = [(re.compile(shape, re.ASCII), name) for shape, name in _UNKNOWN_SHAPES]


def unknown_format(text: str) -> str | None:
    """
    Return what a cell looks like that is a date in none of :data:`DATE_FORMATS`; None for no date.

    :param text: the cell.
    """
    if len(text) > _LONGEST_DATE:
        return None
    return next((name for shape, name in _UNKNOWN_FORMATS if shape.fullmatch(text)), None)


class Days(Memo[str, Day]):
    """
    The dates in cells, kept once they are read, since the same dates recur.

    :param date_format: one of :data:`DATE_FORMATS`.
    """

    def __init__(self, date_format: str) -> None:
        super().__init__()
        self.date_format = date_format

    def find(self, key: str) -> Day:
        """Return the date in a cell: its text as yyyymmdd, and its number."""
        text = key.strip()
        day = read_date(text, self.date_format)
        return (f"~{text}", None) if day is None else (written_date(day, ADVANCED_DATE_FORMAT), day.toordinal())

    def is_kept(self, key: str) -> bool:
        """Return whether a cell may be a date; any other text may be as long as a row."""
        return len(key) <= _LONGEST_DATE
