"""The file of each kicked-out row: EnergyCAP's rows by file name, compared with those of the whole import."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from eci_provider.api.kickouts.reading import KickoutTable, StoredRow, StoredRows
from eci_provider.core.text import shown

log = logging.getLogger(__name__)

#: A row as it is stored on disk, with its table.
TableRow: TypeAlias = "tuple[KickoutTable, StoredRow]"
_PREFIX = "Kickouts_"
#: How many names a warning shows, and how many bytes of JSON each of them takes at most.
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
    Return the name of an imported file's kickout file.

    Assumption: it is ``Kickouts_`` and the file's name, with underscores for the slashes of folders. The
    documentation names no such file, and has no way to list them.

    :param file_name: the file's name in the ZIP that was imported.
    """
    flat = file_name.replace("/", "_").replace("\\", "_")
    return flat if flat.startswith(_PREFIX) else _PREFIX + flat


def kickout_files(file_names: Iterable[str]) -> dict[str, str]:
    """
    Return the imported file of each kickout file, by the latter's name; several files if they share it.

    :param file_names: the names in the ZIP that was imported.
    """
    sharing: dict[str, list[str]] = {}
    for name in dict.fromkeys(file_names):
        sharing.setdefault(kickout_file_name(name), []).append(name)
    return {kickout_name: " or ".join(names) for kickout_name, names in sharing.items()}


def imported_file_name(kickout_file_name: str) -> str:
    """
    Return the imported file of a kickout file, by the assumption of :func:`kickout_file_name`.

    :param kickout_file_name: EnergyCAP's name of the kickout file.
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

    Assumption: EnergyCAP's rows of the whole import are complete. File names may be wrong or missing, since
    nothing lists them; rows of no known file get the name of the whole import's file, and a warning is logged.

    :param title: the name of the report, for the warning.
    :param whole: EnergyCAP's rows of the whole import.
    :param named: its rows by file name, one file after the other.
    :param unknown: the file names that EnergyCAP does not know.
    """
    table, rows = whole
    tables, rows_by_name = named
    by_name = sum(of_file.rows for of_file in tables)
    if by_name == table.rows or not table.rows:
        yield from _in_tables(tables, rows_by_name)
        return
    without_file = 0
    all_rows = _matched(whole, named) if 0 < by_name < table.rows else ((table, row) for row in rows)
    for row_table, row in all_rows:
        without_file += row_table is table
        yield row_table, row
    log.warning(
        "%s: %d of %d rows are listed under %r, because their file is not known. %s",
        title,
        without_file,
        table.rows,
        shown(table.file, _LONGEST_NAME),
        _reason(by_name, without_file, table.rows, unknown),
    )


def _in_tables(tables: Iterable[KickoutTable], spill: StoredRows) -> Iterator[TableRow]:
    rows = iter(spill)
    return ((table, row) for table in tables for row in islice(rows, table.rows))


def _matched(
    whole: tuple[KickoutTable, StoredRows], named: tuple[Iterable[KickoutTable], StoredRows]
) -> Iterator[TableRow]:
    """Iterate over the rows by file name that the whole import has too, then over its other rows."""
    table, rows = whole
    with _RowCounts(table.digest(cells) for _, cells in rows) as counts:
        for of_file, row in _in_tables(*named):
            if counts.remove(of_file.digest(row[1])):
                yield of_file, row
        for row in rows:
            if counts.remove(table.digest(row[1])):
                yield table, row


def _reason(by_name: int, without_file: int, rows: int, unknown: Sequence[str]) -> str:
    if by_name > rows:
        return f"By file name EnergyCAP returned {by_name} rows, some of them more than once."
    if by_name + without_file > rows:
        return "By file name EnergyCAP spells rows otherwise."
    if not unknown:
        return "EnergyCAP knows all given file names, so others are missing."
    names = ", ".join(repr(shown(name, _LONGEST_NAME)) for name in unknown[:_MOST_NAMES])
    more = f" and {len(unknown) - _MOST_NAMES} more" if len(unknown) > _MOST_NAMES else ""
    return f"EnergyCAP knows no kickouts of {names}{more}."


class _RowCounts:
    """
    How often each row occurs, in little memory however many rows there are; use it as a context manager.

    :param digests: the digests of the rows.
    """

    def __init__(self, digests: Iterable[bytes]) -> None:
        # An empty name makes a temporary database, which SQLite moves to disk beyond 2 MiB.
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(_TABLES)
        add = "INSERT INTO rows VALUES (?, 1) ON CONFLICT (digest) DO UPDATE SET amount = amount + 1"
        self._base.executemany(add, ((digest,) for digest in digests))

    def __enter__(self) -> _RowCounts:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def remove(self, digest: bytes) -> bool:
        """Remove one occurrence of a row, and return whether there was one."""
        updated = self._base.execute(
            "UPDATE rows SET amount = amount - 1 WHERE digest = ? AND amount > 0", (digest,)
        )
        return bool(updated.rowcount)
