"""A report of kickouts: an import's kicked-out rows as the analyst knows them, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from eci_provider.api.errors import EciNotFoundError
from eci_provider.api.kickout_messages import KnownMessages
from eci_provider.api.kickout_reading import KickoutSums, Spool, SummaryReading, TableReading
from eci_provider.api.texts import cut

if TYPE_CHECKING:
    from eci_provider.api.kickouts import Kickouts

#: How many messages and files are told in sum, and how many bytes of JSON each of their texts takes at most.
MOST_TOLD = 10
LONGEST_MESSAGE = 700
LONGEST_NAME = 300
_PREFIX = "Kickouts_"


class KickoutRow(NamedTuple):
    """
    Hold a kicked-out row.

    :param file: the file that it stood in, as far as EnergyCAP names it.
    :param message: why it was kicked out; of several reasons all, with semicolons between them.
    :param cells: its cells as pairs of column name and value, in the columns' order; two may share a name.
    :param row: its number in the file, which EnergyCAP does not tell: None.
    :param column: the column at fault, which EnergyCAP does not tell: None.
    """

    file: str
    message: str
    cells: list[tuple[str, str]]
    row: int | None = None
    column: str | None = None

    @property
    def kind(self) -> str:
        """Return what rows are grouped by."""
        return self.message

    @property
    def rank(self) -> int:
        """Return how grave it is, 0 being the gravest."""
        return 0


class KickoutReport:
    """
    Iterate over an import's kicked-out rows, in the order of EnergyCAP; afterwards the report knows their sums.

    Each iteration, and each :meth:`count`, asks EnergyCAP anew. The rows of a file are read to their end before
    the first one is given out, and wait on disk: a connection may fail in the middle, and the read is repeated.

    :param kickouts: asks EnergyCAP.
    :param task_guid: the import.
    :param file_names: the names of the files in the ZIP that was imported; without, all rows are of one file.
    :param missing_ok: whether an import of which EnergyCAP knows no kickouts (404) is one without.
    """

    #: What its rows are, for headings.
    noun = "Kickouts"

    def __init__(
        self, kickouts: Kickouts, task_guid: str, file_names: Sequence[str] = (), *, missing_ok: bool = False
    ) -> None:
        self.task_guid = task_guid
        self.title = f"Kickouts of import {task_guid}"
        self._kickouts = kickouts
        self._file_names = list(dict.fromkeys(file_names))
        self._missing_ok = missing_ok
        self._sums = KickoutSums()
        self._by_file: Counter[str] = Counter()

    def __iter__(self) -> Iterator[KickoutRow]:
        with Spool() as spool:
            for file, table in self._tables(spool):
                names = table.names()
                for message, cells in spool:
                    yield KickoutRow(file, message, _named(cells, names))

    def count(self) -> KickoutReport:
        """
        Count the rows and nothing else, and keep none of them.

        :return: the report itself, which knows the sums now.
        :raises EciError: when EnergyCAP does not tell.
        """
        for _ in self._tables(None):
            pass
        return self

    @property
    def rows(self) -> int | None:
        """Return how many rows were kicked out; None where EnergyCAP gives messages, but no rows."""
        return self._sums.rows or (None if self._sums.counts else 0)

    def digest(self) -> list[dict[str, Any]]:
        """
        Return the ten most frequent messages; a row that has several counts for each.

        :return: of each its ``message``, cut to 700 bytes of JSON, and its ``rows``.
        """
        frequent = self._sums.counts.most_common(MOST_TOLD)
        return [{"message": cut(text, LONGEST_MESSAGE), "rows": rows} for text, rows in frequent]

    def files(self) -> list[dict[str, Any]]:
        """
        Return the ten files with the most kicked-out rows.

        :return: of each its ``file``, cut to 300 bytes of JSON, and its ``rows``.
        """
        return [
            {"file": cut(file, LONGEST_NAME), "rows": rows} for file, rows in self._by_file.most_common(MOST_TOLD)
        ]

    def without_rows(self) -> list[str]:
        """Return the messages that no row has: EnergyCAP does not tell which rows they are of."""
        return [message for message, rows in self._sums.counts.items() if not rows]

    def _tables(self, spool: Spool | None) -> Iterator[tuple[str, TableReading]]:
        """Read file by file, and give each one out once its rows are counted."""
        summary = self._summary()
        self._sums, self._by_file = KickoutSums(summary.messages), Counter()
        for file_name in self._file_names:
            table = self._table(summary.messages, kickout_file_name(file_name), spool, missing_ok=True)
            if table is not None and table.sums.rows:
                self._add(file_name, table)
                yield file_name, table
        if not self._sums.rows and (summary.messages.texts or not self._file_names):
            # Without names of files; or with names that EnergyCAP does not know, which are an assumption of ours.
            missing_ok = self._missing_ok or summary.is_known
            table = self._table(summary.messages, None, spool, missing_ok=missing_ok)
            if table is not None:
                file = imported_file_name(summary.file_name)
                self._add(file, table)
                yield file, table

    def _add(self, file: str, table: TableReading) -> None:
        self._sums.add(table.sums)
        if table.sums.rows:
            self._by_file[file] += table.sums.rows

    def _summary(self) -> SummaryReading:
        try:
            return cast("SummaryReading", self._kickouts.stream(self.task_guid, None, "summary", SummaryReading))
        except EciNotFoundError:
            return SummaryReading(())

    def _table(
        self, messages: KnownMessages, file_name: str | None, spool: Spool | None, *, missing_ok: bool
    ) -> TableReading | None:
        def take(pieces: Iterator[bytes]) -> TableReading:
            # Called anew when the connection failed in the middle: nothing of the last time may stay.
            if spool is not None:
                spool.clear()
            return TableReading(pieces, messages, None if spool is None else spool.add)

        try:
            return cast("TableReading", self._kickouts.stream(self.task_guid, file_name, "detail", take))
        except EciNotFoundError:
            if missing_ok:
                return None
            raise


def kickout_file_name(file_name: str) -> str:
    """
    Return the name of the kickout file of an imported file.

    Assumption: ``Kickouts_`` before the file's own name, in which a folder's slash, which no name of a file can
    hold, is an underscore. The documentation names no such file, and has nothing that lists them.

    :param file_name: the file's name, as it stands in the ZIP that was imported.
    """
    flat = file_name.replace("/", "_").replace("\\", "_")
    return flat if flat.startswith(_PREFIX) else _PREFIX + flat


def imported_file_name(kickout_file_name: str) -> str:
    """
    Return the name of the file that a kickout file is of, by the assumption of :func:`kickout_file_name`.

    :param kickout_file_name: as EnergyCAP names it.
    """
    return kickout_file_name.removeprefix(_PREFIX)


def _named(cells: list[tuple[Any, str]], names: dict[Any, str | None]) -> list[tuple[str, str]]:
    """Return a row's cells by name and in the columns' order; one that is missing is empty."""
    values: dict[Any, str] = {}
    others = []
    for field_id, value in cells:
        if field_id in names and field_id not in values:
            values[field_id] = value
        else:
            others.append((names.get(field_id) or "", value))
    row = [(name, values.get(field_id, "")) for field_id, name in names.items() if name is not None]
    return row + others
