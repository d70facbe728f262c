"""A table's rows in the documented order, as long as that changes no bill."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from eci_provider.bills.dates import ADVANCED_DATE_FORMAT, read_date
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.keys import BillKey, BillKeys
from eci_provider.bills.layout import Layout
from eci_provider.bills.parts import Stretch
from eci_provider.bills.rebills import detail_of, differ, label_of, meter_bits
from eci_provider.bills.row_sort import Mark, sorted_rows
from eci_provider.bills.starts import StartModel
from eci_provider.bills.tables import Table

#: How many sorted rows are written at once.
_SORTED_ROWS = 64


def sorted_stretches(table: Table, keys: BillKeys, layout: Layout) -> Iterator[Stretch]:
    """
    Iterate over a table's rows in the order account, vendor, start, end.

    :param table: the table; empty rows are left out.
    :param keys: the keys of its bills.
    :param layout: the meaning of its columns.
    :raises EciBillFileError: at the first row that would become a part of another bill than it is, or whose bill
        would replace another one.
    """
    ordered = sorted_rows(_marked_rows(table, keys, layout))
    guard = _SortGuard(table.name)
    last: BillKey = ("", "", "", "")
    is_first = True
    while some := list(islice(ordered, _SORTED_ROWS)):
        starts, accounts = [], []
        for index, (key, mark, _) in enumerate(some):
            if is_first or key != last:
                starts.append(index)
                if is_first or key[0] != last[0]:
                    accounts.append(index)
                guard.begin(key, mark)
                is_first, last = False, key
            else:
                guard.add(mark)
        yield Stretch("", [raw for *_, raw in some], starts, accounts)


def _marked_rows(table: Table, keys: BillKeys, layout: Layout) -> Iterator[tuple[BillKey, Mark, str]]:
    header = table.preamble
    line_end = header[len(header.rstrip("\r\n")) :]
    last: BillKey | None = None
    bill = 0
    for number, cells, raw in table.rows():
        if not cells:
            continue
        key = keys.key_of(cells)
        bill, last = bill + (key != last), key
        label = label_of(layout.cell(cells, "ace_flag"), layout.cell(cells, "invoice_number"))
        detail = detail_of(hash(layout.meter(cells)), label)
        # Only the last row of a file may lack a line end, and it may not be the last one once sorted.
        yield key, (number, bill, detail), raw if raw.endswith(("\n", "\r")) else raw + line_end


class _SortGuard:
    """
    Refuses a sort that changes a bill.

    :param file: the table's name.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._starts = StartModel()
        # Of the bill that is sorted: its first row, the number in the file of its last row's bill, the meters of
        # that one's rows, and those of the rows before.
        self._first: Mark = (0, 0, 0)
        self._bill = 0
        self._meters: set[int] = set()
        self._before: set[int] = set()

    def begin(self, key: BillKey, mark: Mark) -> None:
        """
        Begin a bill.

        :param key: its key.
        :param mark: the mark of its first row.
        :raises EciBillFileError: when it would replace another bill, or be replaced, as sorted.
        """
        number, self._bill, detail = self._first = mark
        self._meters, self._before = {meter_bits(detail)}, set()
        period = _period(key)
        if period is None:
            return
        fault = self._starts.add(key[0], period, detail)
        if fault is not None and fault[0] == "start_meets_bill":
            problem = f"it cannot be sorted: {fault[1]}"
            raise EciBillFileError(problem, file=self._file, row=number)

    def add(self, mark: Mark) -> None:
        """
        Add a row to the bill.

        :param mark: its mark.
        :raises EciBillFileError: when it belongs to a rebill.
        """
        number, bill, detail = mark
        if bill != self._bill:
            self._bill = bill
            self._before |= self._meters
            self._meters = set()
        meter = meter_bits(detail)
        if meter in self._before or (self._before and differ(self._first[2], detail)):
            problem = (
                f"it cannot be sorted: it has the account and the dates of row {self._first[0]}, and the same "
                "meter, or another flag A/C/E or invoice number. In order, the two would be added up. Remove the "
                "row that does not count, or leave the file as it is."
            )
            raise EciBillFileError(problem, file=self._file, row=number)
        self._meters.add(meter)


def _period(key: BillKey) -> tuple[int, int] | None:
    """Return the first and the last day of a bill that the importer takes, as numbers of days."""
    start, end = (read_date(text, ADVANCED_DATE_FORMAT) for text in key[2:])
    return None if start is None or end is None or end < start else (start.toordinal(), end.toordinal())
