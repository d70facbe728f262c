"""The rows of one bill beside each other: repeated rows, amounts that are added up, flags that differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from eci_provider.bills.cell_check import Fault, Faults
from eci_provider.bills.layout import Layout
from eci_provider.bills.rebills import differ, flags_differ

#: Rows are compared among so many of a bill.
_LONGEST_BILL = 50_000
#: How many bills of a table whose amounts are added up are reported one by one.
_MOST_SUMMED = 100
_AMOUNT = re.compile("[1-9]")


class BillRows:
    """
    The check of the rows of each bill of a table.

    :param layout: the meaning of the table's columns.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._amount = layout.observations[0] if layout.observations else layout.columns["account_code"]
        #: How many bills with amounts that are added up were found, until there are more than are reported.
        self.summed = 0
        # Of the last bill so far: the hashes of its rows, the label of its first row, and of each meter the label
        # and the columns with amounts.
        self._rows: set[int] = set()
        self._label = 0
        self._meters: dict[str, tuple[int, set[int]]] = {}

    @property
    def has_unreported(self) -> bool:
        """Return whether there are bills with amounts that are added up which were not reported one by one."""
        return self.summed > _MOST_SUMMED

    def check(
        self,
        starts: Sequence[int],
        rows: list[list[str]],
        meters: Sequence[str],
        labels: Sequence[int],
        faults: Faults,
    ) -> None:
        """
        Compare the rows of each bill with each other.

        :param starts: the indexes of the rows at which bills start; the first one may have begun above.
        :param rows: the rows.
        :param meters: the meter of each.
        :param labels: the label of each, as :func:`~eci_provider.bills.rebills.label_of` returns it.
        :param faults: what is wrong with them is added here.
        """
        last = len(rows)
        # Most bills have one row. The first bill may have begun above, and the last one may continue below.
        spans = pairwise([*starts, last])
        amount, is_unlabelled, is_full = self._amount, not any(labels), self.has_unreported
        for start, end in [(start, end) for start, end in spans if end - start > 1 or not start or end == last]:
            if start and end != last and (is_unlabelled or len(set(labels[start:end])) == 1):
                # Rows with different amounts, or of different meters, are no duplicates.
                if is_full and len({cells[amount].strip() for cells in rows[start:end]}) == end - start:
                    continue
                if len(set(meters[start:end])) == end - start:
                    continue
            if start:
                self.begin()
            for index in range(start, end):
                if fault := self._fault(rows[index], meters[index], labels[index]):
                    faults[index].append(fault)

    def begin(self) -> None:
        """Begin a bill with the next row."""
        self._rows, self._meters, self._label = set(), {}, 0

    def _fault(self, cells: list[str], meter: str, label: int) -> Fault | None:
        """Return what is wrong with a row beside those above it in its bill."""
        hashed = _hash(cells)
        if hashed in self._rows:
            return "row_duplicate", None, "The same row is above it in the same bill."
        if len(self._rows) >= _LONGEST_BILL:
            return None
        self._rows.add(hashed)
        first, self._label = self._label, self._label or label
        amounts = {index for index in self._layout.observations if _AMOUNT.search(cells[index])}
        known = self._meters.setdefault(meter, (label, amounts))
        if known[1] is not amounts:
            if differ(known[0], label):
                return "rows_summed", self._label_column, f"A row above it is of the same meter {meter!r}."
            if known[1] & amounts:
                column = min(known[1] & amounts)
                self._meters[meter] = (label, set())
                self.summed += 1
                if self.summed <= _MOST_SUMMED:
                    return "meter_summed", column, f"A row above it has an amount of the same meter {meter!r}."
            known[1].update(amounts)
        if flags_differ(first, label):
            return "flags_mixed", self._label_column, "The first row of its bill has another flag."
        return None

    @property
    def _label_column(self) -> int | None:
        columns = self._layout.columns
        return columns.get("ace_flag", columns.get("invoice_number"))


def _hash(cells: list[str]) -> int:
    """Return a hash of a row's cells; spaces around cells and empty cells at the end make no difference."""
    text = "\0".join(cells).strip(" ")
    if "\0 " in text or " \0" in text:
        text = "\0".join(map(str.strip, cells))
    return hash(text.rstrip("\0"))
