"""Things that occur twice, among more things than fit into memory."""

from __future__ import annotations

import heapq
import operator
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from eci_provider.core.spill import spill_file

_SHARES = 256
#: How many entries memory holds at most: in the order they came, and of each share.
_MOST_WAITING = 32 * 1024
_MOST_WAITING_IN_SHARE = 2048
_BYTES = array("q").itemsize
#: How many numbers an entry has: the hash of a thing, its row, a detail of it.
_NUMBERS = 3
#: Says what a repetition is, of the details of the things before and those of the repeated thing.
Judge: TypeAlias = "Callable[[list[int], list[int]], str]"


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
        self._entries = [array("q") for _ in range(_NUMBERS)]
        self._stack = ExitStack()
        self._file = self._stack.enter_context(spill_file())
        self._written: list[int] = []

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(
        self,
        things: Sequence[tuple[str, ...]],
        rows: Sequence[int],
        details: Sequence[int],
        further: Iterable[tuple[tuple[str, ...], int, int]] = (),
    ) -> None:
        """
        Add things.

        :param things: the things.
        :param rows: the row of each; rows ascend.
        :param details: a detail of each.
        :param further: further details of things that were added, now or before: the thing, its row, the detail.
        """
        if self._is_ascending and things:
            self._is_ascending = all(map(operator.lt, [self._last, *things], things))
            self._last = things[-1]
        hashes, all_rows, all_details = self._entries
        hashes.extend(map(hash, things))
        all_rows.extend(rows)
        all_details.extend(details)
        for thing, row, detail in further:
            hashes.append(hash(thing))
            all_rows.append(row)
            all_details.append(detail)
        if len(hashes) >= self._most_waiting:
            self._written.append(len(hashes))
            for entries in self._entries:
                entries.tofile(self._file)
                del entries[:]

    def repeated(self, most: int, judge: Judge) -> tuple[Counter[str], list[tuple[int, int, str]]]:
        """
        Return how many things were there before, and the first of them.

        :param most: how many to return; all are counted.
        :param judge: says of what kind a repetition is.
        :return: the count of each kind; and for each repetition its row, the first row of the same thing, and its
            kind, in the order of the rows.
        """
        counts: Counter[str] = Counter()
        # A heap of the smallest rows so far, the largest of them on top.
        kept: list[tuple[int, int, str]] = []
        for entries in self._shares() if not self._is_ascending else ():
            hashes = entries[::_NUMBERS]
            if len(set(hashes)) == len(hashes):
                continue
            for row, before, kind in _repetitions(entries, judge):
                counts[kind] += 1
                if len(kept) < most:
                    heapq.heappush(kept, (-row, before, kind))
                else:
                    heapq.heappushpop(kept, (-row, before, kind))
        return counts, sorted((-row, before, kind) for row, before, kind in kept)

    def _shares(self) -> Iterator[array[int]]:
        """Iterate over shares of the entries that fit into memory; all entries of a thing are in one share."""
        shares = [array("q") for _ in range(_SHARES)]
        chunks: list[list[tuple[int, int]]] = [[] for _ in range(_SHARES)]
        file = self._stack.enter_context(spill_file())
        for written in self._all_entries():
            for entry in zip(*written, strict=True):
                shares[entry[0] % _SHARES].extend(entry)
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

    def _all_entries(self) -> Iterator[list[array[int]]]:
        """Iterate over the numbers of the entries that were added, in their order."""
        self._file.seek(0)
        for length in self._written:
            written = [array("q") for _ in range(_NUMBERS)]
            for numbers in written:
                numbers.frombytes(self._file.read(length * _BYTES))
            yield written
        yield self._entries


def _repetitions(entries: array[int], judge: Judge) -> Iterator[tuple[int, int, str]]:
    """Iterate over the repetitions in a share: the row of each, the first row of the same thing, its kind."""
    by_thing: dict[int, list[tuple[int, int]]] = {}
    for hashed, row, detail in zip(*(entries[number::_NUMBERS] for number in range(_NUMBERS)), strict=True):
        by_thing.setdefault(hashed, []).append((row, detail))
    for found in by_thing.values():
        if len(found) == 1:
            continue
        before: list[int] = []
        # Sorting is stable, so the details of a thing stay in their order.
        for row, same in groupby(sorted(found, key=itemgetter(0)), key=itemgetter(0)):
            details = [detail for _, detail in same]
            if before:
                yield row, found[0][0], judge(before, details)
            before += details
