"""The values that a recipe names, as functions that return them from a row's cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from eci_provider.bills.prepare.cells import Cell, cell_text, check_calculated, code_text, excerpt
from eci_provider.bills.prepare.faults import RowError
from eci_provider.bills.prepare.header import Header
from eci_provider.bills.prepare.numbers import number_reader
from eci_provider.bills.recipe.date_patterns import ISO, date_reader
from eci_provider.bills.recipe.model import BillFileRecipe
from eci_provider.bills.recipe.values import Amount, DateValue, StartValue, Value
from eci_provider.core.text import did_you_mean

Cells: TypeAlias = "list[Cell]"
TextReader: TypeAlias = Callable[[Cells], str]
DateReader: TypeAlias = Callable[[Cells], "date | None"]
AmountReader: TypeAlias = Callable[[Cells], "Decimal | None"]
_DAY = timedelta(days=1)
#: A pattern of a recipe is applied to texts of this length at most.
_LONGEST_MATCHED = 1000


class ValueReaders:
    """
    Makes the functions that read a recipe's values from rows.

    :param recipe: the recipe.
    :param header: the header of the table, with what is above it.
    """

    def __init__(self, recipe: BillFileRecipe, header: Header) -> None:
        self._recipe, self._header = recipe, header
        self._missing = recipe.missing_words()
        self._number = number_reader(recipe.numbers, self._missing)

    def text(self, value: Value) -> TextReader:
        """Return the function that reads a text; a missing value is an empty one."""
        read = self._origin(value)
        missing, column = self._missing, value.column
        if missing:
            unmarked = read

            def read(cells: Cells) -> str:
                text = unmarked(cells)
                return "" if text.lower() in missing else text

        if value.pattern is not None:
            read = _matched(read, value.pattern, column)
        if value.lookup is not None:
            read = _looked_up(read, value, column)
        if value.default is not None:
            default, without = value.default, read

            def read_or_default(cells: Cells) -> str:
                return without(cells) or default

            return read_or_default
        return read

    def number(self, value: Amount) -> AmountReader:
        """Return the function that reads a number; None where there is none."""
        number, column = self._number, value.column
        if value.column is not None and _is_bare(value):
            index = self._header.index(value.column)
            read: AmountReader = lambda cells: number(cells[index], column)  # noqa: E731
        else:
            text = self.text(value)
            read = lambda cells: number(text(cells), column)  # noqa: E731
        if not value.negate:
            return read

        def read_negated(cells: Cells) -> Decimal | None:
            found = read(cells)
            return None if found is None else -found

        return read_negated

    def day(self, value: DateValue) -> DateReader:
        """Return the function that reads a date as the file has it; None where there is none."""
        patterns = value.date or self._recipe.dates or (ISO,)
        readers = [date_reader(pattern) for pattern in patterns]
        column, missing = value.column, self._missing
        if value.column is not None and _is_bare(value):
            index = self._header.index(value.column)
            cell_of: Callable[[Cells], Cell] = lambda cells: cells[index]  # noqa: E731
        else:
            cell_of = self.text(value)

        def read(cells: Cells) -> date | None:
            cell = cell_of(cells)
            if isinstance(cell, date):
                return cell.date() if isinstance(cell, datetime) else cell
            check_calculated(cell, column)
            text = cell_text(cell)
            if not text or text.lower() in missing:
                return None
            found = {day for reader in readers if (day := reader(text)) is not None}
            if len(found) == 1:
                return found.pop()
            raise _date_fault(text, patterns, sorted(found), column)

        return read

    def bill_day(self, value: DateValue, *, of_start: bool) -> DateReader:
        """Return the function that reads the first or the last day of a bill."""
        read = self.day(value)
        if value.inclusive:
            return read
        shift = _DAY if of_start else -_DAY

        def read_shifted(cells: Cells) -> date | None:
            day = read(cells)
            return None if day is None else day + shift

        return read_shifted

    def start(self, value: StartValue, end: DateValue) -> DateReader | None:
        """Return the function that reads a bill's start; None where it follows from the bills before."""
        if value.after_last_end:
            return None
        if value.days_before_end is None:
            return self.bill_day(value, of_start=True)
        read_end, read_days = self.day(end), self.text(value.days_before_end)
        number, column = self._number, value.days_before_end.column
        shift = timedelta(0) if value.inclusive else _DAY

        def read(cells: Cells) -> date | None:
            last, days = read_end(cells), number(read_days(cells), column)
            if last is None or days is None:
                return None
            if days != int(days) or not 0 <= days < 10_000:
                raise RowError("days_unreadable", f"{excerpt(str(days))} is not a number of days.", column)
            return last - timedelta(days=int(days)) + shift

        return read

    def _origin(self, value: Value) -> TextReader:
        """Return the function that reads a value before anything is made of it."""
        if value.column is not None:
            index, column = self._header.index(value.column), value.column

            def read_cell(cells: Cells) -> str:
                cell = cells[index]
                if type(cell) is str and "+" not in cell:
                    return cell.strip()
                return code_text(cell, column)

            return read_cell
        if value.join is not None:
            parts = [self.text(part) for part in value.join]
            separator = value.separator

            def read_joined(cells: Cells) -> str:
                texts = [part(cells) for part in parts]
                return separator.join(texts) if all(texts) else ""

            return read_joined
        fixed = value.constant if value.preamble is None else self._header.above_value(value.preamble)
        text = (fixed or "").strip()
        return lambda cells: text


def _is_bare(value: Value) -> bool:
    return value.pattern is None and value.lookup is None and value.default is None


def _matched(read: TextReader, pattern: str, column: object) -> TextReader:
    shape = re.compile(pattern)
    group = 1 if shape.groups else 0

    def read_part(cells: Cells) -> str:
        text = read(cells)
        if not text:
            return ""
        found = shape.search(text) if len(text) <= _LONGEST_MATCHED else None
        if found is None or found[group] is None:
            raise RowError("pattern_unmatched", f"{excerpt(text)} does not match {pattern!r}.", column)
        return found[group].strip()

    return read_part


def _looked_up(read: TextReader, value: Value, column: object) -> TextReader:
    table = value.lookup
    if not isinstance(table, dict):
        raise TypeError("the loading of a recipe replaces paths of look-up tables by their content")
    known = {key.strip(): found for key, found in table.items()}

    def read_ours(cells: Cells) -> str:
        text = read(cells)
        found = known.get(text)
        if found is not None:
            return found
        if not text:
            return ""
        hint = did_you_mean(text, known, is_quoted=True)
        problem = f"{excerpt(text)} is not in the look-up table.{hint} Add it."
        raise RowError("lookup_unknown", problem, column)

    return read_ours


def _date_fault(text: str, patterns: Sequence[str], found: list[date], column: object) -> RowError:
    if found:
        days = " and ".join(day.isoformat() for day in found)
        problem = f"{excerpt(text)} is {days}, by different patterns of the recipe. Leave one of them."
        return RowError("date_ambiguous", problem, column)
    wanted = " or ".join(patterns)
    hint = ""
    if text.partition(".")[0].isdigit() and len(text.partition(".")[0]) == 5:
        hint = " It looks like a spreadsheet's number of days; add the pattern 'excel'."
    return RowError("date_unreadable", f"{excerpt(text)} is not a date like {wanted}.{hint}", column)
