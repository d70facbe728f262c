"""What is wrong with a row, and the rows that are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_MOST_NAMED = 10


class RowError(Exception):
    """
    A row cannot be read, or not in one way only.

    :param code: a name of the kind of fault, such as ``date_unreadable``.
    :param message: what is wrong and what to do.
    :param column: the column at fault, as the recipe names it.
    """

    def __init__(self, code: str, message: str, column: object = None) -> None:
        super().__init__(message)
        self.code, self.message = code, message
        self.column = None if column is None else str(column)


class FaultList:
    """Faults for a message: the first ten, and how many there are."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[str] = []

    def add(self, fault: object) -> None:
        """
        Add a fault.

        :param fault: what is wrong, as a text or what becomes one.
        """
        self.count += 1
        if len(self._first) < _MOST_NAMED:
            self._first.append(str(fault).rstrip("."))

    def __bool__(self) -> bool:
        return bool(self.count)

    def __str__(self) -> str:
        more = self.count - len(self._first)
        return "; ".join([*self._first, *([f"and {more:,} more"] if more else [])])


@dataclass(frozen=True)
class LeftOutRow:
    """
    A row of the source that is not in the output.

    :param row: its number, counted from 1 as in a spreadsheet program.
    :param code: why, as a name: ``left_out`` and ``below_table`` by the recipe, ``repeated_header``,
        ``no_amount``, or what cannot be read, such as ``date_unreadable``.
    :param reason: why, in words.
    :param column: the column at fault; None for the row as a whole.
    :param cells: its cells, as the file has them.
    :param is_fault: whether it cannot be read; otherwise the recipe leaves it out.
    """

    row: int
    code: str
    reason: str
    column: str | None
    cells: tuple[Any, ...]
    is_fault: bool

    def __str__(self) -> str:
        where = f"row {self.row}" if self.column is None else f"row {self.row}, column {self.column!r}"
        return f"{where}: {self.reason}"
