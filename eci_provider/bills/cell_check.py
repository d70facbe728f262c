"""The check of single cells: amounts, further dates, flags, formulas, and rows wider than the header."""

from __future__ import annotations

import re
from collections import Counter
from operator import itemgetter
from typing import TypeAlias

from eci_provider.bills.code_check import DamagedCodes
from eci_provider.bills.dates import Days, other_formats, unknown_format
from eci_provider.bills.layout import Layout
from eci_provider.bills.rebills import label_of
from eci_provider.bills.workbook import NO_RESULT

#: A fault of a row: the rule's code, the index of the column or None, and a sentence.
Fault: TypeAlias = "tuple[str, int | None, str]"
#: The faults of some rows by the index of the row.
Faults: TypeAlias = "dict[int, list[Fault]]"

#: Digits, a sign, a point, and an exponent as workbooks have it; no thousands separator and no currency.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Nearly all amounts look like this. One pattern for all amounts of a row is faster than float() for each, which
# would also accept infinity, underscores and foreign digits.
_PLAIN_NUMBER = r"(?:[+-]?[0-9]+(?:\.[0-9]*)?|)"
# The parts of an amount that a comma divides: 1,234.50 and 1,234,567 and 12,50.
_HEAD = re.compile(r"[-+(]?[$€£]?[0-9]{1,3}")
_TAIL = re.compile(r"[0-9]{2,3}(?:\.[0-9]*)?[-)]?")
_MARK = "\ufeff"
#: How many sound codes are kept, about.
_MOST_SOUND = 4096
_CODES = ("account_code", "vendor_code", "meter_code", "serial_number", "invoice_number", "control_code")
#: How many bad amounts of a row are reported one by one; of further ones only the number.
_MOST_NUMBERS = 100
_FLAGS = {"ace_flag": ("ace_flag_unknown", "ACE"), "vpr_flag": ("vpr_flag_unknown", "VPR")}


class CellCheck:
    """
    The check of a file's cells.

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
        # With one index itemgetter returns the cell itself, and not a tuple.
        self._amounts_of = itemgetter(*self._amounts) if len(amounts) > 1 else self._one_amount_of
        self._are_plain = re.compile(",".join([_PLAIN_NUMBER] * len(amounts))).fullmatch
        self._dates = [columns[name] for name in ("statement_date", "due_date") if name in columns]
        self._no_amounts = "," * (len(amounts) - 1)
        #: The columns of codes.
        self._codes = sorted({columns[name] for name in _CODES if name in columns})
        self._damaged = DamagedCodes()
        # Codes with which nothing is wrong: whole sets are compared at once.
        self._sound: set[str] = set()
        #: How many rows have how many cells.
        self.widths = Counter({width: 1})
        self._mapped = sorted({*columns.values(), *layout.observations})
        self._flags = [(columns[name], *rule) for name, rule in _FLAGS.items() if name in columns]
        #: The column that identifies meters.
        self.meter_column = columns.get("meter_code", columns.get("serial_number"))

    def pad(self, rows: list[list[str]], faults: Faults) -> list[list[str]]:
        """
        Return rows with empty cells added where the header is wider.

        :param rows: the rows.
        :param faults: faults of rows that are wider than the header are added here.
        """
        width = self._width
        self.widths.update(map(len, rows))
        usual = max(width, self.widths.most_common(1)[0][0])
        for index, cells in enumerate(rows):
            is_wide = any(map(str.strip, cells[width:]))
            if (is_wide or len(cells) > usual) and (split := self._split_amount(cells)) is not None:
                message = (
                    f"A comma divides its amount into {cells[split].strip()!r} and {cells[split + 1].strip()!r}."
                )
                faults[index].append(("amount_divided", split, message))
            elif is_wide:
                faults[index].append(("row_wide", None, f"It has {len(cells)} cells, the header names {width}."))
            elif missing := [at for at in self._mapped if at >= len(cells)]:
                message = f"It has {len(cells)} cells only, {len(missing)} mapped columns have none."
                faults[index].append(("row_short", missing[0], message))
        return [cells + [""] * (width - len(cells)) for cells in rows]

    def check(self, rows: list[list[str]], faults: Faults) -> None:
        """
        Check rows.

        :param rows: the rows, as wide as the header at least.
        :param faults: what is wrong with them is added here.
        """
        joined = list(map(",".join, map(self._amounts_of, rows)))
        for row in [row for row, plain in enumerate(map(self._are_plain, joined)) if not plain]:
            faults[row] += self._number_faults(rows[row])
        if self._amounts:
            self._check_presence(rows, joined, faults)
        self._check_codes(rows, faults)
        days = self._days
        for index in self._dates:
            for row, cells in enumerate(rows):
                if days[cells[index]][1] is None and (text := cells[index].strip()):
                    faults[row].append(date_fault(text, index, self._layout.date_format))
        for index, code, letters in self._flags:
            for row, cells in enumerate(rows):
                if (text := cells[index].strip()) and text.upper() not in [*letters]:
                    faults[row].append((code, index, f"{text!r} is not one of {', '.join(letters)}."))

    def check_formulas(self, rows: list[list[str]], faults: Faults) -> None:
        """
        Find the mapped cells of a workbook whose formulas have no result.

        :param rows: the rows, as wide as the header at least.
        :param faults: what is wrong with them is added here.
        """
        for row, cells in enumerate(rows):
            found = [index for index in self._mapped if cells[index] is NO_RESULT]
            if found:
                more = f" ({len(found)} cells of this row have none)" if len(found) > 1 else ""
                message = f"Its formula has no stored result{more}."
                faults[row].append(("formula_without_value", found[0], message))

    def meters(self, rows: list[list[str]]) -> list[str]:
        """
        Return the meter that each row names; empty where it names none.

        :param rows: the rows, as wide as the header at least.
        """
        index, serial = self.meter_column, self._layout.columns.get("serial_number")
        if index is None:
            return [""] * len(rows)
        meters = [cells[index].strip() for cells in rows]
        if serial is None or serial == index:
            return meters
        return [meter or cells[serial].strip() for meter, cells in zip(meters, rows, strict=True)]

    def labels(self, rows: list[list[str]]) -> list[int]:
        """
        Return the label of each row: its flag A/C/E and its invoice number, as a number.

        :param rows: the rows, as wide as the header at least.
        """
        flag, invoice = (self._layout.columns.get(name) for name in ("ace_flag", "invoice_number"))
        if flag is None and invoice is None:
            return [0] * len(rows)
        cell = self._layout.cell
        return [label_of(cell(cells, "ace_flag"), cell(cells, "invoice_number")) for cells in rows]

    def _split_amount(self, cells: list[str]) -> int | None:
        """Return the index of an amount that an unquoted comma divides in two; None where there is none."""
        others = [index for index in range(len(cells) - 1) if index not in self._amounts]
        for index in (*self._amounts, *others):
            head, *tail = (cell.strip() for cell in cells[index : index + 2])
            if tail and _HEAD.fullmatch(head) and _TAIL.fullmatch(tail[0]):
                # In a row with a comma in a text, joining two of its numbers would move a text among the amounts.
                joined = [*cells[:index], "1", *cells[index + 2 :]]
                texts = [joined[at].strip() for at in self._amounts if at < len(joined)]
                if all(not text or _NUMBER.fullmatch(text) for text in texts):
                    return index
        return None

    def _check_presence(self, rows: list[list[str]], joined: list[str], faults: Faults) -> None:
        """Find rows without any amount."""
        # A text that is smaller than any digit or sign has only spaces and commas.
        if min(joined) > "-":
            return
        for row, text in enumerate(joined):
            if not text.strip(", ") and not any(rows[row][index] is NO_RESULT for index in self._amounts):
                faults[row].append(("amount_empty", self._amounts[0], "All its amounts are empty."))

    def _check_codes(self, rows: list[list[str]], faults: Faults) -> None:
        """Find codes that a spreadsheet program has changed, and the mark of a file that was joined to another."""
        damaged = self._damaged
        for index in self._codes:
            codes = {cells[index] for cells in rows}
            if codes <= self._sound:
                continue
            if any(map(damaged.__getitem__, codes)):
                for row, cells in enumerate(rows):
                    if damage := damaged[cells[index]]:
                        faults[row].append((damage[0], index, damage[1]))
            elif len(self._sound) < _MOST_SOUND:
                self._sound |= codes
            else:
                self._sound = codes
        if 0 not in self._codes and _MARK in "".join([cells[0] for cells in rows]):
            for row, cells in enumerate(rows):
                if cells[0][:1] == _MARK:
                    message = "It begins with the byte order mark of a file that was joined to this one."
                    faults[row].append(("code_hidden_character", 0, message))

    def _one_amount_of(self, cells: list[str]) -> list[str]:
        return [cells[index] for index in self._amounts]

    def _number_faults(self, cells: list[str]) -> list[Fault]:
        texts = [(index, cells[index].strip()) for index in self._amounts]
        faults: list[Fault] = [
            ("number_unreadable", index, f"{text!r} is not a number.")
            for index, text in texts
            if text and not _NUMBER.fullmatch(text)
        ]
        # The whole row is reported with each of them.
        more = len(faults) - _MOST_NUMBERS
        if more > 0:
            faults[_MOST_NUMBERS:] = [("number_unreadable", None, f"{more:,} further amounts are not numbers.")]
        return faults


def date_fault(text: str, index: int, date_format: str) -> Fault:
    """
    Return the fault of a cell that is not a date.

    :param text: the cell, without spaces around it.
    :param index: the index of its column.
    :param date_format: the file's date format.
    """
    others = other_formats(text, date_format)
    if others:
        message = (
            f"{text!r} is not a date in the format {date_format}, but in {' or '.join(others)}. If all dates "
            "are like this, set date_format."
        )
        return "date_other_format", index, message
    message = f"{text!r} is not a date in the format {date_format}."
    looks = unknown_format(text)
    if looks is not None:
        message += f" It looks like {looks}. Set date_format, or prepare the file."
    return "date_unreadable", index, message
