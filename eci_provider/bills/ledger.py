"""Find what comes twice among more things than fit into memory."""

from __future__ import annotations

import heapq
import operator
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType

from eci_provider.core.spill import spill_file

_SHARES = 256
#: How many entries wait in memory: all as they come, and then of each share.
_WAITING = 32 * 1024
_WAITING_IN_SHARE = 2048
_BYTES = array("q").itemsize


class Ledger:
    """
    Note things, and tell at the end which came twice.

    Where each is greater than the one before, none did, and no more is done. Otherwise they are told by a hash:
    two things of one hash count as one thing; a hash of 64 bits lets that happen once in a million files.
    """

    def __init__(self) -> None:
        self._last: tuple[str, ...] = ()
        self._ascend = True
        self._hashes, self._rows = array("q"), array("q")
        self._stack = ExitStack()
        self._file = self._stack.enter_context(spill_file())
        self._written: list[int] = []

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, things: Sequence[tuple[str, ...]], rows: Iterable[int]) -> None:
        """
        Note things.

        :param things: the things.
        :param rows: where each stands; later ones stand further down.
        """
        if self._ascend and things:
            self._ascend = all(map(operator.lt, [self._last, *things], things))
            self._last = things[-1]
        self._hashes.extend(map(hash, things))
        self._rows.extend(rows)
        if len(self._rows) >= _WAITING:
            self._written.append(len(self._rows))
            for entries in (self._hashes, self._rows):
                entries.tofile(self._file)
                del entries[:]

    def repeated(self, most: int) -> tuple[int, list[tuple[int, int]]]:
        """
        Return how many things stand where the same stood before, and the first of them.

        :param most: how many to return; all are counted.
        :return: the count, and pairs of a row and the first row of the same thing, in the rows' order.
        """
        count = 0
        # A heap of the smallest rows so far, the largest of them on top.
        kept: list[tuple[int, int]] = []
        for entries in self._shares() if not self._ascend else ():
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
        """Iterate over shares of the entries, small enough for memory, all entries of one thing in one of them."""
        shares = [array("q") for _ in range(_SHARES)]
        chunks: list[list[tuple[int, int]]] = [[] for _ in range(_SHARES)]
        file = self._stack.enter_context(spill_file())
        for hashes, rows in self._entries():
            for hashed, row in zip(hashes, rows, strict=True):
                share = shares[hashed % _SHARES]
                share.append(hashed)
                share.append(row)
            for share, places in zip(shares, chunks, strict=True):
                if len(share) >= _WAITING_IN_SHARE:
                    places.append((file.tell(), len(share)))
                    share.tofile(file)
                    del share[:]
        for share, places in zip(shares, chunks, strict=True):
            entries = array("q")
            for place, length in places:
                file.seek(place)
                entries.frombytes(file.read(length * _BYTES))
            yield entries + share

    def _entries(self) -> Iterator[tuple[array[int], array[int]]]:
        """Iterate over the hashes and rows noted, in their order."""
        self._file.seek(0)
        for length in self._written:
            hashes, rows = array("q"), array("q")
            hashes.frombytes(self._file.read(length * _BYTES))
            rows.frombytes(self._file.read(length * _BYTES))
            yield hashes, rows
        yield self._hashes, self._rows
