"""Rows of a report: as they come in, and as a format writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

#: The columns before those of the bill file, in every format.
LEADING = ("File", "Row", "Column", "Message")
#: What is written instead of an empty name of a column.
UNNAMED = "(no name)"


class ReportRow(Protocol):
    """A row to report: one that was kicked out, or a problem that a check of a bill file found."""

    @property
    def file(self) -> str:
        """Return the name of its file; empty if that is not known."""

    @property
    def row(self) -> int | None:
        """Return its number in the file, counted from 1 as a spreadsheet program does, if it is known."""

    @property
    def column(self) -> str | None:
        """Return the name of the column at fault, if it is known."""

    @property
    def kind(self) -> str:
        """Return what is wrong, in words that rows with the same fault share."""

    @property
    def message(self) -> str:
        """Return what is wrong with this very row."""

    @property
    def rank(self) -> int:
        """Return how severe it is, 0 being the most severe."""

    @property
    def cells(self) -> list[tuple[str, str]]:
        """Return the row as pairs of column name and value, in the columns' order."""


class Report(Protocol):
    """Rows to report, and what they are called."""

    #: What its rows are: ``Kickouts`` or ``Problems``.
    noun: str
    title: str

    def __iter__(self) -> Iterator[ReportRow]: ...

    def without_rows(self) -> list[str]:
        """Return, after an iteration, what is wrong without a row that has it."""


class Group(NamedTuple):
    """
    Rows of one file and one kind.

    :param file: the file's name.
    :param kind: what is wrong with them.
    :param rows: how many there are.
    :param has_numbers: whether the number of any row is known.
    :param has_columns: whether the column at fault is known of any row.
    :param has_messages: whether any row has a message of its own.
    """

    file: str
    kind: str
    rows: int
    has_numbers: bool
    has_columns: bool
    has_messages: bool


class Entry(NamedTuple):
    """
    A row of a group.

    :param row: its number in its file; empty if it is not known.
    :param column: the column at fault; empty if it is not known.
    :param message: what is wrong with it.
    :param cells: the values of its cells by the number of their columns.
    """

    row: int | str
    column: str
    message: str
    cells: dict[int, str]
