"""The store: the SQLite database of a sandbox, behind one lock."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS users (
    user_id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, full_name TEXT, api_key TEXT UNIQUE,
    permissions TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (
    account_id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL, vendor_code TEXT NOT NULL,
    active INTEGER NOT NULL, service_start TEXT, service_end TEXT, alert TEXT,
    aliases TEXT NOT NULL, meters TEXT NOT NULL, UNIQUE (code, vendor_code));
CREATE TABLE IF NOT EXISTS batches (
    batch_id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
    owner_id INTEGER NOT NULL, created_at REAL NOT NULL, closed_at REAL, note TEXT,
    defaults TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS profiles (
    profile_id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, mapping TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
    task_id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT NOT NULL UNIQUE, user_id INTEGER NOT NULL,
    file_name TEXT NOT NULL, profile_code TEXT, mapping TEXT, options TEXT NOT NULL,
    batch_id INTEGER, self_contained INTEGER NOT NULL, note TEXT, begin_at REAL NOT NULL,
    due_at REAL NOT NULL, end_at REAL, analysis REAL NOT NULL DEFAULT 0, outcome TEXT, message TEXT,
    forced_failure TEXT, rows_read INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS uploads (task_id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS tasks_due ON tasks (due_at) WHERE outcome IS NULL;
CREATE TABLE IF NOT EXISTS bills (
    bill_id INTEGER PRIMARY KEY AUTOINCREMENT, batch_id INTEGER NOT NULL, task_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL, account TEXT NOT NULL, vendor TEXT NOT NULL, start TEXT NOT NULL,
    end TEXT NOT NULL, cost REAL NOT NULL, ace TEXT NOT NULL, estimated INTEGER NOT NULL,
    voided INTEGER NOT NULL, analyzed_at REAL NOT NULL, flagged INTEGER NOT NULL,
    details TEXT NOT NULL, rows TEXT NOT NULL, note TEXT);
CREATE INDEX IF NOT EXISTS bills_account ON bills (account_id, end);
CREATE INDEX IF NOT EXISTS bills_batch ON bills (batch_id);
CREATE INDEX IF NOT EXISTS bills_task ON bills (task_id);
CREATE TABLE IF NOT EXISTS kickout_files (
    file_id INTEGER PRIMARY KEY AUTOINCREMENT, task_id INTEGER NOT NULL, file_name TEXT NOT NULL,
    header TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS kickout_rows (
    row_id INTEGER PRIMARY KEY AUTOINCREMENT, task_id INTEGER NOT NULL, file_id INTEGER NOT NULL,
    message TEXT NOT NULL, cells TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS kickout_rows_task ON kickout_rows (task_id);
CREATE TABLE IF NOT EXISTS retries (task_id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS retries_source ON retries (source_id);
CREATE TABLE IF NOT EXISTS lost_bills (
    task_id INTEGER NOT NULL, batch_id INTEGER NOT NULL, by_task_id INTEGER, at REAL NOT NULL,
    bills INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS lost_bills_task ON lost_bills (task_id);
CREATE INDEX IF NOT EXISTS lost_bills_batch ON lost_bills (batch_id);
CREATE TABLE IF NOT EXISTS void_batches (batch_id INTEGER PRIMARY KEY, since REAL NOT NULL);
CREATE TABLE IF NOT EXISTS deleted_batches (batch_id INTEGER PRIMARY KEY, code TEXT NOT NULL, at REAL NOT NULL);
"""
RESET_TABLES = (
    "accounts",
    "batches",
    "profiles",
    "tasks",
    "uploads",
    "bills",
    "kickout_files",
    "kickout_rows",
    "retries",
    "lost_bills",
    "void_batches",
    "deleted_batches",
)
JSON_COLUMNS = frozenset(
    {"permissions", "aliases", "meters", "defaults", "mapping", "options", "details", "rows", "header", "cells"}
)

Row = dict[str, Any]


class Store:
    """
    One SQLite connection for all threads, behind one lock.

    All statements have parameters for their values. Names of tables and columns come from this package only.

    :param path: file, or ``:memory:``.
    """

    def __init__(self, path: str) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self.closed = False
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.create_function("folded", 1, _folded, deterministic=True)
        self._connection.create_function("folded_cells", 1, _folded_cells, deterministic=True)
        self._connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """
        Hold the lock in a transaction. A nested block belongs to the outermost one; an error rolls back all of it.
        """
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock over several statements, without a transaction."""
        with self._lock:
            yield

    def execute(self, sql: str, *values: Any) -> int:
        """
        Run one statement.

        :return: number of rows that it changed.
        """
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def execute_many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run one statement for each row of values."""
        with self._lock:
            self._connection.executemany(sql, rows)

    def insert(self, table: str, **values: Any) -> int:
        """
        Insert one row.

        :return: its id.
        :raises sqlite3.IntegrityError: if a unique code is in use.
        """
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        encoded = tuple(_encode(name, value) for name, value in values.items())
        with self._lock:
            cursor = self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", encoded)  # noqa: S608
            return int(cursor.lastrowid or 0)

    def update(self, table: str, key: str, key_value: Any, **values: Any) -> None:
        """Change columns of the row whose column ``key`` is ``key_value``."""
        assigned = ", ".join(f"{name} = ?" for name in values)
        encoded = tuple(_encode(name, value) for name, value in values.items())
        with self._lock:
            self._connection.execute(f"UPDATE {table} SET {assigned} WHERE {key} = ?", (*encoded, key_value))  # noqa: S608

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """Return the rows of a query."""
        with self._lock:
            cursor = self._connection.execute(sql, values)
            names = [column[0] for column in cursor.description]
            decoders = [_decode if name in JSON_COLUMNS else None for name in names]
            return [
                {
                    name: value if decode is None else decode(value)
                    for name, decode, value in zip(names, decoders, found, strict=True)
                }
                for found in cursor.fetchall()
            ]

    def row(self, sql: str, *values: Any) -> Row | None:
        """Return the first row of a query; None if there is none."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def blob(self, sql: str, *values: Any) -> bytes:
        """Return the blob of a query; empty if there is no row."""
        with self._lock:
            found = self._connection.execute(sql, values).fetchone()
            return bytes(found[0]) if found else b""

    def number(self, sql: str, *values: Any) -> int:
        """Return the number of a query; 0 if there is no row, or NULL."""
        with self._lock:
            found = self._connection.execute(sql, values).fetchone()
            return int(found[0]) if found and found[0] is not None else 0

    def meta(self, name: str) -> str | None:
        """Return a value about the sandbox itself."""
        found = self.row("SELECT value FROM meta WHERE name = ?", name)
        return None if found is None else str(found["value"])

    def set_meta(self, name: str, value: str) -> None:
        """Keep a value about the sandbox itself."""
        self.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", name, value)

    def reset(self) -> None:
        """Delete everything except users."""
        with self.transaction():
            for table in RESET_TABLES:
                self.execute(f"DELETE FROM {table}")  # noqa: S608
                self.execute("DELETE FROM sqlite_sequence WHERE name = ?", table)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self.closed = True
            self._connection.close()


def _encode(name: str, value: Any) -> Any:
    return json.dumps(value) if name in JSON_COLUMNS and value is not None else value


def _decode(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def _folded(text: str | None) -> str:
    """The SQL function ``folded``: a text without the difference of upper and lower case, in any language."""
    return "" if text is None else text.casefold()


def _folded_cells(cells: str | None) -> str:
    """The SQL function ``folded_cells``: the same for a list of texts, as one text."""
    return "\n".join(_decode(cells) or ()).casefold()
