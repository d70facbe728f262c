"""A sort of more rows than fit into memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TypeAlias, TypeVar

from eci_provider.core.spill import Spill

#: About how much memory a row takes beside its text, in bytes.
ROW_COST = 900
#: How much memory all rows may take, in bytes.
_MEMORY = 8 * 1024 * 1024
#: How many runs are merged at once.
_FAN_IN = 32
#: How much of a run is in memory while it is merged, in bytes as counted above.
_BATCH = 48 * 1024

#: What a row is beside its key and its text: its number in the file, the number of its bill there, its detail.
Mark: TypeAlias = "tuple[int, int, int]"
#: Key, mark, text. The row's number makes the order total, so that rows of one bill stay in their order.
Item: TypeAlias = "tuple[tuple[str, ...], Mark, str]"
_Item = TypeVar("_Item", bound=Item)


def sorted_rows(rows: Iterable[_Item], *, memory: int = _MEMORY, fan_in: int = _FAN_IN) -> Iterator[_Item]:
    """
    Iterate over rows in the order of their bills; the rows of a bill stay in their order.

    Memory is bounded: rows that do not fit into it are written to temporary files.

    :param rows: the key, the mark and the text of each row.
    :param memory: about how many bytes the rows in memory may take.
    :param fan_in: how many temporary files are merged at once.
    """
    with ExitStack() as stack:
        levels: list[list[Spill[_Item]]] = [[]]
        for chunk in _chunks(rows, memory):
            chunk.sort()
            levels[0].append(_run(stack, chunk))
            _merge_full_levels(stack, levels, fan_in)
        yield from heapq.merge(*[run for level in levels for run in level])


def _merge_full_levels(stack: ExitStack, levels: list[list[Spill[_Item]]], fan_in: int) -> None:
    """Keep few files open: once a level has enough runs, merge them into one run of the next level."""
    for number, level in enumerate(levels):
        if len(level) < fan_in:
            return
        if number + 1 == len(levels):
            levels.append([])
        levels[number + 1].append(_run(stack, heapq.merge(*level)))
        for run in level:
            run.close()
        level.clear()


def _run(stack: ExitStack, items: Iterable[_Item]) -> Spill[_Item]:
    run: Spill[_Item] = stack.enter_context(Spill(_cost, batch_cost=_BATCH))
    run.extend(items)
    return run


def _chunks(items: Iterable[_Item], memory: int) -> Iterator[list[_Item]]:
    """Iterate over chunks of items that fit into memory."""
    chunk: list[_Item] = []
    cost = 0
    for item in items:
        chunk.append(item)
        cost += _cost(item)
        if cost >= memory:
            yield chunk
            chunk, cost = [], 0
    if chunk:
        yield chunk


def _cost(item: _Item) -> int:
    """Return about how many bytes of memory an item takes."""
    return len(item[2]) * 2 + ROW_COST
