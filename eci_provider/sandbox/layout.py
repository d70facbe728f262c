"""Layouts: the meaning of each column of a bill file, by a profile's mapping or by the Advanced header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from eci_provider.sandbox.reader import BillFile, Cell, UnreadableFileError

# Not strptime's %B, which depends on the machine's locale.
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SHAPES = {
    "mm/dd/yyyy": (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII), "mdy"),
    "dd/mm/yyyy": (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII), "dmy"),
    "Month dd yyyy": (re.compile(r"([A-Za-z]+) (\d{1,2}),? (\d{4})", re.ASCII), "mdy"),
    "dd Month yyyy": (re.compile(r"(\d{1,2}) ([A-Za-z]+),? (\d{4})", re.ASCII), "dmy"),
    "yyyymmdd": (re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII), "ymd"),
}
ADVANCED_DATE_FORMAT = "yyyymmdd"
ADVANCED_FIRST = ("ACCOUNT", "STARTDATE", "ENDDATE", "ACE", "METERCODE")
# Names from both versions of the help centre, reduced to their letters ("A/C/E" is ACE).
_SYNONYMS = {
    "ACCOUNTCODE": "ACCOUNT",
    "METER": "METERCODE",
    "ACEFLAG": "ACE",
    "VENDOR": "VENDORCODE",
    "VPRFLAG": "VPR",
    "RATECODE": "RATE",
}
_ADVANCED_FIELDS = {
    "ACCOUNT": "accountCode",
    "STARTDATE": "startDate",
    "ENDDATE": "endDate",
    "ACE": "aceFlag",
    "METERCODE": "meterCode",
    "VENDORCODE": "vendorCode",
    "PAYAMOUNT": "payAmount",
    "BILLINGPERIOD": "billingPeriod",
    "ACCOUNTPERIOD": "accountPeriod",
    "STATEMENTDATE": "statementDate",
    "DUEDATE": "dueDate",
    "CONTROLCODE": "controlCode",
    "INVOICENUMBER": "invoiceNumber",
    "COMMODITY": "commodity",
    "SERVICECHARGE": "serviceCharge",
    "VPR": "vprFlag",
    "RATE": "rate",
    "SERIALNUMBER": "serialNumber",
    "BILLNOTE": "billNote",
}


@dataclass(frozen=True)
class LineItem:
    """A column with a value: consumption, demand or a charge."""

    index: int
    type_code: str
    unit: str
    caption: str


@dataclass(frozen=True)
class Layout:
    """
    The meaning of a file's columns, which are counted from 0.

    :param columns: column of each field (``accountCode``, ``startDate``, ...).
    :param line_items: columns with values.
    :param date_format: one of the five documented formats; all dates of the file have it.
    """

    columns: dict[str, int]
    line_items: tuple[LineItem, ...]
    date_format: str

    def cell(self, row: list[str], field: str) -> str:
        """Return a row's cell of a field; empty if there is none."""
        index = self.columns.get(field)
        return row[index] if index is not None and index < len(row) else ""


def profile_layout(mapping: dict[str, Any], file: BillFile) -> Layout:
    """
    Return the layout that a profile's column mapping describes.

    Assumption: the file has one header row.

    :raises UnreadableFileError: if the file has fewer columns than the mapping uses.
    """
    suffix = "ColumnIndex"
    columns = {
        name.removesuffix(suffix): index - 1
        for name, index in mapping.items()
        if name.endswith(suffix) and index is not None
    }
    items = tuple(
        LineItem(item["columnIndex"] - 1, item["observationTypeCode"], item["unitCode"], item["caption"])
        for item in mapping["observations"]
    )
    beyond = max([*columns.values(), *(item.index for item in items)])
    if beyond >= len(file.header):
        raise UnreadableFileError(
            f"The profile maps column {beyond + 1}, but the file '{file.name}' has only {len(file.header)}."
        )
    return Layout(columns, items, mapping["dateFormat"])


def advanced_layout(file: BillFile) -> Layout:
    """
    Return the layout of an Advanced file: five fixed columns, then named ones and line items.

    Assumption: column names ignore case, spaces and slashes; unknown columns are ignored.

    :raises UnreadableFileError: if the file does not start with the five columns, in their order.
    """
    names = [_letters(name) for name in file.header]
    if tuple(names[:5]) != ADVANCED_FIRST:
        raise UnreadableFileError(
            f"Without a profile, the Advanced format is expected: the header of '{file.name}' must begin with "
            f"{', '.join(ADVANCED_FIRST)}."
        )
    columns: dict[str, int] = {}
    items = []
    for index, (name, shown) in enumerate(zip(names, file.header, strict=True)):
        if shown.startswith("*"):
            continue
        parts = shown.split(":", 2)
        if len(parts) == 3:
            items.append(LineItem(index, *(part.strip() for part in parts)))
        elif name in _ADVANCED_FIELDS:
            columns.setdefault(_ADVANCED_FIELDS[name], index)
    return Layout(columns, tuple(items), ADVANCED_DATE_FORMAT)


def _letters(name: str) -> str:
    letters = re.sub(r"[^A-Z]", "", name.upper())
    return _SYNONYMS.get(letters, letters)


def as_text(row: list[Cell], date_format: str) -> list[str]:
    """
    Return a row as text. Dates of a workbook get the file's date format, so that kickouts can be imported again.
    """
    return [format_date(cell, date_format) if isinstance(cell, date) else cell for cell in row]


def format_date(day: date, date_format: str) -> str:
    """Return a date in one of the five formats."""
    month = MONTHS[day.month - 1].capitalize()
    return {
        "mm/dd/yyyy": f"{day.month:02d}/{day.day:02d}/{day.year}",
        "dd/mm/yyyy": f"{day.day:02d}/{day.month:02d}/{day.year}",
        "Month dd yyyy": f"{month} {day.day:02d} {day.year}",
        "dd Month yyyy": f"{day.day:02d} {month} {day.year}",
        "yyyymmdd": f"{day.year}{day.month:02d}{day.day:02d}",
    }[date_format]


def parse_date(text: str, date_format: str) -> date | None:
    """Parse a date in one of the five formats; return None if it is not one."""
    shape, order = _SHAPES[date_format]
    found = shape.fullmatch(text)
    if found is None:
        return None
    parts = dict(zip(order, found.groups(), strict=True))
    month = parts["m"] if parts["m"].isdigit() else _month_number(parts["m"])
    try:
        return datetime(int(parts["y"]), int(month), int(parts["d"])).date()
    except ValueError:
        return None


def _month_number(name: str) -> int:
    """Return a month's number, 0 for none. Assumption: English names in full, or their first three letters."""
    for number, full in enumerate(MONTHS, start=1):
        if name.lower() in (full, full[:3]):
            return number
    return 0
