"""What makes a row a valid part of a bill, and how its fault is worded."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from eci_provider.sandbox.layout import Layout, parsed_date, written_date
from eci_provider.sandbox.store import Row

AUTO = "!AUTO!"
DATE_FIELDS = {"statementDate": "Statement date", "dueDate": "Due date"}
NUMBER_FIELDS = {"payAmount": "Pay amount", "serviceCharge": "Service charge"}


class KickoutError(Exception):
    """A bill is kicked out; the message is what the kickout file says, without row numbers."""


@dataclass
class CheckedRow:
    """A valid row: its account and meter found, its dates and numbers read."""

    account: Row
    start: date
    end: date
    meter: str | None
    lines: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


class Book:
    """The accounts by code and by alias, as an import sees them."""

    def __init__(self, accounts: list[Row]) -> None:
        self._by_name: dict[str, list[Row]] = defaultdict(list)
        for account in accounts:
            for name in {account["code"], *account["aliases"]}:
                self._by_name[name].append(account)

    def account(self, code: str, vendor: str) -> Row:
        """
        Find an account by its code or alias.

        :raises KickoutError: if there is none, or several and no vendor tells them apart.
        """
        if not code:
            raise KickoutError("Account code is required.")
        found = self._by_name.get(code, [])
        if not found:
            raise KickoutError(f"Account code '{code}' was not found.")
        if vendor:
            # Assumption: an account without a vendor takes bills of any vendor.
            found = [row for row in found if row["vendor_code"] in (vendor, "")]
            if not found:
                raise KickoutError(f"Account code '{code}' was not found for vendor code '{vendor}'.")
            return min(found, key=lambda row: row["vendor_code"] == "")
        if len(found) > 1:
            raise KickoutError(
                f"Account code '{code}' exists with more than one vendor; a vendor code is required."
            )
        return found[0]


def check_row(row: list[str], layout: Layout, book: Book) -> CheckedRow:
    """
    Check one row.

    :raises KickoutError: with the first fault.
    """
    account = book.account(layout.cell(row, "accountCode"), layout.cell(row, "vendorCode"))
    _check_account(account)
    start = _date(layout.cell(row, "startDate"), "Start date", layout.date_format)
    end = _date(layout.cell(row, "endDate"), "End date", layout.date_format)
    _check_period(account, start, end, layout.date_format)
    checked = CheckedRow(account, start, end, _meter(row, layout, account))
    checked.lines = _lines(row, layout)
    checked.details = _details(row, layout)
    return checked


def _check_account(account: Row) -> None:
    if not account["active"]:
        raise KickoutError(f"Account '{account['code']}' is not active.")
    if account["alert"]:
        raise KickoutError(f"Account '{account['code']}' has an alert that blocks the import: {account['alert']}")


def _date(text: str, name: str, date_format: str) -> date:
    if not text:
        raise KickoutError(f"{name} is required.")
    day = parsed_date(text, date_format)
    if day is None:
        raise KickoutError(f"{name} '{text}' is not a date in the format {date_format}.")
    return day


def _check_period(account: Row, start: date, end: date, date_format: str) -> None:
    shown = {day: written_date(day, date_format) for day in (start, end)}
    if end < start:
        raise KickoutError(f"End date {shown[end]} is before start date {shown[start]}.")
    if account["service_start"] and start.isoformat() < account["service_start"]:
        raise KickoutError(
            f"Start date {shown[start]} is before the service start of account '{account['code']}'."
        )
    if account["service_end"] and end.isoformat() > account["service_end"]:
        raise KickoutError(f"End date {shown[end]} is after the service end of account '{account['code']}'.")


def _meter(row: list[str], layout: Layout, account: Row) -> str | None:
    """Find the row's meter by code, alias or serial number; None is a charge of the account itself."""
    code, serial = layout.cell(row, "meterCode"), layout.cell(row, "serialNumber")
    if code.startswith(AUTO):
        return _only_meter(account, code)
    if not code and not serial:
        return None
    wanted = code or serial
    for meter in account["meters"]:
        names = {meter["code"], meter["serial_number"], *meter["aliases"]}
        if wanted in names:
            return str(meter["code"])
    raise KickoutError(f"Meter '{wanted}' was not found on account '{account['code']}'.")


def _only_meter(account: Row, code: str) -> str:
    commodity = code.removeprefix(AUTO).removeprefix(":").upper()
    found = [
        meter["code"]
        for meter in account["meters"]
        if not commodity or (meter["commodity"] or "").upper() == commodity
    ]
    if len(found) != 1:
        raise KickoutError(f"'{code}' fits {len(found)} meters of account '{account['code']}'; it must fit one.")
    return str(found[0])


def _lines(row: list[str], layout: Layout) -> list[dict[str, Any]]:
    lines = []
    for item in layout.line_items:
        text = row[item.index] if item.index < len(row) else ""
        if text:
            value = _number(text, item.caption)
            lines.append({"type": item.type_code, "unit": item.unit, "caption": item.caption, "value": str(value)})
    return lines


def _details(row: list[str], layout: Layout) -> dict[str, Any]:
    details: dict[str, Any] = {}
    for name in layout.columns:
        text = layout.cell(row, name)
        if not text:
            continue
        if name in DATE_FIELDS:
            details[name] = _date(text, DATE_FIELDS[name], layout.date_format).isoformat()
        elif name in NUMBER_FIELDS:
            details[name] = str(_number(text, NUMBER_FIELDS[name]))
        else:
            details[name] = text
    return details


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def _number(text: str, name: str) -> Decimal:
    """Assumption: digits, a sign and a decimal point only; no thousands separators, no currency signs."""
    if not _NUMBER.fullmatch(text):
        raise KickoutError(f"{name} '{text}' is not a number.")
    return Decimal(text)
