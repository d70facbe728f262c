"""Temporary files for what does not fit into memory; each is gone once it is closed."""

from __future__ import annotations

import marshal
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Generic, TypeVar, cast

Item = TypeVar("Item")
_LENGTH = struct.Struct("<Q")


def spill_file(*, is_named: bool = False, buffering: int = -1) -> BinaryIO:
    """
    Open a temporary file for writing and reading; closing it removes it. ``TMPDIR`` says where it lies.

    :param is_named: whether other code opens it by its ``name``; otherwise nobody else sees it.
    :param buffering: as in :func:`open`.
    """
    if is_named:
        return cast("BinaryIO", tempfile.NamedTemporaryFile(buffering=buffering, prefix="eci-"))
    return cast("BinaryIO", tempfile.TemporaryFile(buffering=buffering))


class Spill(Generic[Item]):
    """
    Items on disk, in the order they were added.

    They are written in batches, so memory holds one batch however many items there are. Use it as a context
    manager.

    :param cost: returns about how many bytes of memory an item takes.
    :param batch_cost: how many bytes a batch takes in memory at most.
    :param batch_items: how many items a batch has at most; any number without.
    """

    def __init__(self, cost: Callable[[Item], int], *, batch_cost: int, batch_items: int | None = None) -> None:
        self._cost, self._batch_cost, self._batch_items = cost, batch_cost, batch_items or batch_cost
        self._file = spill_file()
        self._batch: list[Item] = []
        self._batched = 0
        self._marked = 0

    def __enter__(self) -> Spill[Item]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the items from disk."""
        self._file.close()

    def add(self, item: Item) -> None:
        """Add an item: plain data, as :mod:`marshal` writes it."""
        batch = self._batch
        batch.append(item)
        self._batched += self._cost(item)
        if self._batched >= self._batch_cost or len(batch) >= self._batch_items:
            self._write()

    def extend(self, items: Iterable[Item]) -> None:
        """Add items."""
        for item in items:
            self.add(item)

    def mark(self) -> None:
        """Keep the items added so far, whatever :meth:`rollback` removes later."""
        self._write()
        self._marked = self._file.tell()

    def rollback(self) -> None:
        """Remove the items added since :meth:`mark`, or all of them if it was not called."""
        self._batch.clear()
        self._batched = 0
        self._file.seek(self._marked)
        self._file.truncate()

    def __iter__(self) -> Iterator[Item]:
        self.mark()
        self._file.seek(0)
        while length := self._file.read(_LENGTH.size):
            # Written by this process into a file that nobody else sees.
            yield from marshal.loads(self._file.read(_LENGTH.unpack(length)[0]))  # noqa: S302

    def _write(self) -> None:
        if not self._batch:
            return
        packed = marshal.dumps(self._batch)
        self._file.write(_LENGTH.pack(len(packed)))
        self._file.write(packed)
        self._batch.clear()
        self._batched = 0
