"""What is in the columns of a table: dates, numbers, words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from eci_provider.bills.prepare.cells import cell_text
from eci_provider.bills.prepare.records import NumberedRow
from eci_provider.bills.recipe.date_patterns import date_reader

#: The patterns that are looked for; those that read the same texts differently are both found.
_PATTERNS = (
    "yyyy-mm-dd",
    "mm/dd/yyyy",
    "dd/mm/yyyy",
    "yyyy/mm/dd",
    "dd.mm.yyyy",
    "dd-mm-yyyy",
    "mm-dd-yyyy",
    "yyyymmdd",
    "mm/dd/yy",
    "dd/mm/yy",
    "dd.mm.yy",
    "dd-mon-yyyy",
    "dd-mon-yy",
    "dd mon yyyy",
    "mon dd, yyyy",
    "mon dd yyyy",
    "mon-dd-yyyy",
)
_READERS = {pattern: date_reader(pattern) for pattern in _PATTERNS}
_NUMBER = re.compile(r"[-+($€£ ]{0,4}\d[\d.,' \u00a0\u202f]{0,30}[-)%$€£ ]{0,4}", re.ASCII)
_MISSING = re.compile(r"n/?a|not available|none|null|-{1,3}|unknown|pending|missing", re.IGNORECASE)
#: How much of a column must be of one kind.
_SHARE = 0.7


def is_number_text(cell: Any) -> bool:
    """Return whether a cell's text may be a number."""
    return isinstance(cell, str) and len(cell) < 60 and _NUMBER.fullmatch(cell.strip()) is not None


def patterns_of(cell: Any) -> set[str]:
    """Return the patterns of dates that read a cell's text."""
    if not isinstance(cell, str) or len(cell) > 40:
        return set()
    text = cell.strip()
    return {pattern for pattern, reader in _READERS.items() if reader(text) is not None}


@dataclass
class Column:
    """
    A column.

    :param name: its name.
    :param number: its number, counted from 1.
    :param cells: its cells that are not empty, with the numbers of their rows.
    """

    name: str
    number: int
    cells: list[tuple[int, Any]]

    def __post_init__(self) -> None:
        self.texts = [cell_text(cell) for _, cell in self.cells]
        self.missing = Counter(text for text in self.texts if _MISSING.fullmatch(text))
        known = len(self.cells) - sum(self.missing.values())
        least = max(1, _SHARE * known)
        self.is_typed_date = sum(isinstance(cell, date) for _, cell in self.cells) >= least
        counted = Counter(pattern for _, cell in self.cells for pattern in patterns_of(cell))
        most = max(counted.values(), default=0)
        #: The patterns that read most of it, the same number each.
        self.patterns = (
            {pattern for pattern, number in counted.items() if number == most} if most >= least else set()
        )
        numbers = sum(
            is_number_text(cell) or (isinstance(cell, (int, float)) and not isinstance(cell, bool))
            for _, cell in self.cells
        )
        self.is_number = numbers >= least and not self.is_date
        self.values = Counter(self.texts)

    @property
    def is_date(self) -> bool:
        """Return whether it holds dates."""
        return self.is_typed_date or bool(self.patterns)

    def day(self, cell: Any, pattern: str | None) -> date | None:
        """Return the date in a cell, by a pattern."""
        if isinstance(cell, date):
            return date(cell.year, cell.month, cell.day)
        return None if pattern is None else _READERS[pattern](cell_text(cell))


def columns_of(names: list[str], rows: list[NumberedRow]) -> list[Column]:
    """
    Return the columns of a table that have a name.

    :param names: their names.
    :param rows: the rows below the header.
    """
    return [
        Column(name, index + 1, [(number, cells[index]) for number, cells in rows if _has(cells, index)])
        for index, name in enumerate(names)
        if name
    ]


def _has(cells: list[Any], index: int) -> bool:
    return index < len(cells) and cell_text(cells[index]) != ""
