"""A report of kickouts: an import's kicked-out rows with named columns, however many rows there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from eci_provider.api.errors import EciNotFoundError
from eci_provider.api.kickouts.files import TableRow, each_once, imported_file_name, kickout_files
from eci_provider.api.kickouts.messages import KnownMessages
from eci_provider.api.kickouts.reading import (
    KickoutTable,
    StoredRows,
    SummaryReading,
    TableReading,
    stored_rows,
)
from eci_provider.api.kickouts.sums import KickoutSums
from eci_provider.api.transport.streamed_json import Members
from eci_provider.core.text import shown

_Read = TypeVar("_Read")

#: How many messages and files are listed, and how many bytes of JSON each of their texts takes at most.
MOST_LISTED = 10
LONGEST_MESSAGE = 700
LONGEST_NAME = 300


class KickoutRow(NamedTuple):
    """
    A kicked-out row.

    :param file: its file, as far as EnergyCAP names it.
    :param message: why it was kicked out; several reasons are separated by semicolons.
    :param cells: its cells as pairs of column name and value, in the columns' order; two may share a name.
    :param row: its number in the file; None, because EnergyCAP does not return it.
    :param column: the column at fault; None, because EnergyCAP does not return it.
    """

    file: str
    message: str
    cells: list[tuple[str, str]]
    row: int | None = None
    column: str | None = None

    @property
    def kind(self) -> str:
        """Return the text that rows are grouped by."""
        return self.message

    @property
    def rank(self) -> int:
        """Return how severe it is; 0 is the most severe."""
        return 0


class KickoutReader(Protocol):
    """A function that reads an import's kickout summary, or its kicked-out rows, while they arrive."""

    def __call__(self, file_name: str | None, leaf: str, take: Callable[[Members], _Read]) -> _Read:
        """
        Return what ``take`` makes of an answer.

        :param file_name: one kickout file of an import of several files; None for all.
        :param leaf: ``summary`` or ``detail``.
        :param take: reads the answer's body; called again from its start when the request is repeated.
        :raises EciNotFoundError: when EnergyCAP has no such kickouts.
        """


class KickoutReport:
    """
    The kicked-out rows of an import, in the order of EnergyCAP. After an iteration the report has their sums.

    Each iteration, and each :meth:`count`, reads from EnergyCAP again. All rows are stored on disk before the
    first one is given out, because a connection may fail in the middle and the read is repeated. With file names
    each row still occurs once: the rows by file name are compared with those of the whole import.

    :param read: reads the import's kickouts from EnergyCAP.
    :param task_guid: the import.
    :param file_names: the names of the files in the ZIP that was imported; none if all rows are of one file.
    :param missing_ok: whether an import whose kickouts are not found (404) has none; an error otherwise.
    """

    #: The name of its rows, for headings.
    noun = "Kickouts"

    def __init__(
        self, read: KickoutReader, task_guid: str, file_names: Sequence[str] = (), *, missing_ok: bool = False
    ) -> None:
        self.task_guid = task_guid
        self.title = f"Kickouts of import {task_guid}"
        self._read = read
        self._files = kickout_files(file_names)
        self._missing_ok = missing_ok
        self._sums = KickoutSums()
        self._by_file: Counter[str] = Counter()

    def __iter__(self) -> Iterator[KickoutRow]:
        with stored_rows() as rows, stored_rows() as by_name:
            for table, (message, cells) in self._rows(rows, by_name):
                self._by_file[table.file] += 1
                yield KickoutRow(table.file, message, table.named(cells))

    def count(self) -> KickoutReport:
        """
        Count the rows without storing them.

        :return: the report itself, which has the sums now.
        :raises EciError: if they cannot be read.
        """
        if self._files:
            # Which rows no file name has is known after all rows.
            for _ in self:
                pass
        elif table := self._whole(self._summary(), None):
            self._by_file[table.file] = table.rows
        return self

    @property
    def rows(self) -> int | None:
        """Return how many rows were kicked out; None if EnergyCAP returns messages, but no rows."""
        return self._sums.rows or (None if self._sums else 0)

    def digest(self) -> list[dict[str, Any]]:
        """
        Return the ten most frequent messages; a row that has several counts for each.

        :return: the ``message`` of each, cut to 700 bytes of JSON, and its ``rows``.
        """
        frequent = self._sums.most_common(MOST_LISTED)
        return [{"message": shown(text, LONGEST_MESSAGE), "rows": rows} for text, rows in frequent]

    def files(self) -> list[dict[str, Any]]:
        """
        Return the ten files with the most kicked-out rows.

        :return: the name of each ``file``, cut to 300 bytes of JSON, and its ``rows``.
        """
        largest = self._by_file.most_common(MOST_LISTED)
        return [{"file": shown(file, LONGEST_NAME), "rows": rows} for file, rows in largest if rows]

    def without_rows(self) -> list[str]:
        """Return the messages of the summary that no row has."""
        return self._sums.without_rows()

    def _rows(self, rows: StoredRows, by_name: StoredRows) -> Iterator[TableRow]:
        """Read the whole import, then each file, and iterate over the rows once all are counted."""
        summary = self._summary()
        missing = None
        try:
            whole = self._whole(summary, rows)
        except EciNotFoundError as error:
            whole, missing = None, error
        named: list[KickoutTable] = []
        unknown: list[str] = []
        # An import that may have no kickouts, and has none, has none by file name either.
        if self._files and (self._sums.rows or summary.messages.texts or not self._missing_ok):
            named, unknown = self._named(summary, by_name)
        if missing is not None and not named:
            raise missing
        table = whole or KickoutTable(imported_file_name(summary.file_name), 0, {}, set())
        if self._files:
            yield from each_once(self.title, (table, rows), (named, by_name), unknown)
        else:
            yield from ((table, row) for row in rows)

    def _whole(self, summary: SummaryReading, spill: StoredRows | None) -> KickoutTable | None:
        """Read the rows of the whole import; None if EnergyCAP has none."""
        self._sums, self._by_file = KickoutSums(summary.messages), Counter()
        try:
            table = self._table(summary.messages, None, spill)
        except EciNotFoundError:
            if self._missing_ok or summary.is_known:
                return None
            raise
        self._sums = table.sums
        return table.table(imported_file_name(summary.file_name))

    def _named(self, summary: SummaryReading, spill: StoredRows) -> tuple[list[KickoutTable], list[str]]:
        """Read the rows of each named file; return the files that have some, and the names that are not known."""
        tables, unknown = [], []
        # Otherwise the rows by file name are the only ones.
        has_whole = bool(self._sums.rows)
        for kickout_name, file in self._files.items():
            spill.mark()
            try:
                table = self._table(summary.messages, kickout_name, spill)
            except EciNotFoundError:
                unknown.append(file)
                continue
            if table.sums.rows:
                if not has_whole:
                    self._sums.add(table.sums)
                tables.append(table.table(file))
        return tables, unknown

    def _summary(self) -> SummaryReading:
        try:
            return self._read(None, "summary", SummaryReading)
        except EciNotFoundError:
            return SummaryReading(None)

    def _table(self, messages: KnownMessages, file_name: str | None, spill: StoredRows | None) -> TableReading:
        def take(members: Members) -> TableReading:
            # Called again if the connection failed in the middle, so drop the rows of the last time.
            if spill is not None:
                spill.rollback()
            return TableReading(members, messages, None if spill is None else spill.add)

        return self._read(file_name, "detail", take)
