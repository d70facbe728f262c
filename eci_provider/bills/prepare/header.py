"""The header of a vendor's table, wherever it stands, and what is above it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.prepare.cells import Cell, cell_text
from eci_provider.bills.prepare.records import NumberedRow
from eci_provider.bills.recipe.model import Source
from eci_provider.core.text import did_you_mean

#: How many rows may be above a header.
_MOST_ABOVE = 1000
_SPACES = re.compile(r"\s+")
_MOST_NAMED = 5


def plain_name(name: str) -> str:
    """
    Return a column's name as names are compared: in lower case, with one space for each gap.

    :param name: the name.
    """
    return _SPACES.sub(" ", name).strip().lower()


@dataclass
class Header:
    """
    The header of a table.

    :param file: the file's name, for messages.
    :param row: the number of its last row; 0 for a table without one.
    :param names: the names of the columns.
    :param rows: its rows as compared with the rows below, which may repeat them.
    :param above: the rows above it that are not empty.
    """

    file: str
    row: int
    names: list[str]
    rows: list[list[str]] = field(default_factory=list)
    above: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._indexes: dict[str, list[int]] = defaultdict(list)
        for index, name in enumerate(self.names):
            self._indexes[plain_name(name)].append(index)

    def has(self, column: int | str) -> bool:
        """Return whether it has a column."""
        return column <= len(self.names) if isinstance(column, int) else plain_name(column) in self._indexes

    def index(self, column: int | str) -> int:
        """
        Return the index of a column, counted from 0.

        :param column: its name, or its number, counted from 1.
        :raises EciBillFileError: when there is none, or several have the name.
        """
        if isinstance(column, int):
            if self.row and column > len(self.names):
                problem = f"the recipe reads column {column}, and its header names only {len(self.names)}."
                raise EciBillFileError(problem, file=self.file, row=self.row)
            return column - 1
        found = self._indexes.get(plain_name(column), [])
        if len(found) == 1:
            return found[0]
        if not found:
            hint = did_you_mean(column, [name for name in self.names if name], is_quoted=True)
            raise EciBillFileError(f"its header has no column {column!r}.{hint}", file=self.file, row=self.row)
        numbers = " or ".join(str(index + 1) for index in found)
        problem = (
            f"its header has the name {column!r} {len(found)} times. Name the column by its number: {numbers}."
        )
        raise EciBillFileError(problem, file=self.file, row=self.row)

    def width_of(self, columns: Iterable[int | str]) -> int:
        """
        Return how many cells a row has that has these columns; 1 at least.

        :param columns: the columns.
        :raises EciBillFileError: when one is not there.
        """
        return 1 + max(map(self.index, columns), default=0)

    def above_value(self, label: str) -> str:
        """
        Return the value of a label above the table: to the right of it, or behind its colon.

        :param label: the label.
        :raises EciBillFileError: when it is not there, has no value, or has several.
        """
        wanted = plain_name(label).rstrip(": ")
        found = {value for cells in self.above for value in _values(cells, wanted)}
        if len(found) == 1:
            return found.pop()
        what = "is not there, or has no value" if not found else f"has {len(found)} different values"
        raise EciBillFileError(f"the label {label!r} above its table {what}.", file=self.file)


def _values(cells: Sequence[str], wanted: str) -> Iterator[str]:
    for index, cell in enumerate(cells):
        label, colon, rest = cell.partition(":")
        if plain_name(label) != wanted:
            continue
        if colon and rest.strip():
            yield rest.strip()
        elif value := next((text for other in cells[index + 1 :] if (text := other.strip())), ""):
            yield value


def find_header(rows: Iterable[NumberedRow], source: Source, columns: Sequence[int | str], file: str) -> Header:
    """
    Read up to the header of a table.

    :param rows: the file's rows; those below the header are left.
    :param source: where the header is.
    :param columns: the columns that are read.
    :param file: the file's name, for messages.
    :raises EciBillFileError: when there is none; no cell of the file is in the message.
    """
    if source.header_row == 0:
        return Header(file, 0, [])
    window: list[list[str]] = []
    above: list[list[str]] = []
    best: tuple[int, int, list[str]] | None = None
    wanted = [*source.header, *(column for column in columns if isinstance(column, str))]
    for number, cells in rows:
        window.append([cell_text(cell) for cell in cells])
        if len(window) > source.header_rows and any(first := window.pop(0)):
            above.append(first)
        if len(window) < source.header_rows:
            continue
        top = number - source.header_rows + 1
        header = Header(file, number, _names(window), window, above)
        missing = [str(column) for column in wanted if not header.has(column)]
        is_place = top == source.header_row if source.header_row else any(window[0]) and not missing
        if is_place:
            for column in columns:
                header.index(column)
            return header
        if wanted and (best is None or len(missing) < best[0]):
            best = len(missing), number, missing
        if top >= (source.header_row or _MOST_ABOVE):
            break
    raise EciBillFileError(_not_found(best, len(wanted), source), file=file)


def _names(window: list[list[str]]) -> list[str]:
    """Return the names of columns; in a header of several rows, an upper name may stand over several columns."""
    if len(window) == 1:
        return list(window[0])
    width = max(map(len, window))
    parts: list[list[str]] = []
    for row in window[:-1]:
        filled, last = [], ""
        for index in range(width):
            last = (row[index] if index < len(row) else "") or last
            filled.append(last)
        parts.append(filled)
    parts.append([*window[-1], *[""] * (width - len(window[-1]))])
    return [" ".join(name for name in names if name) for names in zip(*parts, strict=True)]


def _not_found(best: tuple[int, int, list[str]] | None, wanted: int, source: Source) -> str:
    if source.header_row:
        return f"it has no row {source.header_row}, where its header should be."
    if best is None or best[0] == wanted:
        return "none of its first rows has the columns of the recipe. Is it another file, or another delimiter?"
    _, row, missing = best
    listed = ", ".join(map(repr, missing[:_MOST_NAMED]))
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    return f"no row has all columns of the recipe. Row {row} comes closest and lacks {listed}{more}."


def is_repeated(cells: Sequence[Cell], header: Header) -> bool:
    """
    Return whether a row repeats a row of the header, as exports of several pages do.

    :param cells: the row's cells.
    :param header: the header.
    """
    texts = [cell_text(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return any(texts == _trimmed(row) for row in header.rows)


def _trimmed(row: list[str]) -> list[str]:
    end = len(row)
    while end and not row[end - 1]:
        end -= 1
    return row[:end]
