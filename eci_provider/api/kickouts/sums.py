"""The number of kicked-out rows, in all and by message: exact, in little memory."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from heapq import nlargest
from operator import itemgetter

from eci_provider.api.kickouts.messages import KnownMessages

#: How many messages, and how many characters, are counted in memory; beyond that they are counted on disk.
_MOST_IN_MEMORY = 10_000
_MOST_TEXT_IN_MEMORY = 4 * 1024 * 1024
_TABLES = """
PRAGMA temp_store = FILE;
PRAGMA journal_mode = OFF;
CREATE TABLE counts (place INTEGER PRIMARY KEY, digest BLOB UNIQUE, message BLOB, amount INTEGER);
BEGIN;
"""
# Indexed by digest, because an index of long messages would be as long as they are.
_ADD = """
INSERT INTO counts (digest, message, amount) VALUES (?, ?, ?)
    ON CONFLICT (digest) DO UPDATE SET amount = amount + excluded.amount
"""


class KickoutSums:
    """
    The number of rows, in all and by message, however many messages there are.

    :param messages: messages that are listed even if no row has them.
    """

    def __init__(self, messages: KnownMessages | None = None) -> None:
        self.rows = 0
        self._known: Iterable[str] = messages.texts if messages else ()
        self._counts: dict[str, int] = dict.fromkeys(self._known, 0)
        self._room = _MOST_TEXT_IN_MEMORY
        self._base: sqlite3.Connection | None = None

    def count(self, messages: Sequence[str]) -> None:
        """
        Count a row.

        :param messages: its messages.
        """
        self.rows += 1
        for message in messages:
            self._count(message, 1)

    def add(self, other: KickoutSums) -> None:
        """
        Add the rows that other sums have counted.

        :param other: the other sums.
        """
        self.rows += other.rows
        for message, amount in other._all():
            self._count(message, amount)

    def most_common(self, most: int) -> list[tuple[str, int]]:
        """
        Return the most frequent messages with the number of their rows; of equals, those that came first.

        :param most: how many messages.
        """
        if self._base is None:
            return nlargest(most, self._counts.items(), key=itemgetter(1))
        self._store()
        found = "SELECT message, amount FROM counts ORDER BY amount DESC, place LIMIT ?"
        return [(_text(message), amount) for message, amount in self._base.execute(found, (most,))]

    def without_rows(self) -> list[str]:
        """Return the listed messages that no row has."""
        if self._base is None:
            return [message for message in self._known if not self._counts[message]]
        self._store()
        found = "SELECT message FROM counts WHERE amount = 0 ORDER BY place"
        return [_text(message) for (message,) in self._base.execute(found)]

    def __bool__(self) -> bool:
        """Return whether there is any message."""
        return bool(self._counts) or self._base is not None

    def _count(self, message: str, amount: int) -> None:
        counted = self._counts.get(message)
        if counted is None:
            if len(self._counts) >= _MOST_IN_MEMORY or len(message) > self._room:
                self._store()
            self._room -= len(message)
            counted = 0
        self._counts[message] = counted + amount

    def _store(self) -> None:
        """Move the counts to disk."""
        if self._base is None:
            # An empty name makes a temporary database, which SQLite moves to disk beyond 2 MiB.
            self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            weakref.finalize(self, self._base.close)
            self._base.executescript(_TABLES)
        self._base.executemany(_ADD, (_stored(message, amount) for message, amount in self._counts.items()))
        self._counts.clear()
        self._room = _MOST_TEXT_IN_MEMORY

    def _all(self) -> Iterable[tuple[str, int]]:
        if self._base is None:
            return self._counts.items()
        self._store()
        found = self._base.execute("SELECT message, amount FROM counts ORDER BY place")
        return ((_text(message), amount) for message, amount in found)


def _stored(message: str, amount: int) -> tuple[bytes, bytes, int]:
    # JSON may hold lone surrogates.
    text = message.encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=16).digest(), text, amount


def _text(message: bytes) -> str:
    return message.decode("utf-8", "surrogatepass")
