"""The check of cells, each by itself: amounts, further dates, flags, and rows with more cells than the header."""

from __future__ import annotations

import re
from operator import itemgetter

from eci_provider.bills.dates import Days, other_formats
from eci_provider.bills.layout import Layout

#: A fault of a row: the rule's code, the field's place in the row, and what to say.
Fault = tuple[str, "int | None", str]
#: The faults of rows that are looked at together, by their place in the list of them.
Faults = dict[int, list[Fault]]

#: Digits, a sign, a point and an exponent, which workbooks hold; no thousands separators and no currencies.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# What nearly all cells of amounts hold. One pattern for all amounts of a row is quicker than float() for each,
# which reads infinity, too, and underscores and foreign digits between digits.
_PLAIN_NUMBER = r"(?:[+-]?[0-9]+\.?[0-9]*|)"
#: How many bad amounts of a row are told one by one; of more, how many there are.
_MOST_NUMBERS = 100
_FLAGS = {"ace_flag": ("ace_flag_unknown", "ACE"), "vpr_flag": ("vpr_flag_unknown", "VPR")}


class CellCheck:
    """
    Check a file's cells.

    :param layout: the meaning of its columns.
    :param width: how many columns its header names.
    :param days: reads its dates.
    """

    def __init__(self, layout: Layout, width: int, days: Days) -> None:
        self._layout, self._width, self._days = layout, width, days
        columns = layout.columns
        amounts = {*layout.observations}
        amounts |= {columns[name] for name in ("pay_amount", "service_charge") if name in columns}
        self._amounts = sorted(amounts)
        # Of one place itemgetter would return the cell itself, and no tuple of it.
        self._amounts_of = itemgetter(*self._amounts) if len(amounts) > 1 else self._one_amount_of
        self._are_plain = re.compile(",".join([_PLAIN_NUMBER] * len(amounts))).fullmatch
        self._dates = [columns[name] for name in ("statement_date", "due_date") if name in columns]
        self._flags = [(columns[name], *rule) for name, rule in _FLAGS.items() if name in columns]
        #: The column by which meters are told.
        self.meter_column = columns.get("meter_code", columns.get("serial_number"))

    def filled(self, rows: list[list[str]], faults: Faults) -> list[list[str]]:
        """
        Return rows with the cells filled in that lack at their ends.

        :param rows: the rows.
        :param faults: where those are added that have too many cells.
        """
        width = self._width
        for place, cells in enumerate(rows):
            if any(map(str.strip, cells[width:])):
                faults[place].append(("row_wide", None, f"It has {len(cells)} cells, the header names {width}."))
        return [cells + [""] * (width - len(cells)) for cells in rows]

    def look_at(self, rows: list[list[str]], faults: Faults) -> None:
        """
        Find the faults of rows.

        :param rows: the rows, each with a cell for each column at least.
        :param faults: where they are added.
        """
        joined = map(",".join, map(self._amounts_of, rows))
        for place in [place for place, plain in enumerate(map(self._are_plain, joined)) if not plain]:
            faults[place] += self._number_faults(rows[place])
        days = self._days
        for index in self._dates:
            for place, cells in enumerate(rows):
                if days[cells[index]][1] is None and (text := cells[index].strip()):
                    faults[place].append(date_fault(text, index, self._layout.date_format))
        for index, code, letters in self._flags:
            for place, cells in enumerate(rows):
                if (text := cells[index].strip()) and text.upper() not in [*letters]:
                    faults[place].append((code, index, f"{text!r} is none of {', '.join(letters)}."))

    def look_at_formulas(self, rows: list[list[str]], faults: Faults) -> None:
        """
        Find the mapped cells of a workbook whose formulas have no result.

        :param rows: the rows, likewise.
        :param faults: where they are added.
        """
        from eci_provider.bills.workbook import NO_RESULT

        mapped = sorted({*self._layout.columns.values(), *self._layout.observations})
        for place, cells in enumerate(rows):
            found = [index for index in mapped if cells[index] is NO_RESULT]
            if found:
                more = f" ({len(found)} cells of this row have none)" if len(found) > 1 else ""
                message = f"Its formula has no stored result{more}."
                faults[place].append(("formula_without_value", found[0], message))

    def meters(self, rows: list[list[str]]) -> list[str]:
        """
        Return the meter that each row names; empty where it names none.

        :param rows: the rows, likewise.
        """
        index, serial = self.meter_column, self._layout.columns.get("serial_number")
        if index is None:
            return [""] * len(rows)
        meters = [cells[index].strip() for cells in rows]
        if serial is None or serial == index:
            return meters
        return [meter or cells[serial].strip() for meter, cells in zip(meters, rows, strict=True)]

    def _one_amount_of(self, cells: list[str]) -> list[str]:
        return [cells[index] for index in self._amounts]

    def _number_faults(self, cells: list[str]) -> list[Fault]:
        shown = [(index, cells[index].strip()) for index in self._amounts]
        faults: list[Fault] = [
            ("number_unreadable", index, f"{text!r} is no number.")
            for index, text in shown
            if text and not _NUMBER.fullmatch(text)
        ]
        # Each is reported with the whole row.
        more = len(faults) - _MOST_NUMBERS
        if more > 0:
            faults[_MOST_NUMBERS:] = [("number_unreadable", None, f"{more:,} further amounts are no numbers.")]
        return faults


def date_fault(text: str, index: int, date_format: str) -> Fault:
    """
    Return the fault of a cell that holds no date.

    :param text: the cell, without spaces around it.
    :param index: its place in the row.
    :param date_format: the file's date format.
    """
    others = other_formats(text, date_format)
    if others:
        message = f"{text!r} is no date in the format {date_format}, but in {' or '.join(others)}."
        return "date_other_format", index, message
    return "date_unreadable", index, f"{text!r} is no date in the format {date_format}."
