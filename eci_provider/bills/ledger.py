"""Things that occur twice, among more things than fit into memory."""

from __future__ import annotations

import heapq
import operator
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack

from eci_provider.core.spill import spill_file

_SHARES = 256
#: How many entries memory holds at most: in the order they came, and of each share.
_MOST_WAITING = 32 * 1024
_MOST_WAITING_IN_SHARE = 2048
_BYTES = array("q").itemsize


class Ledger:
    """
    Things in the order of their rows, to be asked for repetitions. Use it as a context manager.

    While each thing is greater than the one before, none can be repeated, and nothing needs to be compared.
    Otherwise hashes are compared: two things with the same hash count as the same thing. With 64 bits that happens
    about once in a million files.

    :param most_waiting: how many entries memory holds before they are written to disk.
    :param most_waiting_in_share: how many of each share.
    """

    def __init__(
        self, *, most_waiting: int = _MOST_WAITING, most_waiting_in_share: int = _MOST_WAITING_IN_SHARE
    ) -> None:
        self._most_waiting, self._most_waiting_in_share = most_waiting, most_waiting_in_share
        self._last: tuple[str, ...] = ()
        self._is_ascending = True
        self._hashes, self._rows = array("q"), array("q")
        self._stack = ExitStack()
        self._file = self._stack.enter_context(spill_file())
        self._written: list[int] = []

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, things: Sequence[tuple[str, ...]], rows: Iterable[int]) -> None:
        """
        Add things.

        :param things: the things.
        :param rows: the row of each; rows ascend.
        """
        if self._is_ascending and things:
            self._is_ascending = all(map(operator.lt, [self._last, *things], things))
            self._last = things[-1]
        self._hashes.extend(map(hash, things))
        self._rows.extend(rows)
        if len(self._rows) >= self._most_waiting:
            self._written.append(len(self._rows))
            for entries in (self._hashes, self._rows):
                entries.tofile(self._file)
                del entries[:]

    def repeated(self, most: int) -> tuple[int, list[tuple[int, int]]]:
        """
        Return how many things were there before, and the first of them.

        :param most: how many to return; all are counted.
        :return: the count; and pairs of a row and the first row of the same thing, in the order of the rows.
        """
        count = 0
        # A heap of the smallest rows so far, the largest of them on top.
        kept: list[tuple[int, int]] = []
        for entries in self._shares() if not self._is_ascending else ():
            hashes = entries[::2]
            if len(set(hashes)) == len(hashes):
                continue
            first: dict[int, int] = {}
            for hashed, row in zip(hashes, entries[1::2], strict=True):
                before = first.setdefault(hashed, row)
                if before == row:
                    continue
                count += 1
                if len(kept) < most:
                    heapq.heappush(kept, (-row, before))
                else:
                    heapq.heappushpop(kept, (-row, before))
        return count, sorted((-row, before) for row, before in kept)

    def _shares(self) -> Iterator[array[int]]:
        """Iterate over shares of the entries that fit into memory; all entries of a thing are in one share."""
        shares = [array("q") for _ in range(_SHARES)]
        chunks: list[list[tuple[int, int]]] = [[] for _ in range(_SHARES)]
        file = self._stack.enter_context(spill_file())
        for hashes, rows in self._entries():
            for hashed, row in zip(hashes, rows, strict=True):
                share = shares[hashed % _SHARES]
                share.append(hashed)
                share.append(row)
            for share, positions in zip(shares, chunks, strict=True):
                if len(share) >= self._most_waiting_in_share:
                    positions.append((file.tell(), len(share)))
                    share.tofile(file)
                    del share[:]
        for share, positions in zip(shares, chunks, strict=True):
            entries = array("q")
            for position, length in positions:
                file.seek(position)
                entries.frombytes(file.read(length * _BYTES))
            yield entries + share

    def _entries(self) -> Iterator[tuple[array[int], array[int]]]:
        """Iterate over the hashes and rows that were added, in their order."""
        self._file.seek(0)
        for length in self._written:
            hashes, rows = array("q"), array("q")
            hashes.frombytes(self._file.read(length * _BYTES))
            rows.frombytes(self._file.read(length * _BYTES))
            yield hashes, rows
        yield self._hashes, self._rows
