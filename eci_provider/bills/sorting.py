"""Sort more rows than fit into memory."""

from __future__ import annotations

import heapq
import marshal
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import BinaryIO, cast

from eci_provider.bills.keys import BillKey

#: What a row takes in memory beside its text, about, and how much all rows in memory may take, in bytes.
_ROW_COST = 900
_MEMORY = 8 * 1024 * 1024
#: How many runs are merged at once.
_FAN_IN = 32
#: How much of a run is in memory while it is merged, in bytes as counted above.
_BATCH = 48 * 1024
_LENGTH = struct.Struct("<Q")

# Key, place in the file, text: the place makes the order total, so that rows of one bill stay in theirs.
_Item = tuple[BillKey, int, str]


def sorted_rows(rows: Iterable[tuple[BillKey, str]]) -> Iterator[tuple[BillKey, str]]:
    """
    Iterate over rows in the order of their bills, those of one bill in the order they came in.

    Memory is bounded; what does not fit lies in temporary files.

    :param rows: each row's key and text.
    """
    items = ((key, place, text) for place, (key, text) in enumerate(rows))
    with ExitStack() as stack:
        levels: list[list[BinaryIO]] = [[]]
        for chunk in _batches(items, _MEMORY):
            chunk.sort()
            levels[0].append(_written(stack, chunk))
            _merge_full_levels(stack, levels)
        for key, _, text in _merged([run for level in levels for run in level]):
            yield key, text


def _merge_full_levels(stack: ExitStack, levels: list[list[BinaryIO]]) -> None:
    """Keep few files open: as soon as a level has enough runs, they become one run of the next level."""
    for number, level in enumerate(levels):
        if len(level) < _FAN_IN:
            return
        if number + 1 == len(levels):
            levels.append([])
        levels[number + 1].append(_written(stack, _merged(level)))
        for run in level:
            run.close()
        level.clear()


def _merged(runs: list[BinaryIO]) -> Iterator[_Item]:
    return heapq.merge(*(_read(run) for run in runs))


def _written(stack: ExitStack, items: Iterable[_Item]) -> BinaryIO:
    opened = tempfile.TemporaryFile()  # noqa: SIM115 (closed when all is merged, or before, once it is)
    run = cast("BinaryIO", stack.enter_context(opened))
    for batch in _batches(iter(items), _BATCH):
        packed = marshal.dumps(batch)
        run.write(_LENGTH.pack(len(packed)))
        run.write(packed)
    return run


def _read(run: BinaryIO) -> Iterator[_Item]:
    run.seek(0)
    while length := run.read(_LENGTH.size):
        # Written by this process into a file that nobody else sees.
        yield from marshal.loads(run.read(_LENGTH.unpack(length)[0]))  # noqa: S302


def _batches(items: Iterator[_Item], limit: int) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    cost = 0
    for item in items:
        batch.append(item)
        cost += len(item[2]) * 2 + _ROW_COST
        if cost >= limit:
            yield batch
            batch, cost = [], 0
    if batch:
        yield batch
