"""The preparation of a vendor's file: ``prepare_file``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import localcontext
from functools import partial
from itertools import islice
from typing import TypeAlias

from eci_provider.bills.archive import suffix_of
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.prepare.batches import BatchMaker
from eci_provider.bills.prepare.columns import Columns, output_columns
from eci_provider.bills.prepare.faults import FaultList, LeftOutRow
from eci_provider.bills.prepare.header import Header, find_header
from eci_provider.bills.prepare.ordering import Block, follows_other_bills
from eci_provider.bills.prepare.output import OutputWriter
from eci_provider.bills.prepare.records import NumberedRow, Records, open_records
from eci_provider.bills.prepare.result import DIGITS, AmountSum, PreparedFile
from eci_provider.bills.prepare.rows import RowMaker
from eci_provider.bills.recipe.loading import AnyRecipe, load_recipe
from eci_provider.bills.recipe.model import BillFileRecipe
from eci_provider.core.checks import checked_path
from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import AnyPath, redact_path, same_place
from eci_provider.storage.atomic import atomic_write
from eci_provider.storage.object_store import open_path

#: How many rows are made at once.
ROWS_AT_ONCE = 512
_SUFFIXES = (".csv", ".dat", ".txt")
_SOURCE = "prepare_file"
#: Called with a row that is left out, and the header of the source.
LeftOutHandler: TypeAlias = Callable[[LeftOutRow, Header], object]


def prepare_file(
    source: AnyPath,
    target: AnyPath,
    recipe: AnyRecipe,
    *,
    left_out: LeftOutHandler | None = None,
) -> PreparedFile:
    """
    Write a vendor's file as EnergyCAP reads it: UTF-8, commas, one date format, sorted.

    Each row of the source is in the target, or is left out with its reason. Memory is bounded, but for workbooks.
    The target appears complete or not at all.

    :param source: the vendor's file: a local path, a URL that Airflow's ObjectStoragePath opens, or such a path.
        Its content decides how it is read: delimited text in any encoding, gzip, or a workbook.
    :param target: the file to write, which ends in .csv, .dat or .txt; likewise.
    :param recipe: how it is read: a :class:`~eci_provider.bills.recipe.model.BillFileRecipe`, a dict, or the path
        of a JSON or YAML file.
    :param left_out: called with each row that is left out, and the header of the source; also where such rows make
        the preparation fail in the end.
    :return: the account of rows and sums.
    :raises EciBillFileError: when the file cannot be read, is ambiguous, or has rows that cannot be read.
    :raises EciValidationError: when an argument or the recipe is wrong.
    :raises EciWriteError: when the target cannot be written.
    """
    checked_path(source, name="source", description="the vendor's file", source=_SOURCE)
    checked_target(target, source, name="target", source=_SOURCE)
    loaded = load_recipe(recipe, source=_SOURCE)
    with localcontext() as context:
        context.prec = DIGITS
        return _Preparation(source, target, loaded, left_out).run()


def checked_target(target: object, file: object, *, name: str, source: str) -> None:
    """
    Refuse a target that is no bill file's name, or the source itself.

    :param target: the file to write.
    :param file: the vendor's file; None if it is not known yet.
    :param name: the argument's name.
    :param source: whose argument it is.
    :raises EciValidationError: when it is one of these.
    """
    text = checked_path(target, name=name, description="the file to write", source=source)
    if suffix_of(text) not in _SUFFIXES:
        problem = f"{name} is {redact_path(text)!r}: its name must end in {', '.join(_SUFFIXES)}"
        raise EciValidationError([problem], source=source)
    if file is not None and same_place(text, str(file)):
        problem = f"{name} is {redact_path(text)!r}: must not be the file that is prepared"
        raise EciValidationError([problem], source=source)


class _Preparation:
    def __init__(
        self,
        source: AnyPath,
        target: AnyPath,
        recipe: BillFileRecipe,
        left_out: LeftOutHandler | None,
    ) -> None:
        self._source, self._target, self._recipe = source, target, recipe
        self._left_out = left_out
        self._columns = Columns(recipe)
        self._output = output_columns(recipe, self._columns)
        sums = {self._columns.names[index]: AmountSum() for index in self._columns.numbers}
        self._result = PreparedFile(redact_path(source), redact_path(target), sums=sums)
        self._faults = FaultList()

    def run(self) -> PreparedFile:
        path = open_path(self._source)
        used = self._recipe.used_columns()
        name = redact_path(path.name)
        with open_records(path, self._recipe.source, partial(self._has_header, used=used, name=name)) as records:
            header = find_header(records.rows, self._recipe.source, used, name)
            self._note(records, header, used)
            maker = RowMaker(self._recipe, header, self._columns, self._result.sums)
            batches = self._batches(records, header)
            blocks = self._blocks(records.rows, maker, batches, header)
            with atomic_write(self._target) as stream:
                writer = OutputWriter(stream, self._recipe, self._columns, self._output, self._result)
                writer.write(blocks, name)
        return self._result

    def _has_header(self, rows: list[NumberedRow], *, used: list[int | str], name: str) -> bool:
        source = self._recipe.source
        widest = max((column for column in used if isinstance(column, int)), default=1)
        if source.header_row == 0 or not any(isinstance(column, str) for column in used):
            return any(len(cells) >= max(widest, 2) for _, cells in rows[:20])
        with suppress(EciBillFileError):
            find_header(iter(rows), source, used, name)
            return True
        return False

    def _note(self, records: Records, header: Header, used: list[int | str]) -> None:
        result = self._result
        result.encoding, result.delimiter, result.sheet = records.encoding, records.delimiter, records.sheet
        result.header_row = header.row
        read = {header.index(column) for column in used}
        result.unused_columns = [name for index, name in enumerate(header.names) if name and index not in read]

    def _batches(self, records: Records, header: Header) -> BatchMaker | None:
        """Return what makes many rows at once, where that can be done."""
        if records.encoding is None or not header.row or follows_other_bills(self._recipe):
            return None
        return BatchMaker(self._recipe, header, self._columns, self._result.sums)

    def _blocks(
        self, rows: Iterator[NumberedRow], maker: RowMaker, batches: BatchMaker | None, header: Header
    ) -> Iterator[Block]:
        while some := list(islice(rows, ROWS_AT_ONCE)):
            made = None if batches is None or maker.is_below else batches.make(some)
            if made is None:
                yield self._block(some, maker, header)
            else:
                rows_in = len(set(made[0]))
                self._result.rows_in += rows_in
                self._result.rows_out += rows_in
                yield made
        if self._faults:
            problem = (
                f"{self._faults.count:,} of its rows cannot be read, so nothing was written: {self._faults}. "
                "Correct the recipe or the file, or set unreadable_rows to 'leave_out'."
            )
            raise EciBillFileError(problem, file=header.file)

    def _block(self, rows: list[NumberedRow], maker: RowMaker, header: Header) -> Block:
        """Return what rows become that are made one by one."""
        result, numbers, found = self._result, [], []
        for number, cells in rows:
            if not any(map(_has_content, cells)):
                continue
            made = maker.make(number, cells)
            result.rows_in += 1
            if isinstance(made, LeftOutRow):
                self._leave_out(made, header)
                continue
            result.rows_out += 1
            for record in made:
                numbers.append(number)
                found.append(tuple(record))
        return numbers, found

    def _leave_out(self, row: LeftOutRow, header: Header) -> None:
        self._result.leave_out(row)
        if self._left_out is not None:
            self._left_out(row, header)
        if row.is_fault and self._recipe.unreadable_rows == "fail":
            self._faults.add(row)


def _has_content(cell: object) -> bool:
    return bool(cell.strip(" \t\r\n\x1a\u00a0")) if isinstance(cell, str) else cell is not None
