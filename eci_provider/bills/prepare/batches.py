"""Many rows made at once, column by column: several times faster than one by one, with the same result."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from operator import itemgetter, le
from typing import TypeAlias

from eci_provider.bills.prepare.columns import ACE_FLAGS, Columns
from eci_provider.bills.prepare.faults import RowError
from eci_provider.bills.prepare.header import Header
from eci_provider.bills.prepare.records import NumberedRow
from eci_provider.bills.prepare.result import Sums
from eci_provider.bills.prepare.rows import SEPARATOR, AmountColumn, day_text, match_test
from eci_provider.bills.prepare.values import Cells, DateReader, ValueReaders
from eci_provider.bills.recipe.date_patterns import ISO, date_reader
from eci_provider.bills.recipe.model import DATE_FIELDS, BillFileRecipe, Fields
from eci_provider.bills.recipe.values import Amount, DateValue, StartValue, Value, decimals_of
from eci_provider.core.memo import Memo

#: A row of the output: its cells.
OutputRow: TypeAlias = "tuple[str, ...]"
_Table: TypeAlias = "list[tuple[str, ...]]"
#: Returns the cells of a column of the output, of the rows and the columns of the source.
_ColumnReader: TypeAlias = Callable[["list[Cells]", _Table], Sequence[str]]


class _UnusualError(Exception):
    """Some row needs a look of its own, such as one that is left out."""


class BatchMaker:
    """
    Makes the rows of the output from many rows of a text file.

    :param recipe: the recipe; no start of it may follow from the bills before.
    :param header: the header of the table.
    :param columns: the columns of the output.
    :param sums: where amounts are counted.
    """

    def __init__(self, recipe: BillFileRecipe, header: Header, columns: Columns, sums: Sums) -> None:
        self._width = len(header.names)
        self._needed = header.width_of(recipe.used_columns())
        self._rules = [
            (header.index(match.column), match_test(match, header)[0])
            for match in (*recipe.leave_out, *recipe.ends_at)
        ]
        readers = _Readers(recipe, header)
        self._parts = [_BatchPart(part, readers, columns, sums) for part in recipe.parts()]

    def make(self, rows: list[NumberedRow]) -> tuple[list[int], list[OutputRow]] | None:
        """
        Return the rows of the output with the numbers of their rows in the source; None where a row is unusual.

        :param rows: rows of the source.
        """
        filled = [row for row in rows if row[1]]
        cells = [found for _, found in filled]
        if not cells or self._needed > self._width or set(map(len, cells)) != {self._width}:
            return None
        table: _Table = list(zip(*cells, strict=True))
        try:
            for index, test in self._rules:
                if any(test([""] * index + [text]) for text in set(table[index])):
                    return None
            made = [part.make(cells, table) for part in self._parts]
        except (_UnusualError, RowError):
            return None
        for part in self._parts:
            part.count()
        numbers = [number for number, _ in filled]
        if len(made) == 1:
            return numbers, made[0]
        return (
            [number for number in numbers for _ in made],
            [row for rows_of_one in zip(*made, strict=True) for row in rows_of_one],
        )


class _BatchPart:
    """One of the rows that each row becomes."""

    def __init__(self, part: Fields, readers: _Readers, columns: Columns, sums: Sums) -> None:
        self._columns: list[_ColumnReader] = [_always("")] * len(columns.names)
        self._columns[3] = _always("A")
        self._amounts: list[_BatchAmount] = []
        for name, value in part.values().items():
            index = columns.index(name)
            if isinstance(value, Amount):
                self._amounts.append(_BatchAmount(index, name, value, readers, sums))
            elif name not in DATE_FIELDS:
                self._columns[index] = readers.text(value)
            elif name != "start_date" and isinstance(value, DateValue):
                self._columns[index] = readers.days(value, is_end=name == "end_date")
        if part.start_date is None or part.end_date is None:
            raise TypeError("the model of a recipe refuses one without start or end")
        self._columns[1] = readers.starts(part.start_date, part.end_date)
        for name, amount in part.amounts.items():
            self._amounts.append(_BatchAmount(columns.index(name), name, amount, readers, sums))

    def make(self, rows: list[Cells], table: _Table) -> list[OutputRow]:
        """Return the rows of the output."""
        found: list[Sequence[str]] = [read(rows, table) for read in self._columns]
        for amount in self._amounts:
            found[amount.index] = amount.read(rows, table)
        # What is empty or wrong is looked at row by row, which gives it its reason.
        if "" in found[0] or not ACE_FLAGS.issuperset(found[3]) or not all(map(le, found[1], found[2])):
            raise _UnusualError
        return list(zip(*found, strict=True))

    def count(self) -> None:
        """Count the amounts of the rows made last."""
        for amount in self._amounts:
            amount.count()


class _Readers:
    """Makes the functions that read a column of the output from many rows."""

    def __init__(self, recipe: BillFileRecipe, header: Header) -> None:
        self.one_by_one = ValueReaders(recipe, header)
        self._header, self._dates = header, recipe.dates
        self._missing = recipe.missing_words()
        self.has_point = recipe.numbers.decimal == "."

    def index_of(self, value: Value) -> int | None:
        """Return the index of the column that a value is, if nothing is made of it."""
        if value.column is None or value.pattern is not None or value.default is not None:
            return None
        return self._header.index(value.column)

    def text(self, value: Value) -> _ColumnReader:
        """Return the function that reads texts."""
        index, one = self.index_of(value), self.one_by_one.text(value)
        table = value.lookup
        known = {key.strip(): ours for key, ours in table.items()} if isinstance(table, dict) else None
        missing = self._missing
        if value.constant is not None or value.preamble is not None:
            return lambda rows, _: [one(rows[0])] * len(rows)
        if index is None:
            return lambda rows, _: _checked(list(map(one, rows)))

        def read(rows: list[Cells], table: _Table) -> list[str]:
            texts = list(map(str.strip, table[index]))
            if "+" in _checked_text(texts) or (missing and not missing.isdisjoint(map(str.lower, texts))):
                raise _UnusualError
            if known is None:
                return texts
            ours = [known.get(text, "") for text in texts]
            if "" in ours:
                raise _UnusualError
            return ours

        return read

    def starts(self, value: StartValue, end: DateValue) -> _ColumnReader:
        """Return the function that reads the starts of bills."""
        one = self.one_by_one.start(value, end)
        if one is None:
            raise TypeError("a start that follows from other bills is made one by one")
        return self._days(value, one, is_as_written=value.inclusive and value.days_before_end is None)

    def days(self, value: DateValue, *, is_end: bool) -> _ColumnReader:
        """Return the function that reads dates: the ends of bills, or others, which are written as they are."""
        if is_end:
            one = self.one_by_one.bill_day(value, of_start=False)
            return self._days(value, one, is_as_written=value.inclusive)
        return self._days(value, self.one_by_one.day(value), is_as_written=True)

    def _days(self, value: DateValue, one: DateReader, *, is_as_written: bool) -> _ColumnReader:
        patterns = value.date or self._dates or (ISO,)
        index = self.index_of(value) if is_as_written and value.lookup is None and len(patterns) == 1 else None
        if index is None:
            return lambda rows, _: [_day_text(one, cells) for cells in rows]
        known = _Days(patterns[0])
        return lambda _, table: [known[text] for text in table[index]]


def _day_text(read: DateReader, cells: Cells) -> str:
    day = read(cells)
    if day is None:
        raise _UnusualError
    return day_text(day)


class _Days(Memo[str, str]):
    """Dates of a pattern as the Advanced format writes them."""

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self._read = date_reader(pattern)

    def find(self, key: str) -> str:
        day = self._read(key.strip())
        if day is None:
            raise _UnusualError
        return day_text(day)


class _BatchAmount:
    """A column of amounts."""

    def __init__(self, index: int, name: str, amount: Amount, readers: _Readers, sums: Sums) -> None:
        self.index = index
        self._sum = sums[name]
        self._one = AmountColumn(index, name, readers.one_by_one.number(amount), amount, sums)
        self._source = None
        if readers.has_point and amount.lookup is None and not amount.negate:
            self._source = readers.index_of(amount)
        decimals = max(decimals_of(name, amount), 1)
        number = rf"-?\d{{1,15}}(?:\.\d{{1,{decimals}}})?"
        self._plain = re.compile(rf"{number}(?:\n{number})*", re.ASCII)
        self._is_whole_only = decimals_of(name, amount) == 0
        self._pending = Decimal(0)

    def read(self, rows: list[Cells], table: _Table) -> Sequence[str]:
        """Return what is written; an amount that is missing is unusual."""
        if self._source is not None and not self._is_whole_only:
            texts = table[self._source]
            joined = "\n".join(texts)
            if joined.count("\n") == len(texts) - 1 and self._plain.fullmatch(joined):
                self._pending = exact_sum(texts)
                return texts
        total, written = Decimal(0), []
        for cells in rows:
            value = self._one.read(cells)
            if value is None:
                raise _UnusualError
            total += value
            written.append(self._one.written(value))
        self._pending = total
        return written

    def count(self) -> None:
        self._sum.read += self._pending


def exact_sum(texts: Sequence[str]) -> Decimal:
    """
    Return the sum of numbers, exactly.

    :param texts: the numbers: digits, a sign and a decimal point only.
    """
    if set(map(itemgetter(slice(-3, -2)), texts)) == {"."}:
        # Cents as whole numbers are added much faster than decimals.
        return Decimal(sum(map(int, "\n".join(texts).replace(".", "").split("\n")))).scaleb(-2)
    return sum(map(Decimal, texts), Decimal(0))


def _always(text: str) -> _ColumnReader:
    return lambda rows, _: [text] * len(rows)


def _checked(texts: list[str]) -> list[str]:
    _checked_text(texts)
    return texts


def _checked_text(texts: list[str]) -> str:
    joined = "".join(texts)
    if SEPARATOR in joined:
        raise _UnusualError
    return joined
