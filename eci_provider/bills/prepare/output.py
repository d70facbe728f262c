"""The prepared file as it is written: at once where the rows come in order, else sorted."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import chain, islice, pairwise
from operator import itemgetter, lt, ne
from typing import BinaryIO

from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.prepare.batches import exact_sum
from eci_provider.bills.prepare.columns import Columns, OutputColumns
from eci_provider.bills.prepare.ordering import Block, follows_other_bills, in_order, records_of
from eci_provider.bills.prepare.result import PreparedFile
from eci_provider.bills.recipe.model import BillFileRecipe
from eci_provider.core.spill import spill_file

_AT_ONCE = 512
#: Account, vendor, start, end, meter.
_KEY = itemgetter(0, 5, 1, 2, 4)
_VENDOR = 5


class OutputWriter:
    """
    Writes the rows of the output, and counts what is written.

    :param stream: the file, which can be read and written.
    :param recipe: the recipe.
    :param columns: the columns of the rows.
    :param output: the columns that are written.
    :param result: where rows, bills and sums are counted.
    """

    def __init__(
        self,
        stream: BinaryIO,
        recipe: BillFileRecipe,
        columns: Columns,
        output: OutputColumns,
        result: PreparedFile,
    ) -> None:
        self._stream, self._recipe, self._columns, self._output = stream, recipe, columns, output
        self._result = result
        self._bill: tuple[str, ...] = ()
        self._first, self._last = "99999999", ""

    def write(self, blocks: Iterator[Block], file: str) -> None:
        """
        Write all rows.

        :param blocks: the rows.
        :param file: the source, for messages.
        :raises EciBillFileError: when there is none, or some are ambiguous.
        """
        if follows_other_bills(self._recipe) or self._recipe.output.column_mapping is not None:
            self._write_sorted(blocks, file)
        else:
            with spill_file() as numbers:
                left = self._write_in_order(blocks, numbers)
                if left is not None:
                    self._write_sorted(chain(self._read_back(numbers), left), file)
        if not self._result.rows_written:
            raise EciBillFileError("it has no row with a bill, so nothing was written.", file=file)
        self._result.first_day, self._result.last_day = (
            f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in (self._first, self._last)
        )

    def _write_in_order(self, blocks: Iterator[Block], numbers: BinaryIO) -> Iterator[Block] | None:
        """Write rows as long as they come in order; return those that are left, None where none is."""
        last: tuple[str, ...] = ()
        text = self._text()
        try:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(self._output.header)
            for found, rows in blocks:
                keys = list(map(_KEY, rows))
                if not keys:
                    continue
                # Rows of one meter and period are no order either: the recipe says what becomes of them.
                if not (last < keys[0] and all(map(lt, keys, keys[1:]))):
                    return chain([(found, rows)], blocks)
                last = keys[-1]
                writer.writerows(map(self._output.row, rows) if self._output.drops else rows)
                array("Q", found).tofile(numbers)
                self._count(rows)
        finally:
            text.flush()
            text.detach()
        return None

    def _write_sorted(self, blocks: Iterable[Block], file: str) -> None:
        rows = in_order(records_of(blocks), self._recipe, self._columns, file)
        # A sort has read everything before it returns its first row, so that the file may be overwritten.
        first = list(islice(rows, _AT_ONCE))
        self._forget()
        text = self._text()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self._output.header)
        some = first
        while some:
            writer.writerows(map(self._output.row, some))
            self._count(some)
            some = list(islice(rows, _AT_ONCE))
        text.flush()
        text.detach()

    def _read_back(self, numbers: BinaryIO) -> Iterator[Block]:
        """Iterate over the rows that have been written."""
        self._stream.seek(0)
        numbers.seek(0)
        text = self._text()
        rows = csv.reader(text)
        next(rows)
        while some := list(islice(rows, _AT_ONCE)):
            found = array("Q")
            found.frombytes(numbers.read(len(some) * found.itemsize))
            if self._output.drops:
                for row in some:
                    row.insert(_VENDOR, "")
            yield list(found), list(map(tuple, some))
        text.detach()

    def _forget(self) -> None:
        """Begin again: nothing is written, nothing counted."""
        self._stream.seek(0)
        self._stream.truncate()
        self._result.rows_written = self._result.bills = 0
        for found in self._result.sums.values():
            found.written = Decimal(0)
        self._bill, self._first, self._last = (), "99999999", ""

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self._stream, encoding="utf-8", newline="")

    def _count(self, rows: list[tuple[str, ...]] | list[list[str]]) -> None:
        """Count what is written, apart from what was read."""
        result = self._result
        result.rows_written += len(rows)
        for index in self._columns.numbers:
            texts = [text for text in map(itemgetter(index), rows) if text]
            result.sums[self._columns.names[index]].written += exact_sum(texts)
        bills = [self._bill, *map(itemgetter(0, 1, 2, _VENDOR), rows)]
        result.bills += sum(ne(one, other) for one, other in pairwise(bills))
        self._bill = bills[-1]
        self._first = min(self._first, min(map(itemgetter(1), rows)))
        self._last = max(self._last, max(map(itemgetter(2), rows)))
