"""Which file each kicked-out row stood in: what EnergyCAP tells by file, put beside what it tells of the whole."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from eci_provider.api.kickouts.reading import KickoutTable, StoredRow, StoredRows
from eci_provider.core.text import cut

log = logging.getLogger(__name__)

#: A row as it lies on disk, with the table that it is of.
TableRow: TypeAlias = "tuple[KickoutTable, StoredRow]"
_PREFIX = "Kickouts_"
#: How many names a warning tells, and how many bytes of JSON each of them takes at most.
_MOST_NAMES = 10
_LONGEST_NAME = 100
_TABLES = """
PRAGMA temp_store = FILE;
PRAGMA journal_mode = OFF;
CREATE TABLE rows (digest BLOB PRIMARY KEY, amount INTEGER) WITHOUT ROWID;
BEGIN;
"""


def kickout_file_name(file_name: str) -> str:
    """
    Return the name of the kickout file of an imported file.

    Assumption: ``Kickouts_`` before the file's own name, in which a folder's slash, which no name of a file can
    hold, is an underscore. The documentation names no such file, and has nothing that lists them.

    :param file_name: the file's name, as it stands in the ZIP that was imported.
    """
    flat = file_name.replace("/", "_").replace("\\", "_")
    return flat if flat.startswith(_PREFIX) else _PREFIX + flat


def kickout_files(file_names: Iterable[str]) -> dict[str, str]:
    """
    Return by the name of each kickout file the file that it is of; or the files, where they share it.

    :param file_names: the names in the ZIP that was imported.
    """
    sharing: dict[str, list[str]] = {}
    for name in dict.fromkeys(file_names):
        sharing.setdefault(kickout_file_name(name), []).append(name)
    return {kickout_name: " or ".join(names) for kickout_name, names in sharing.items()}


def imported_file_name(kickout_file_name: str) -> str:
    """
    Return the name of the file that a kickout file is of, by the assumption of :func:`kickout_file_name`.

    :param kickout_file_name: as EnergyCAP names it.
    """
    return kickout_file_name.removeprefix(_PREFIX)


def each_once(
    title: str,
    whole: tuple[KickoutTable, StoredRows],
    named: tuple[Sequence[KickoutTable], StoredRows],
    unknown: Sequence[str],
) -> Iterator[TableRow]:
    """
    Iterate over the rows of an import, each of them once, and by file as far as its file is known.

    Assumption: where EnergyCAP tells the rows of an import as a whole, these are all of them. Names may be wrong
    or missing, since nothing lists them; rows that no name has are told as those of the import as a whole, and a
    warning says so.

    :param title: whose rows they are, for the warning.
    :param whole: what EnergyCAP tells of the import as a whole.
    :param named: what it tells by the names of files, all rows one behind the other.
    :param unknown: the names that it does not know.
    """
    table, rows = whole
    tables, by_name = named
    told, left = sum(of_file.rows for of_file in tables), 0
    if told == table.rows or not table.rows:
        yield from _in_tables(tables, by_name)
        return
    if not 0 < told < table.rows:
        left = table.rows
        yield from ((table, row) for row in rows)
    else:
        with _Amounts(table.digest(cells) for _, cells in rows) as amounts:
            for of_file, row in _in_tables(tables, by_name):
                if amounts.take(of_file.digest(row[1])):
                    yield of_file, row
            for row in rows:
                if amounts.take(table.digest(row[1])):
                    left += 1
                    yield table, row
    log.warning(
        "%s: %d of %d rows are told as those of %r, and not by file. %s",
        title,
        left,
        table.rows,
        table.file,
        _reason(told, left, table.rows, unknown),
    )


def _in_tables(tables: Iterable[KickoutTable], spill: StoredRows) -> Iterator[TableRow]:
    rows = iter(spill)
    return ((table, row) for table in tables for row in islice(rows, table.rows))


def _reason(told: int, left: int, rows: int, unknown: Sequence[str]) -> str:
    if told > rows:
        return f"By the names of files EnergyCAP tells {told}, some of them more than once."
    if told + left > rows:
        return "EnergyCAP spells rows otherwise where it tells them by the names of files."
    if not unknown:
        return "EnergyCAP knows all the names that were given, so others are missing."
    names = ", ".join(repr(cut(name, _LONGEST_NAME)) for name in unknown[:_MOST_NAMES])
    more = f" and {len(unknown) - _MOST_NAMES} more" if len(unknown) > _MOST_NAMES else ""
    return f"EnergyCAP knows no kickouts of {names}{more}."


class _Amounts:
    """
    Count how often each row occurs, in little memory however many there are; use it as a context manager.

    :param digests: those of the rows.
    """

    def __init__(self, digests: Iterable[bytes]) -> None:
        # An empty name is a temporary database of SQLite: on disk, as soon as it does not fit into 2 MiB.
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(_TABLES)
        add = "INSERT INTO rows VALUES (?, 1) ON CONFLICT (digest) DO UPDATE SET amount = amount + 1"
        self._base.executemany(add, ((digest,) for digest in digests))

    def __enter__(self) -> _Amounts:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def take(self, digest: bytes) -> bool:
        """Take one occurrence of a row away, and tell whether there was one."""
        lessened = self._base.execute(
            "UPDATE rows SET amount = amount - 1 WHERE digest = ? AND amount > 0", (digest,)
        )
        return bool(lessened.rowcount)
