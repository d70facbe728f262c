"""Sort more rows than fit into memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from eci_provider.bills.keys import BillKey
from eci_provider.core.spill import Spill

#: What a row takes in memory beside its text, about, and how much all rows in memory may take, in bytes.
_ROW_COST = 900
_MEMORY = 8 * 1024 * 1024
#: How many runs are merged at once.
_FAN_IN = 32
#: How much of a run is in memory while it is merged, in bytes as counted above.
_BATCH = 48 * 1024

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
        levels: list[list[Spill[_Item]]] = [[]]
        for chunk in _chunks(items):
            chunk.sort()
            levels[0].append(_written(stack, chunk))
            _merge_full_levels(stack, levels)
        for key, _, text in heapq.merge(*[run for level in levels for run in level]):
            yield key, text


def _merge_full_levels(stack: ExitStack, levels: list[list[Spill[_Item]]]) -> None:
    """Keep few files open: as soon as a level has enough runs, they become one run of the next level."""
    for number, level in enumerate(levels):
        if len(level) < _FAN_IN:
            return
        if number + 1 == len(levels):
            levels.append([])
        levels[number + 1].append(_written(stack, heapq.merge(*level)))
        for run in level:
            run.close()
        level.clear()


def _written(stack: ExitStack, items: Iterable[_Item]) -> Spill[_Item]:
    run = stack.enter_context(Spill(_cost, batch_cost=_BATCH))
    run.extend(items)
    return run


def _chunks(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Iterate over chunks of items that fit into memory."""
    chunk: list[_Item] = []
    cost = 0
    for item in items:
        chunk.append(item)
        cost += _cost(item)
        if cost >= _MEMORY:
            yield chunk
            chunk, cost = [], 0
    if chunk:
        yield chunk


def _cost(item: _Item) -> int:
    """Return about how many bytes of memory an item takes."""
    return len(item[2]) * 2 + _ROW_COST
