"""The rows of a report in groups, the largest first, in little memory however many there are."""

from __future__ import annotations

import marshal
import sqlite3
from collections.abc import Iterable, Iterator
from typing import cast

from eci_provider.api.transport.streamed_json import LONGEST_ITEM
from eci_provider.core.text import cell_text
from eci_provider.reports.rows import Entry, Group, ReportRow

#: How many columns of bill files a report has at most, so that their names take little memory.
MOST_COLUMNS = 65_536
#: How many kinds, and how many columns of headers, are cached in memory.
_CACHED_KINDS = 4096
_CACHED_COLUMNS = 65_536
_TABLES = """
PRAGMA temp_store = FILE;
PRAGMA journal_mode = OFF;
CREATE TABLE kinds (id INTEGER PRIMARY KEY, file INTEGER, kind TEXT, rank INTEGER, UNIQUE (file, kind));
CREATE TABLE entries (kind INTEGER, number INTEGER, fault TEXT, message TEXT, cells BLOB);
BEGIN;
"""
# What rows hold beyond their kind decides which columns a table of their group needs.
_GROUPS = """
CREATE TABLE counted AS
    SELECT kind, count(*) AS amount, max(number IS NOT NULL) AS numbers, max(fault IS NOT NULL) AS faults,
        max(message IS NOT NULL) AS messages
    FROM entries GROUP BY kind;
CREATE UNIQUE INDEX counted_by_kind ON counted (kind);
CREATE TABLE groups (place INTEGER PRIMARY KEY, id INTEGER UNIQUE, file INTEGER, kind TEXT, rank INTEGER,
    amount INTEGER, numbers INTEGER, faults INTEGER, messages INTEGER);
INSERT INTO groups (id, file, kind, rank, amount, numbers, faults, messages)
    SELECT id, file, kinds.kind, rank, coalesce(amount, 0) AS n, coalesce(numbers, 0), coalesce(faults, 0),
        coalesce(messages, 0)
    FROM kinds LEFT JOIN counted ON counted.kind = kinds.id ORDER BY file, rank, n DESC, id;
"""
_ENTRIES = """
SELECT groups.place, number, fault, message, cells FROM entries JOIN groups ON groups.id = entries.kind
    ORDER BY groups.place, entries.rowid
"""


class TooManyColumnsError(Exception):
    """Rows have more columns than a report can have; the text says how many, and what to do."""


class GroupedRows:
    """
    Rows by file and by kind, in each file the most severe and most frequent kind first.

    They are added in any order, and kept in a temporary database on disk. Use it as a context manager.
    """

    def __init__(self) -> None:
        # An empty name makes SQLite's temporary database, which lies on disk once it does not fit into 2 MiB.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_TABLES)
        self._files: dict[str, int] = {}
        self._kinds: dict[tuple[int, str], int] = {}
        self._columns: dict[tuple[str, int], int] = {}
        self._headers: dict[tuple[str, ...], list[int]] = {}
        self._cached_columns = 0
        self._columns_of: list[dict[int, None]] = []
        self._last: tuple[int, tuple[str, ...]] | None = None
        self.rows = 0

    def __enter__(self) -> GroupedRows:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add_all(self, rows: Iterable[ReportRow]) -> None:
        """
        Add rows.

        :param rows: in the order that those of a group shall keep.
        :raises TooManyColumnsError: when they have too many columns.
        """
        self._database.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", map(self._entry, rows))

    def add_kind(self, file: str, kind: str) -> None:
        """
        Add a kind, though there may be no row of it.

        :param file: the file's name.
        :param kind: what is wrong.
        """
        self._kind(self._file(file), kind, 0)

    def group(self) -> None:
        """Order the groups, once all rows are added."""
        self._database.executescript(_GROUPS)

    def groups(self) -> Iterator[Group]:
        """Iterate over the groups in their order."""
        files = list(self._files)
        found = self._database.execute(
            "SELECT file, kind, amount, numbers, faults, messages FROM groups ORDER BY place"
        )
        for file, kind, amount, numbers, faults, messages in found:
            yield Group(files[file], kind, amount, bool(numbers), bool(faults), bool(messages))

    def entries(self) -> Iterator[tuple[Group, Entry]]:
        """Iterate over the rows, each with its group, which is one object for all rows of it."""
        groups = enumerate(self.groups(), start=1)
        at, group = next(groups, (0, None))
        for place, number, fault, message, cells in self._database.execute(_ENTRIES):
            while at < place:
                at, group = next(groups)
            # Written by this process into a database that nobody else sees.
            columns, values = marshal.loads(cells)  # noqa: S302
            group = cast("Group", group)
            message = group.kind if message is None else message
            number = "" if number is None else number
            yield group, Entry(number, fault or "", message, dict(zip(columns, values, strict=True)))

    def columns(self, file: str | None = None) -> dict[int, str]:
        """
        Return the names of columns by their numbers, in the order in which they were seen first.

        :param file: only those of this file.
        """
        names = {number: cell_text(name) for (name, _), number in self._columns.items()}
        return names if file is None else {number: names[number] for number in self._columns_of[self._files[file]]}

    def most_frequent(self, limit: int) -> list[tuple[str, int]]:
        """
        Return kinds with the number of their rows in all files.

        :param limit: how many; the most severe and most frequent ones.
        """
        found = (
            "SELECT kind, sum(amount) AS n FROM groups GROUP BY kind ORDER BY min(rank), n DESC, min(id) LIMIT ?"
        )
        return self._database.execute(found, (limit,)).fetchall()

    def largest_files(self, limit: int) -> list[tuple[str, int]]:
        """
        Return files with the number of their rows.

        :param limit: how many; those with the most rows.
        """
        files = list(self._files)
        found = (
            "SELECT file, sum(amount) AS n FROM groups GROUP BY file HAVING n > 0 ORDER BY n DESC, file LIMIT ?"
        )
        return [(files[file], rows) for file, rows in self._database.execute(found, (limit,))]

    def _entry(self, row: ReportRow) -> tuple[int, int | None, str | None, str | None, bytes]:
        self.rows += 1
        file, kind, message = self._file(row.file), row.kind, row.message
        cells = row.cells
        columns = self._header(file, tuple([name for name, _ in cells]))
        packed = marshal.dumps((columns, [cell_text(value) for _, value in cells]))
        own = None if message == kind else _storable(message)
        fault = None if row.column is None else _storable(row.column)
        return self._kind(file, kind, row.rank), row.row, fault, own, packed

    def _file(self, name: str) -> int:
        name = cell_text(name)
        number = self._files.get(name)
        if number is None:
            number = self._files[name] = len(self._files)
            self._columns_of.append({})
        return number

    def _kind(self, file: int, kind: str, rank: int) -> int:
        known = self._kinds.get((file, kind))
        if known is not None:
            return known
        key = (file, _storable(kind))
        self._database.execute("INSERT OR IGNORE INTO kinds (file, kind, rank) VALUES (?, ?, ?)", (*key, rank))
        found = self._database.execute("SELECT id FROM kinds WHERE file = ? AND kind = ?", key).fetchone()[0]
        if len(self._kinds) >= _CACHED_KINDS:
            self._kinds.clear()
        # One kind may be very long; many must not be kept.
        if len(kind) < LONGEST_ITEM // _CACHED_KINDS:
            self._kinds[file, kind] = found
        return int(found)

    def _header(self, file: int, names: tuple[str, ...]) -> list[int]:
        """Return the numbers of columns; of two with one name, the first keeps its number in every row."""
        numbers = self._headers.get(names)
        if numbers is None:
            seen: dict[str, int] = {}
            numbers = []
            for name in names:
                seen[name] = seen.get(name, 0) + 1
                numbers.append(self._columns.setdefault((name, seen[name]), len(self._columns)))
            if len(self._columns) > MOST_COLUMNS:
                problem = f"the rows have more than {MOST_COLUMNS:,} columns, more than a report can have."
                raise TooManyColumnsError(problem)
            self._cached_columns += len(names)
            if len(self._headers) >= 64 or self._cached_columns > _CACHED_COLUMNS:
                self._headers.clear()
                self._cached_columns = len(names)
            self._headers[names] = numbers
        if self._last != (file, names):
            self._columns_of[file].update(dict.fromkeys(numbers))
            self._last = (file, names)
        return numbers


def _storable(text: str) -> str:
    """Return a cell's text that UTF-8 can hold: JSON may hold halves of surrogate pairs."""
    text = cell_text(text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
