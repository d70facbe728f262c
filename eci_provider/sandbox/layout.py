"""Which column of a bill file means what: a profile's mapping, or the Advanced header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from eci_provider.sandbox.reader import BillFile, Cell, UnreadableFileError

# Month names in full; strptime's %B would follow the machine's locale.
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
# Both generations of the help centre, by the letters of the header alone ("A/C/E" is ACE).
_SYNONYMS = {
    "ACCOUNTCODE": "ACCOUNT",
    "METER": "METERCODE",
    "ACEFLAG": "ACE",
    "VENDOR": "VENDORCODE",
    "VPRFLAG": "VPR",
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
    """A column of amounts: consumption, demand, or a charge."""

    index: int
    type_code: str
    unit: str
    caption: str


@dataclass(frozen=True)
class Layout:
    """
    The meaning of a file's columns, counted from 0.

    :param columns: field (``accountCode``, ``startDate``, ...) to column.
    :param date_format: one of the five documented ones; the whole file follows it.
    """

    columns: dict[str, int]
    line_items: tuple[LineItem, ...]
    date_format: str

    def cell(self, row: list[str], field: str) -> str:
        index = self.columns.get(field)
        return row[index] if index is not None and index < len(row) else ""


def profile_layout(mapping: dict[str, Any], file: BillFile) -> Layout:
    """
    Read a profile's column mapping.

    Assumption: the file has one header row.

    :raises UnreadableFileError: if a mapped column lies beyond the file's width.
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
    Read the header of an Advanced file: five fixed columns, then named ones and line items.

    Assumption: column names count without case, spaces and slashes; unknown ones are ignored.

    :raises UnreadableFileError: if the first five columns are not there in their order.
    """
    names = [_plain(name) for name in file.header]
    if tuple(names[:5]) != ADVANCED_FIRST:
        raise UnreadableFileError(
            f"The header of '{file.name}' must begin with {', '.join(ADVANCED_FIRST)}; "
            "without a profile the Advanced format is expected."
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


def _plain(name: str) -> str:
    letters = re.sub(r"[^A-Z]", "", name.upper())
    return _SYNONYMS.get(letters, letters)


def as_text(row: list[Cell], date_format: str) -> list[str]:
    """Write a workbook's date cells in the file's date format, so that kickouts can be imported again."""
    return [written_date(cell, date_format) if isinstance(cell, date) else cell for cell in row]


def written_date(day: date, date_format: str) -> str:
    month = MONTHS[day.month - 1].capitalize()
    return {
        "mm/dd/yyyy": f"{day.month:02d}/{day.day:02d}/{day.year}",
        "dd/mm/yyyy": f"{day.day:02d}/{day.month:02d}/{day.year}",
        "Month dd yyyy": f"{month} {day.day:02d} {day.year}",
        "dd Month yyyy": f"{day.day:02d} {month} {day.year}",
        "yyyymmdd": f"{day.year}{day.month:02d}{day.day:02d}",
    }[date_format]


def parsed_date(text: str, date_format: str) -> date | None:
    """Read a date in one of the five formats; None if it is none."""
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
    """Assumption: full English names and their first three letters; 0 is no month."""
    for number, full in enumerate(MONTHS, start=1):
        if name.lower() in (full, full[:3]):
            return number
    return 0
