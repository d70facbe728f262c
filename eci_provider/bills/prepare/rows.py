"""What each row of the source becomes: rows of bills, one or several, or a row that is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

from eci_provider.bills.prepare.cells import Cell, cell_text
from eci_provider.bills.prepare.columns import ACE_FLAGS, Columns
from eci_provider.bills.prepare.faults import LeftOutRow, RowError
from eci_provider.bills.prepare.header import Header, is_repeated
from eci_provider.bills.prepare.result import Sums
from eci_provider.bills.prepare.values import AmountReader, Cells, DateReader, TextReader, ValueReaders
from eci_provider.bills.recipe.model import DATE_FIELDS, BillFileRecipe, Fields
from eci_provider.bills.recipe.values import Amount, Match, decimals_of
from eci_provider.core.memo import Memo

#: What separates the cells of a record, which is one text so that a sort can keep many of them.
SEPARATOR = "\x1f"
#: What a start begins with that follows from the bill before; behind it that of the meter's first bill, if known.
OPEN_START = "~"
#: The cells of a row of the output, before it is sorted.
Record: TypeAlias = "list[str]"


class RowMaker:
    """
    Makes the rows of the output from those of the source, and counts both.

    :param recipe: the recipe.
    :param header: the header of the table.
    :param columns: the columns of the output.
    :param sums: where amounts are counted.
    """

    def __init__(self, recipe: BillFileRecipe, header: Header, columns: Columns, sums: Sums) -> None:
        readers = ValueReaders(recipe, header)
        self._header = header
        self._parts = [_Part(part, readers, columns, sums) for part in recipe.parts()]
        self._leave_out = [match_test(match, header) for match in recipe.leave_out]
        self._ends_at = [match_test(match, header) for match in recipe.ends_at]
        self._needed = header.width_of(recipe.used_columns())
        self._width = len(header.names) if header.row else None
        #: Whether the table has ended.
        self.is_below = False

    def make(self, number: int, cells: Cells) -> list[Record] | LeftOutRow:
        """
        Return what a row becomes.

        :param number: its number.
        :param cells: its cells, of which one has content.
        """
        if self._leave_out or self._ends_at or self.is_below:
            left_out = self._left_out_by_recipe(number, cells)
            if left_out is not None:
                return left_out
        try:
            if len(cells) != self._width:
                self._check_width(cells)
            records = [record for part in self._parts if (record := part.record(cells))]
        except RowError as fault:
            if is_repeated(cells, self._header):
                return self._row(number, cells, "repeated_header", "it repeats the header", None, is_fault=False)
            return self._row(number, cells, fault.code, fault.message, fault.column, is_fault=True)
        if not records:
            return self._row(number, cells, "no_amount", "it has no amount", None, is_fault=False)
        for part in self._parts:
            part.count()
        return records

    def _left_out_by_recipe(self, number: int, cells: Cells) -> LeftOutRow | None:
        if not self.is_below:
            self.is_below = any(matches(cells) for matches, _ in self._ends_at)
        if self.is_below:
            return self._row(number, cells, "below_table", "it is below the table", None, is_fault=False)
        for matches, reason in self._leave_out:
            if matches(cells):
                return self._row(number, cells, "left_out", reason, None, is_fault=False)
        return None

    def _row(
        self, number: int, cells: Cells, code: str, reason: str, column: str | None, *, is_fault: bool
    ) -> LeftOutRow:
        for part in self._parts:
            part.count_left_out(cells)
        return LeftOutRow(number, code, reason, column, tuple(cells), is_fault)

    def _check_width(self, cells: Cells) -> None:
        if len(cells) < self._needed:
            problem = f"it ends after {len(cells)} cells, and the recipe reads {self._needed}."
            raise RowError("row_short", problem)
        if self._width is not None and any(map(cell_text, cells[self._width :])):
            problem = (
                f"it has more cells than the header has columns ({self._width}). Look for a delimiter or a "
                "thousands mark that should be in quotes."
            )
            raise RowError("row_wide", problem)


class _Part:
    """One of the rows that each row becomes."""

    def __init__(self, part: Fields, readers: ValueReaders, columns: Columns, sums: Sums) -> None:
        values = part.values()
        self._width = len(columns.names)
        if not (part.account_code and part.end_date and part.start_date):
            raise TypeError("the model of a recipe refuses one without account, start or end")
        self._account = readers.text(part.account_code)
        self._end = readers.bill_day(part.end_date, of_start=False)
        self._start = readers.start(part.start_date, part.end_date)
        self._first = part.start_date.first
        self._column_of = {name: value.column for name, value in values.items()}
        self._ace = readers.text(part.ace_flag) if part.ace_flag else _always("A")
        special = ("account_code", "start_date", "end_date", "ace_flag")
        self._texts: list[tuple[int, TextReader]] = []
        self._days: list[tuple[int, DateReader]] = []
        self._amounts: list[AmountColumn] = []
        for name, value in values.items():
            index = columns.index(name)
            if name in special:
                continue
            if isinstance(value, Amount):
                self._amounts.append(AmountColumn(index, name, readers.number(value), value, sums))
            elif name in DATE_FIELDS:
                self._days.append((index, readers.day(value)))  # type: ignore[arg-type]
            else:
                self._texts.append((index, readers.text(value)))
        #: Without one of these a row is no bill.
        self._main = len(self._amounts)
        for name, amount in part.amounts.items():
            index = columns.index(name)
            self._amounts.append(AmountColumn(index, name, readers.number(amount), amount, sums))
        self._blank = [""] * self._width

    def record(self, cells: Cells) -> Record | None:
        """Return the record of a row; None where it has no amount."""
        amounts = self._amounts
        is_empty = True
        record = self._blank.copy()
        for column in amounts:
            value = column.pending = column.read(cells)
            if value is not None:
                is_empty = False
                record[column.index] = column.written(value)
        if is_empty or all(column.pending is None for column in amounts[self._main :]):
            for column in amounts:
                column.pending = None
            return None
        record[0] = account = self._account(cells)
        if not account:
            raise RowError("account_missing", "it has no account code.", self._column_of["account_code"])
        record[3] = ace = self._ace(cells).upper()
        if ace not in ACE_FLAGS:
            problem = f"{ace[:20]!r} is no A/C/E flag. Use a look-up table that makes it A, C or E."
            raise RowError("ace_flag_unknown", problem, self._column_of.get("ace_flag"))
        for index, text in self._texts:
            record[index] = text(cells)
        self._set_period(record, cells)
        for index, day in self._days:
            found = day(cells)
            record[index] = "" if found is None else day_text(found)
        if any(SEPARATOR in cell for cell in record):
            raise RowError("control_character", "it has a control character (unit separator). Remove it.")
        return record

    def _set_period(self, record: list[str], cells: Cells) -> None:
        end = self._end(cells)
        if end is None:
            raise RowError("date_missing", "its end date is empty.", self._column_of["end_date"])
        record[2] = day_text(end)
        if self._start is None:
            first = self._first.get(record[4]) if isinstance(self._first, dict) else self._first
            record[1] = OPEN_START if first is None else f"{OPEN_START}{day_text(first)}"
            return
        start = self._start(cells)
        if start is None:
            raise RowError("date_missing", "its start date is empty.", self._column_of["start_date"])
        if start > end:
            problem = f"it ends on {end.isoformat()}, before it starts on {start.isoformat()}."
            raise RowError("end_before_start", problem, self._column_of["end_date"])
        record[1] = day_text(start)

    def count(self) -> None:
        """Count the amounts of the last row, which is in the output."""
        for column in self._amounts:
            column.count()

    def count_left_out(self, cells: Cells) -> None:
        """Count the amounts of a row that is left out, as far as they can be read."""
        for column in self._amounts:
            column.pending = None
            try:
                value = column.read(cells)
            except (RowError, IndexError):
                continue
            if value is not None:
                column.sum.left_out += value


class AmountColumn:
    """A column of amounts: read exactly, and written with so many decimals."""

    __slots__ = ("_decimals", "_quantum", "index", "pending", "read", "sum")

    def __init__(self, index: int, name: str, read: AmountReader, amount: Amount, sums: Sums) -> None:
        self.index, self.read = index, read
        self.sum = sums[name]
        self._decimals = decimals_of(name, amount)
        self._quantum = Decimal(1).scaleb(-self._decimals)
        self.pending: Decimal | None = None

    def written(self, value: Decimal) -> str:
        text = str(value)
        point = text.find(".")
        if "E" not in text and (point < 0 or len(text) - point - 1 <= self._decimals):
            return text
        rounded = value.quantize(self._quantum, ROUND_HALF_UP)
        short = format(rounded, "f")
        return short.rstrip("0").rstrip(".") if "." in short and self._decimals > 2 else short

    def count(self) -> None:
        if self.pending is not None:
            self.sum.read += self.pending
            self.pending = None


class _DayTexts(Memo[date, str]):
    """Dates as the Advanced format writes them, kept since the same dates recur."""

    def find(self, key: date) -> str:
        return key.isoformat().replace("-", "")


_DAY_TEXTS = _DayTexts()


def day_text(day: date) -> str:
    """
    Return a date as the Advanced format writes it.

    :param day: the date.
    """
    return _DAY_TEXTS[day]


def _always(text: str) -> TextReader:
    return lambda cells: text


def match_test(match: Match, header: Header) -> tuple[Callable[[Cells], bool], str]:
    """
    Return the test of a rule, and its reason.

    :param match: the rule.
    :param header: the header of the table.
    """
    index = header.index(match.column)
    what: Any = match.equals if match.equals is not None else match.matches
    reason = match.reason or (
        f"its column {match.column!r} is {'empty' if match.empty else 'not empty'}"
        if match.empty is not None
        else f"its column {match.column!r} {'equals' if match.equals is not None else 'matches'} {what!r}"
    )

    def text(cells: Sequence[Cell]) -> str:
        return cell_text(cells[index]) if index < len(cells) else ""

    if match.empty is not None:
        is_empty = match.empty
        return lambda cells: (not text(cells)) is is_empty, reason
    if match.equals is not None:
        wanted = match.equals.strip().lower()
        return lambda cells: text(cells).lower() == wanted, reason
    shape = re.compile(match.matches or "")
    return lambda cells: shape.fullmatch(text(cells)[:1000]) is not None, reason
