"""The check of one file: its rows, its bills, and what they are to each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from eci_provider.api.header_lookup import REQUIRED_FIELDS
from eci_provider.bills.cell_check import CellCheck, Fault, Faults, date_fault
from eci_provider.bills.keys import BillKey, BillKeys, Written
from eci_provider.bills.layout import Layout
from eci_provider.bills.report import Problem, Tally
from eci_provider.bills.rules import RULES

if TYPE_CHECKING:
    from eci_provider.bills.bounds import Bounds
    from eci_provider.bills.seen import Seen
    from eci_provider.bills.tables import Rows, Table

_AUTO = "!AUTO!"
#: In how long a bill doubled rows are looked for.
_LONGEST_BILL = 50_000


# A bill: at which place of a stretch it starts; its key; its first and last day, as numbers of days, None where
# they are none or in the wrong order; and what is wrong with all its rows. A plain tuple, for there are millions.
_Bill = tuple[int, BillKey, "tuple[int, int] | None", Sequence[Fault]]


class TableCheck:
    """
    Check a file.

    Some rows at a time are looked at from one side after the other, which is quicker than row by row.

    :param table: the file.
    :param layout: the meaning of its columns.
    :param bounds: what to measure with.
    :param tally: where rows and bills are counted.
    :param seen: the bills of the files before it.
    """

    def __init__(self, table: Table, layout: Layout, bounds: Bounds, tally: Tally, seen: Seen) -> None:
        self._table, self._layout, self._bounds, self._tally = table, layout, bounds, tally
        self._seen = seen
        self._keys = BillKeys(layout)
        self._cells = CellCheck(layout, len(table.header), self._keys.days)
        self._width = {len(table.header)}
        self._amount = layout.observations[0] if layout.observations else layout.columns["account_code"]
        # The last bill, what its last row says of it, and the hashes of all its rows.
        self._last_bill: _Bill = (0, ("", "", "", ""), None, ())
        self._last: Written = ()
        self._last_rows: set[int] = set()

    def problems(self) -> Iterator[Problem]:
        """Iterate over the problems, while the file is read."""
        count = 0
        for stretch in self._table.stretches():
            numbers, rows = _without_empty(stretch)
            if not rows:
                continue
            faults: Faults = defaultdict(list)
            if set(map(len, rows)) != self._width:
                rows = self._cells.filled(rows, faults)
            bills = self._bills(rows, numbers, faults)
            self._look_at_meters(bills, rows, faults)
            self._look_at_doubles(bills, rows, faults)
            self._cells.look_at(rows, faults)
            if self._table.is_workbook:
                self._cells.look_at_formulas(rows, faults)
            count += len(rows)
            # At once: what cannot be read further down does not undo what was checked.
            self._tally.rows += len(rows)
            for place in sorted(faults):
                yield from self._told(numbers[place], rows[place], faults[place])
        yield from self._end(count)

    def _told(self, number: int, cells: list[str], faults: list[Fault]) -> Iterator[Problem]:
        header = self._table.header
        for code, index, message in faults:
            column = None if index is None else header[index]
            shown = [(header[at] if at < len(header) else "", cell.strip()) for at, cell in enumerate(cells)]
            yield Problem(RULES[code], self._table.name, number, column, message, shown)

    def _bills(self, rows: list[list[str]], numbers: Sequence[int], faults: Faults) -> list[_Bill]:
        """Look at the bills of a stretch, the first of which may have begun before, and return them."""
        said = self._keys.said(rows)
        pairs = enumerate(zip(said, chain((self._last,), said), strict=False))
        last, bills = self._last_bill, []
        for place in [place for place, (own, before) in pairs if own != before]:
            bill = self._bill(place, said[place])
            if bill[1] <= last[1]:
                _, before, period, _ = last
                if bill[1] == before:
                    continue
                if period is not None and not _is_kicked_out(bill):
                    faults[place].append(_order_fault(before))
            bills.append(bill)
            last = bill
        self._tally.bills += len(bills)
        known = [bill for bill in bills if not bill[3] or not _is_kicked_out(bill)]
        if known:
            places, keys, *_ = zip(*known, strict=True)
            self._seen.note_bills(keys, map(numbers.__getitem__, places))
        if bills and bills[0][0] == 0:
            self._last_rows = set()
        else:
            bills.insert(0, (0, *self._last_bill[1:]))
        self._last, self._last_bill = said[-1], last
        return bills

    def _bill(self, place: int, written: Written) -> _Bill:
        """Look at what all rows of a bill have in common."""
        key, start, end = self._keys.bill(written)
        account, bounds = key[0], self._bounds
        if (
            start is not None
            and end is not None
            and start <= end <= start + bounds.longest_period
            and account
            and (bounds.accounts is None or account in bounds.accounts)
        ):
            return place, key, (start, end), ()
        faults: list[Fault] = []
        if start is None or end is None or not account:
            faults = self._required_faults(written)
        if bounds.accounts is not None and account and account not in bounds.accounts:
            message = f"{account!r} is not among the accounts given."
            faults.append(("account_unknown", self._layout.columns["account_code"], message))
        if start is None or end is None:
            return place, key, None, faults
        if not start <= end <= start + bounds.longest_period:
            faults.append(self._period_fault(end - start, written))
        return place, key, (start, end) if start <= end else None, faults

    def _required_faults(self, written: Written) -> list[Fault]:
        faults: list[Fault] = []
        for name, cell in zip(REQUIRED_FIELDS, written, strict=False):
            text, index = cell.strip(), self._layout.columns[name]
            if not text:
                faults.append(("required_empty", index, "It must not be empty."))
            elif name != "account_code" and self._keys.days[text][1] is None:
                faults.append(date_fault(text, index, self._layout.date_format))
        return faults

    def _period_fault(self, days: int, written: Written) -> Fault:
        index = self._layout.columns["end_date"]
        if days < 0:
            return (
                "end_before_start",
                index,
                f"The end {written[2].strip()} is before the start {written[1].strip()}.",
            )
        return "period_long", index, f"The period is {days} days long, more than {self._bounds.longest_period}."

    def _look_at_doubles(self, bills: list[_Bill], rows: list[list[str]], faults: Faults) -> None:
        """Compare the rows of each bill with each other."""
        last, amount = len(rows), self._amount
        spans = pairwise([*[bill[0] for bill in bills], last])
        # Most bills have one row. Only the first may have begun before, and the last may go on.
        for start, end in [(start, end) for start, end in spans if end - start > 1 or not start or end == last]:
            # Rows of different amounts are no doubles, and that is seen at once.
            if start and end != last and len({cells[amount].strip() for cells in rows[start:end]}) == end - start:
                continue
            if start:
                self._last_rows = set()
            known = self._last_rows
            for place in range(start, end):
                hashed = _hash(rows[place])
                if hashed in known:
                    faults[place].append(("row_duplicate", None, "The same row stands above in the same bill."))
                elif len(known) < _LONGEST_BILL:
                    known.add(hashed)

    def _look_at_meters(self, bills: list[_Bill], rows: list[list[str]], faults: Faults) -> None:
        """Find what is wrong with each row's bill and meter, and with its bill beside the meter's last one."""
        bounds = self._bounds
        are_known = bounds.meters is not None or bounds.meters_of is not None
        periods, older, overlapped = self._seen.periods, self._seen.older_periods, self._seen.overlapped
        coming = iter(bills)
        following = next(coming, None)
        for place, meter in enumerate(self._cells.meters(rows)):
            if following is not None and place == following[0]:
                _, (account, vendor, *_), period, bad = following
                following = next(coming, None)
            if bad:
                faults[place] += bad
            if are_known or not meter:
                faults[place] += self._meter_faults(meter, account)
            if period is None:
                continue
            hashed = hash((account, vendor, meter))
            known = periods.get(hashed) or older.get(hashed)
            if not known or known[1] <= period[0]:
                periods[hashed] = period
            elif known is not period and (other := overlapped(hashed, known, period)):
                faults[place].append(self._overlap_fault(other))
        self._seen.forget_old_periods()

    def _meter_faults(self, meter: str, account: str) -> list[Fault]:
        index, bounds = self._cells.meter_column, self._bounds
        if index is None:
            return []
        if not meter:
            return [("meter_empty", index, "It is empty: the row is a charge of the account itself.")]
        known = bounds.meters if bounds.meters_of is None else bounds.meters_of.get(account)
        if known is None or meter in known or meter.startswith(_AUTO):
            return []
        return [("meter_unknown", index, f"{meter!r} is not among the meters given for account {account!r}.")]

    def _overlap_fault(self, before: tuple[int, int]) -> Fault:
        start, end = [date.fromordinal(day).isoformat() for day in before]
        message = f"It overlaps the bill of this account and meter from {start} to {end}."
        return "period_overlap", self._layout.columns["start_date"], message

    def _end(self, rows: int) -> Iterator[Problem]:
        """Iterate over what shows only when the whole file is known."""
        if not rows:
            yield Problem(RULES["no_rows"], self._table.name, None, None, "It has no row below its header.")
        if rows > self._bounds.most_rows:
            message = f"It has {rows:,} rows, EnergyCAP advises at most {self._bounds.most_rows:,}."
            yield Problem(RULES["too_many_rows"], self._table.name, None, None, message)


def _hash(cells: list[str]) -> int:
    """Return a hash of a row's cells, however they were written: with spaces around them, or empty ones behind."""
    text = "\0".join(cells).strip(" ")
    if "\0 " in text or " \0" in text:
        text = "\0".join(map(str.strip, cells))
    return hash(text.rstrip("\0"))


def _is_kicked_out(bill: _Bill) -> bool:
    return any(RULES[code].kicks_out for code, *_ in bill[3])


def _order_fault(before: BillKey) -> Fault:
    return "out_of_order", None, f"It belongs before the row above it ({', '.join(before)})."


def _without_empty(stretch: Rows) -> tuple[Sequence[int], list[list[str]]]:
    """Return the rows' numbers and cells, empty rows left out."""
    first, rows, _ = stretch
    numbers = range(first, first + len(rows))
    if all(rows):
        return numbers, rows
    places = [place for place, cells in enumerate(rows) if cells]
    return [numbers[place] for place in places], [rows[place] for place in places]
