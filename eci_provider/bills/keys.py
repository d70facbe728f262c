"""The key of a bill: consecutive rows with the same account, dates and vendor are one bill."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from operator import itemgetter
from typing import TypeAlias

from eci_provider.bills.dates import Days
from eci_provider.bills.layout import Layout

#: Account code, vendor code (empty where there is none), and start and end as yyyymmdd. Bills sorted by their keys
#: are in the documented order (help centre, sort order of rows). A plain tuple, since there are millions.
BillKey: TypeAlias = "tuple[str, str, str, str]"
#: The same cells as a row has them: account, start, end, and vendor if the file has vendors.
KeyCells: TypeAlias = "tuple[str, ...]"


class BillKeys:
    """
    The keys of a file's bills.

    :param layout: the meaning of its columns.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.days = Days(layout.date_format)
        self._fields = ["account_code", "start_date", "end_date"]
        if "vendor_code" in layout.columns:
            self._fields.append("vendor_code")
        self._key_cells: Callable[[list[str]], KeyCells] = itemgetter(
            *(layout.columns[field] for field in self._fields)
        )

    def key(self, key_cells: KeyCells) -> BillKey:
        """
        Return a bill's key, whatever way its dates are written.

        :param key_cells: the key's cells in one of its rows.
        """
        return self.bill(key_cells)[0]

    def bill(self, key_cells: KeyCells) -> tuple[BillKey, int | None, int | None]:
        """
        Return a bill's key, its first and its last day, as numbers of days; None for what is not a date.

        :param key_cells: the key's cells in one of its rows.
        """
        days = self.days
        start_text, start = days[key_cells[1]]
        end_text, end = days[key_cells[2]]
        vendor = key_cells[3].strip() if len(key_cells) > 3 else ""
        return (key_cells[0].strip(), vendor, start_text, end_text), start, end

    def key_of(self, cells: list[str]) -> BillKey:
        """
        Return the key of the bill that a row belongs to.

        :param cells: the row's cells.
        """
        try:
            return self.key(self._key_cells(cells))
        except IndexError:
            return self.key(self._key_cells_of_short(cells))

    def key_cells(self, rows: list[list[str]]) -> list[KeyCells]:
        """
        Return the key's cells of each row.

        :param rows: the cells of each row.
        """
        try:
            return list(map(self._key_cells, rows))
        except IndexError:
            return list(map(self._key_cells_of_short, rows))

    def starts(self, key_cells: list[KeyCells], last: KeyCells) -> list[int]:
        """
        Return the indexes of the rows at which a bill starts; the others belong to the bill before.

        :param key_cells: the key's cells of each row.
        :param last: those of the row above; empty where there is none.
        """
        days, is_same_bill = self.days, self._is_same_bill
        return [
            index
            for index, (own, above) in enumerate(zip(key_cells, chain((last,), key_cells), strict=False))
            # Bills that follow each other mostly differ in their start, which is the fastest to compare.
            if own != above and not (above and days[own[1]] == days[above[1]] and is_same_bill(own, above))
        ]

    def _is_same_bill(self, key_cells: KeyCells, other: KeyCells) -> bool:
        """Return whether two rows that are written differently belong to the same bill."""
        return key_cells[0].strip() == other[0].strip() and self.key(key_cells) == self.key(other)

    def _key_cells_of_short(self, cells: list[str]) -> KeyCells:
        """Return the key's cells of a row that lacks cells at its end."""
        return tuple(self._layout.cell(cells, field) for field in self._fields)
