"""Which rows are one bill: neighbours with the same account, dates and vendor."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from operator import itemgetter
from typing import TypeAlias

from eci_provider.bills.dates import Days
from eci_provider.bills.layout import Layout

#: What tells a bill from others: the account's code, the vendor's code (empty where there is none), its start and
#: its end as yyyymmdd. Bills in the order of their keys are in the documented one (help centre, sort order of
#: rows). A plain tuple, for there are millions.
BillKey: TypeAlias = "tuple[str, str, str, str]"
#: What a row itself says of its bill: account, start, end and vendor, if the file has vendors.
Written: TypeAlias = "tuple[str, ...]"


class BillKeys:
    """
    Tell of a file's rows which bill they belong to.

    :param layout: the meaning of its columns.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.days = Days(layout.date_format)
        self._fields = ["account_code", "start_date", "end_date"]
        if "vendor_code" in layout.columns:
            self._fields.append("vendor_code")
        #: Returns what a row itself says, equal for most rows of one bill; raises ``IndexError`` for a short row.
        self.written: Callable[[list[str]], Written] = itemgetter(
            *(layout.columns[field] for field in self._fields)
        )

    def written_short(self, cells: list[str]) -> Written:
        """
        Return the same of a row that lacks cells at its end.

        :param cells: the row's cells.
        """
        return tuple(self._layout.cell(cells, field) for field in self._fields)

    def key(self, written: Written) -> BillKey:
        """
        Return the key of the bill, the same one however its dates are written.

        :param written: what :attr:`written` says.
        """
        return self.bill(written)[0]

    def bill(self, written: Written) -> tuple[BillKey, int | None, int | None]:
        """
        Return a bill's key, its first and its last day, as numbers of days; None where they are none.

        :param written: what :attr:`written` says.
        """
        days = self.days
        start_text, start = days[written[1]]
        end_text, end = days[written[2]]
        vendor = written[3].strip() if len(written) > 3 else ""
        return (written[0].strip(), vendor, start_text, end_text), start, end

    def key_of(self, cells: list[str]) -> BillKey:
        """
        Return the key of the bill that a row belongs to.

        :param cells: the row's cells.
        """
        try:
            return self.key(self.written(cells))
        except IndexError:
            return self.key(self.written_short(cells))

    def are_one_bill(self, written: Written, other: Written) -> bool:
        """
        Tell whether two rows that say different things are of one bill all the same.

        :param written: what :attr:`written` says of one.
        :param other: what it says of the other.
        """
        if written[0].strip() != other[0].strip():
            return False
        return self.key(written) == self.key(other)

    def said(self, rows: list[list[str]]) -> list[Written]:
        """
        Return what each of some rows says of its bill.

        :param rows: the cells of each.
        """
        try:
            return list(map(self.written, rows))
        except IndexError:
            return list(map(self.written_short, rows))

    def starts(self, said: list[Written], last: Written) -> list[int]:
        """
        Return at which of some rows a bill starts, the others being of the bill before.

        :param said: what each row says.
        :param last: what the row before them says; empty where there is none.
        """
        days, are_one_bill = self.days, self.are_one_bill
        return [
            place
            for place, (own, before) in enumerate(zip(said, chain((last,), said), strict=False))
            # Neighbours differ in their start, as a rule: nothing else is looked at then.
            if own != before and not (before and days[own[1]] == days[before[1]] and are_one_bill(own, before))
        ]
