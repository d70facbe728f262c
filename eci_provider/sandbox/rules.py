"""Rules that a row must follow to be part of a bill, and the messages of rows that break one."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from eci_provider.sandbox.layout import Layout, format_date, parse_date
from eci_provider.sandbox.store import Row

AUTO = "!AUTO!"
DATE_FIELDS = {"statementDate": "Statement date", "dueDate": "Due date"}
NUMBER_FIELDS = {"payAmount": "Pay amount", "serviceCharge": "Service charge"}


class KickoutError(Exception):
    """A row breaks a rule. The text is the message in the kickout file, without a row number."""


@dataclass
class CheckedRow:
    """A row that follows the rules: its account and meter are known, its dates and numbers are parsed."""

    account: Row
    start: date
    end: date
    meter: str | None
    lines: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


class AccountBook:
    """The accounts, by code and by alias."""

    def __init__(self, accounts: list[Row]) -> None:
        self._by_name: dict[str, list[Row]] = defaultdict(list)
        for account in accounts:
            for name in {account["code"], *account["aliases"]}:
                self._by_name[name].append(account)

    def account(self, code: str, vendor: str) -> Row:
        """
        Return the account with a code or alias.

        :raises KickoutError: if there is none, or if there are several and the row names no vendor.
        """
        if not code:
            raise KickoutError("Account code is required.")
        found = self._by_name.get(code, [])
        if not found:
            raise KickoutError(f"Account code '{code}' was not found.")
        if vendor:
            # Assumption: an account without a vendor accepts bills of any vendor.
            found = [row for row in found if row["vendor_code"] in (vendor, "")]
            if not found:
                raise KickoutError(f"Account code '{code}' was not found for vendor code '{vendor}'.")
            return min(found, key=lambda row: row["vendor_code"] == "")
        if len(found) > 1:
            raise KickoutError(
                f"Account code '{code}' exists with more than one vendor; a vendor code is required."
            )
        return found[0]


def check_row(row: list[str], layout: Layout, book: AccountBook) -> CheckedRow:
    """
    Check one row.

    :raises KickoutError: if it breaks a rule; the message is of the first one.
    """
    account = book.account(layout.cell(row, "accountCode"), layout.cell(row, "vendorCode"))
    _check_account(account)
    start = _parse_date(layout.cell(row, "startDate"), "Start date", layout.date_format)
    end = _parse_date(layout.cell(row, "endDate"), "End date", layout.date_format)
    _check_period(account, start, end, layout.date_format)
    checked = CheckedRow(account, start, end, _meter(row, layout, account))
    checked.lines = _parse_lines(row, layout)
    checked.details = _parse_details(row, layout)
    return checked


def _check_account(account: Row) -> None:
    if not account["active"]:
        raise KickoutError(f"Account '{account['code']}' is not active.")
    if account["alert"]:
        raise KickoutError(f"Account '{account['code']}' has an alert that blocks the import: {account['alert']}")


def _parse_date(text: str, name: str, date_format: str) -> date:
    if not text:
        raise KickoutError(f"{name} is required.")
    day = parse_date(text, date_format)
    if day is None:
        raise KickoutError(f"{name} '{text}' is not a date in the format {date_format}.")
    return day


def _check_period(account: Row, start: date, end: date, date_format: str) -> None:
    shown = {day: format_date(day, date_format) for day in (start, end)}
    if end < start:
        raise KickoutError(f"End date {shown[end]} is before start date {shown[start]}.")
    if account["service_start"] and start.isoformat() < account["service_start"]:
        raise KickoutError(
            f"Start date {shown[start]} is before the service start of account '{account['code']}'."
        )
    if account["service_end"] and end.isoformat() > account["service_end"]:
        raise KickoutError(f"End date {shown[end]} is after the service end of account '{account['code']}'.")


def _meter(row: list[str], layout: Layout, account: Row) -> str | None:
    """Return the row's meter, by code, alias or serial number. None means a charge of the account itself."""
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


def _parse_lines(row: list[str], layout: Layout) -> list[dict[str, Any]]:
    lines = []
    for item in layout.line_items:
        text = row[item.index] if item.index < len(row) else ""
        if text:
            value = _parse_number(text, item.caption)
            lines.append({"type": item.type_code, "unit": item.unit, "caption": item.caption, "value": str(value)})
    return lines


def _parse_details(row: list[str], layout: Layout) -> dict[str, Any]:
    details: dict[str, Any] = {}
    for name in layout.columns:
        text = layout.cell(row, name)
        if not text:
            continue
        if name in DATE_FIELDS:
            details[name] = _parse_date(text, DATE_FIELDS[name], layout.date_format).isoformat()
        elif name in NUMBER_FIELDS:
            details[name] = str(_parse_number(text, NUMBER_FIELDS[name]))
        else:
            details[name] = text
    return details


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def _parse_number(text: str, name: str) -> Decimal:
    """
    Parse a number. Assumption: digits, sign and decimal point only; no thousands separator, no currency sign.
    """
    if not _NUMBER.fullmatch(text):
        raise KickoutError(f"{name} '{text}' is not a number.")
    return Decimal(text)
