"""The importer: turns rows of files into bills or kickouts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from eci_provider.sandbox.layout import Layout, advanced_layout, as_text, parse_date, profile_layout
from eci_provider.sandbox.reader import BillFile
from eci_provider.sandbox.rules import AccountBook, CheckedRow, KickoutError, check_row
from eci_provider.sandbox.store import Row, Store

# Assumption: a line item with one of these units is money.
CURRENCIES = frozenset(("USD", "EUR", "CAD", "GBP", "AUD", "NZD", "CHF", "JPY", "MXN", "$", "€", "£"))
LONGEST_UNFLAGGED_DAYS = 45


@dataclass
class RawBill:
    """Consecutive rows of one account, period and vendor, as the file has them."""

    file: BillFile
    layout: Layout
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class Import:
    """
    One run of an import.

    :param task_id: its task.
    :param batch: the batch of its bills, as stored. Bills in a pending batch are voided.
    :param resolved: whether failed audits are marked as resolved at once (saveAsResolved).
    :param store: where bills are written.
    :param bills: number of bills imported.
    :param kicked_out: file, message and cells of each row kicked out.
    :param replaced: number of bills that it has replaced, by the task and the batch that they came from.
    """

    task_id: int
    batch: Row
    resolved: bool
    store: Store
    bills: int = 0
    kicked_out: list[tuple[BillFile, str, list[str]]] = field(default_factory=list)
    replaced: Counter[tuple[int, int]] = field(default_factory=Counter)

    def run(self, files: list[BillFile], mapping: dict[str, Any] | None) -> None:
        """
        Import files, in their order.

        :param mapping: the profile's column mapping; None for the Advanced format.
        :raises UnreadableFileError: if a file does not have the required columns; then nothing is written.
        """
        book = AccountBook(self.store.rows("SELECT * FROM accounts"))
        layouts = [profile_layout(mapping, file) if mapping else advanced_layout(file) for file in files]
        for file, layout in zip(files, layouts, strict=True):
            for raw in grouped(file, layout):
                try:
                    rows = [check_row(row, layout, book) for row in raw.rows]
                except KickoutError as fault:
                    # Assumption: one bad row kicks out the whole bill, and all its rows get its message.
                    self.kicked_out.extend((file, str(fault), row) for row in raw.rows)
                else:
                    self._write(raw, rows)

    def _write(self, raw: RawBill, rows: list[CheckedRow]) -> None:
        first = rows[0]
        account_id, end = first.account["account_id"], first.end.isoformat()
        start = self._adjusted_start(account_id, first.start)
        ace = _first(rows, "aceFlag").upper()
        ace = ace if ace in ("A", "C", "E") else "A"
        own = self.task_id, self.batch["batch_id"]
        before = self.replaced[own]
        if ace != "C":
            # A bill is the same whether its start is as in the file or adjusted.
            self._replace(account_id, end, {start.isoformat(), first.start.isoformat()})
        cost = _cost(raw.layout, rows)
        too_long = (first.end - start).days > LONGEST_UNFLAGGED_DAYS
        self.bills += 1
        self.store.insert(
            "bills",
            batch_id=self.batch["batch_id"],
            task_id=self.task_id,
            account_id=account_id,
            account=first.account["code"],
            vendor=raw.layout.cell(raw.rows[0], "vendorCode") or first.account["vendor_code"],
            start=start.isoformat(),
            end=end,
            cost=float(cost),
            ace=ace,
            estimated=int(ace == "E"),
            voided=int(self.batch["status"] == "Pending"),
            analyzed_at=0.0,
            flagged=int((too_long or cost < 0) and not self.resolved),
            details=_details(rows, self.batch["defaults"]),
            rows=[
                {"meter": checked.meter, "lines": checked.lines, "cells": cells}
                for checked, cells in zip(rows, raw.rows, strict=True)
            ],
            note=_note(first.start, start, self.replaced[own] - before),
        )

    def _replace(self, account_id: int, end: str, starts: set[str]) -> None:
        """Delete the bills of an account and a period, and count whose they were."""
        found = self.store.rows(
            "SELECT bill_id, task_id, batch_id FROM bills WHERE account_id = ? AND end = ? AND start IN (?, ?)",
            account_id,
            end,
            min(starts),
            max(starts),
        )
        for bill in found:
            self.store.execute("DELETE FROM bills WHERE bill_id = ?", bill["bill_id"])
            self.replaced[bill["task_id"], bill["batch_id"]] += 1

    def _adjusted_start(self, account_id: int, start: date) -> date:
        """Return the start date. One that is the day after the previous bill's end becomes that end."""
        if start == date.min:
            return start
        before = start - timedelta(days=1)
        previous = self.store.number(
            "SELECT 1 FROM bills WHERE account_id = ? AND end = ? LIMIT 1", account_id, before.isoformat()
        )
        return before if previous else start


def _note(file_start: date, start: date, replaced: int) -> str | None:
    """Return a bill's note: its start in the file if it was adjusted, and what it replaced of this import."""
    notes = []
    if start != file_start:
        notes.append(f"The start date {file_start.isoformat()} was adjusted to the previous bill's end date.")
    if replaced:
        notes.append(f"It replaced {replaced} {'bill' if replaced == 1 else 'bills'} of the same import.")
    return " ".join(notes) or None


def grouped(file: BillFile, layout: Layout) -> Iterator[RawBill]:
    """
    Group consecutive rows with equal account code, start, end and vendor code.

    Only neighbours are compared: rows of one bill with other rows between them become two bills.
    """
    current: RawBill | None = None
    current_key: tuple[Any, ...] = ()
    for cells in file.rows:
        row = as_text(cells, layout.date_format)
        key = (
            layout.cell(row, "accountCode"),
            *(_day_or_text(layout.cell(row, name), layout.date_format) for name in ("startDate", "endDate")),
            layout.cell(row, "vendorCode"),
        )
        if current is None or key != current_key:
            if current is not None:
                yield current
            current, current_key = RawBill(file, layout), key
        current.rows.append(row)
    if current is not None:
        yield current


def _day_or_text(text: str, date_format: str) -> date | str:
    return parse_date(text, date_format) or text


def _cost(layout: Layout, rows: list[CheckedRow]) -> Decimal:
    """Return a bill's cost. Assumption: the sum of its line items in a currency, or of its pay amounts."""
    if any(item.unit.upper() in CURRENCIES for item in layout.line_items):
        return sum(
            (Decimal(line["value"]) for row in rows for line in row.lines if line["unit"].upper() in CURRENCIES),
            Decimal(0),
        )
    return sum((Decimal(row.details.get("payAmount", 0)) for row in rows), Decimal(0))


def _first(rows: list[CheckedRow], name: str) -> str:
    return next((str(row.details[name]) for row in rows if name in row.details), "")


def _details(rows: list[CheckedRow], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the bill's own details, with the batch's defaults where it has none."""
    own: dict[str, Any] = {}
    for row in reversed(rows):
        own.update(row.details)
    return {name: value for name, value in defaults.items() if value is not None} | own
