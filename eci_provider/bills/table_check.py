"""The check of one table: its rows, its bills, and how they relate to each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain
from typing import TypeAlias

from eci_provider.api.header_lookup import REQUIRED_FIELDS
from eci_provider.bills.bill_rows import BillRows
from eci_provider.bills.cell_check import CellCheck, Fault, Faults, date_fault
from eci_provider.bills.check_options import CheckOptions
from eci_provider.bills.history import BillHistory, BillStart, Period
from eci_provider.bills.keys import BillKey, BillKeys, KeyCells
from eci_provider.bills.layout import Layout
from eci_provider.bills.period_check import SHORTEST, PeriodCheck
from eci_provider.bills.rebills import METER
from eci_provider.bills.report import Problem, Tally
from eci_provider.bills.rules import RULES
from eci_provider.bills.tables import Rows, Table

#: How codes begin that EnergyCAP replaces by a meter of the account.
_AUTO = "!AUTO!"
#: How many days may be between two bills of a meter before one is missing.
_LONGEST_GAP = 20

# A bill: the index of its first row; its key; its first and last day, None where they are unknown or reversed; and
# the faults that all its rows share. A plain tuple, since there are millions.
_Bill: TypeAlias = "tuple[int, BillKey, Period | None, Sequence[Fault]]"


class TableCheck:
    """
    The check of one table.

    It takes many rows at a time and checks one thing of all of them before the next, which is faster than row by
    row.

    :param table: the table.
    :param layout: the meaning of its columns.
    :param options: the options of the check.
    :param tally: rows and bills are counted here.
    :param history: the bills of the tables before it.
    """

    def __init__(
        self, table: Table, layout: Layout, options: CheckOptions, tally: Tally, history: BillHistory
    ) -> None:
        self._table, self._layout, self._options, self._tally = table, layout, options, tally
        self._history = history
        self._keys = BillKeys(layout)
        self._cells = CellCheck(layout, len(table.header), self._keys.days)
        self._width = {len(table.header)}
        self._bill_rows = BillRows(layout)
        self._periods = PeriodCheck(options.longest_period, layout.date_format)
        # The last bill so far, its first row, the key's cells of its last row, and the detail of that.
        self._last_bill: _Bill = (0, ("", "", "", ""), None, ())
        self._last_start: BillStart | None = None
        self._last_cells: KeyCells = ()

    def problems(self) -> Iterator[Problem]:
        """Iterate over the problems while the table is read."""
        count = 0
        for stretch in self._table.stretches():
            numbers, rows = _without_empty(stretch)
            if not rows:
                continue
            faults: Faults = defaultdict(list)
            if set(map(len, rows)) != self._width:
                rows = self._cells.pad(rows, faults)
            else:
                self._cells.widths[len(self._table.header)] += len(rows)
            bills = self._check_bills(rows, faults)
            meters, labels = self._cells.meters(rows), self._cells.labels(rows)
            self._check_meters(bills, meters, labels, numbers, faults)
            self._bill_rows.check([bill[0] for bill in bills], rows, meters, labels, faults)
            self._cells.check(rows, faults)
            if self._table.is_workbook:
                self._cells.check_formulas(rows, faults)
            count += len(rows)
            # Counted at once, so that the count is right where the file cannot be read to its end.
            self._tally.rows += len(rows)
            for index in sorted(faults):
                yield from self._problems_of_row(numbers[index], rows[index], faults[index])
        yield from self._problems_at_end(count)

    def _problems_of_row(self, number: int, cells: list[str], faults: list[Fault]) -> Iterator[Problem]:
        header = self._table.header
        for code, index, message in faults:
            column = None if index is None else header[index]
            pairs = [(header[at] if at < len(header) else "", cell.strip()) for at, cell in enumerate(cells)]
            yield Problem(RULES[code], self._table.name, number, column, message, pairs)

    def _problems_at_end(self, rows: int) -> Iterator[Problem]:
        if not rows:
            yield Problem(
                RULES["no_rows"],
                self._table.name,
                None,
                None,
                f"It has no rows below its header.{self._table.sheet_note}",
            )
        if rows > self._options.most_rows:
            message = f"It has {rows:,} rows, EnergyCAP advises at most {self._options.most_rows:,}."
            yield Problem(RULES["too_many_rows"], self._table.name, None, None, message)
        if self._bill_rows.has_unreported:
            message = "Further bills have amounts of one meter in several rows."
            yield Problem(RULES["meter_summed"], self._table.name, None, None, message)

    def _check_bills(self, rows: list[list[str]], faults: Faults) -> list[_Bill]:
        """Return the bills that the rows belong to; the first one may have begun above them."""
        cells = self._keys.key_cells(rows)
        pairs = enumerate(zip(cells, chain((self._last_cells,), cells), strict=False))
        last, bills = self._last_bill, []
        for index in [index for index, (own, above) in pairs if own != above]:
            bill = self._bill(index, cells[index])
            if bill[1] <= last[1]:
                _, key_above, period, _ = last
                if bill[1] == key_above:
                    continue
                if period is not None and not _is_kicked_out(bill):
                    faults[index].append(_order_fault(key_above))
            bills.append(bill)
            last = bill
        self._tally.bills += len(bills)
        if bills and bills[0][0] == 0:
            self._last_start = None
            self._bill_rows.begin()
        else:
            bills.insert(0, (0, *self._last_bill[1:]))
        self._last_cells, self._last_bill = cells[-1], last
        return bills

    def _bill(self, index: int, cells: KeyCells) -> _Bill:
        """Return a bill with the faults that all its rows share."""
        key, start, end = self._keys.bill(cells)
        account, options = key[0], self._options
        if (
            start is not None
            and end is not None
            and start + SHORTEST <= end <= start + options.longest_period
            and end <= self._periods.last_day
            and account
            and (options.accounts is None or account in options.accounts)
        ):
            return index, key, (start, end), ()
        faults: list[Fault] = []
        if start is None or end is None or not account:
            faults = self._required_faults(cells)
        if options.accounts is not None and account and account not in options.accounts:
            faults.append(self._account_fault(account))
        if start is None or end is None:
            return index, key, None, faults
        column = self._layout.columns["end_date"]
        faults += [(code, column, message) for code, message in self._periods.faults(start, end)]
        return index, key, (start, end) if start <= end else None, faults

    def _required_faults(self, cells: KeyCells) -> list[Fault]:
        faults: list[Fault] = []
        for name, cell in zip(REQUIRED_FIELDS, cells, strict=False):
            text, index = cell.strip(), self._layout.columns[name]
            if not text:
                faults.append(("required_empty", index, "It must not be empty."))
            elif name != "account_code" and self._keys.days[text][1] is None:
                faults.append(date_fault(text, index, self._layout.date_format))
        return faults

    def _account_fault(self, account: str) -> Fault:
        index, nearest = self._layout.columns["account_code"], self._options.nearest_account(account)
        message = f"{account!r} is not among the accounts given."
        if nearest is not None and nearest.lstrip("0") == account.lstrip("0"):
            return "account_zeros_lost", index, f"{message} {nearest!r} is."
        return "account_unknown", index, message if nearest is None else f"{message} Did you mean {nearest!r}?"

    def _check_meters(
        self, bills: list[_Bill], meters: list[str], labels: Sequence[int], numbers: Sequence[int], faults: Faults
    ) -> None:
        """Add the faults of each row's bill, of its meter, and of its period beside the meter's other periods."""
        options, history = self._options, self._history
        are_known = options.meters is not None or options.meters_of is not None
        periods, older, add_overlapping = history.periods, history.older_periods, history.add_overlapping_period
        starts: list[BillStart] = []
        further: list[BillStart] = []
        begun, add_start = self._last_start, history.starts.add
        last_meter, last_label = None, 0
        coming = iter(bills)
        following = next(coming, None)
        for index, meter in enumerate(meters):
            if is_start := following is not None and index == following[0]:
                _, key, period, shared_faults = bill = following
                account, vendor, *_ = key
                following = next(coming, None)
                is_taken = period is not None and not (shared_faults and _is_kicked_out(bill))
                if index:
                    begun = None
            if shared_faults:
                faults[index] += shared_faults
            if are_known or not meter:
                faults[index] += self._meter_faults(meter, account)
            if period is None:
                continue
            label = labels[index]
            if not is_start and meter == last_meter and label == last_label:
                continue
            last_meter, last_label = meter, label
            hashed = hash((account, vendor, meter))
            if is_taken:
                if begun is None:
                    begun = key, numbers[index], hashed & METER | label
                    starts.append(begun)
                    if fault := add_start(account, period, label):
                        faults[index].append((fault[0], self._layout.columns["start_date"], fault[1]))
                else:
                    begun = key, begun[1], hashed & METER | label
                    further.append(begun)
            known = periods.get(hashed) or older.get(hashed)
            if not known or known[1] <= period[0]:
                periods[hashed] = period
                if known and period[0] - known[1] > _LONGEST_GAP:
                    faults[index].append(self._gap_fault(known[1], period[0]))
            elif known is not period and (other := add_overlapping(hashed, known, period)):
                faults[index].append(self._overlap_fault(other))
        self._last_start = begun
        history.add_bills(starts, further)
        self._tally.moved_starts = history.starts.moved
        history.forget_old_periods()

    def _meter_faults(self, meter: str, account: str) -> list[Fault]:
        index, options = self._cells.meter_column, self._options
        if index is None:
            return []
        if not meter:
            return [("meter_empty", index, "It is empty: the row is a charge of the account itself.")]
        known = options.meters if options.meters_of is None else options.meters_of.get(account)
        if known is None or meter in known or meter.startswith(_AUTO):
            return []
        return [("meter_unknown", index, f"{meter!r} is not among the meters given for account {account!r}.")]

    def _gap_fault(self, end: int, start: int) -> Fault:
        shown = date.fromordinal(end).isoformat()
        message = f"The bill before of this account and meter ends on {shown}, {start - end} days earlier."
        return "period_missing", self._layout.columns["start_date"], message

    def _overlap_fault(self, other: Period) -> Fault:
        start, end = [date.fromordinal(day).isoformat() for day in other]
        message = f"It overlaps the bill of this account and meter from {start} to {end}."
        return "period_overlap", self._layout.columns["start_date"], message


def _is_kicked_out(bill: _Bill) -> bool:
    return any(RULES[code].kicks_out for code, *_ in bill[3])


def _order_fault(key_above: BillKey) -> Fault:
    return "out_of_order", None, f"It belongs before the row above it ({', '.join(key_above)})."


def _without_empty(stretch: Rows) -> tuple[Sequence[int], list[list[str]]]:
    """Return the numbers and the cells of the rows that are not empty."""
    first, rows, _ = stretch
    numbers = range(first, first + len(rows))
    if all(rows):
        return numbers, rows
    indexes = [index for index, cells in enumerate(rows) if cells]
    return [numbers[index] for index in indexes], [rows[index] for index in indexes]
