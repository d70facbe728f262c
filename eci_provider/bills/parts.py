"""The parts of a bill file: rows written into files of bounded length, no bill in two of them."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from shutil import copyfileobj
from typing import NamedTuple

from eci_provider.storage.atomic import Draft, Folder


class Stretch(NamedTuple):
    """
    Consecutive rows.

    :param above: the text of empty rows above all others; they belong to the bill before.
    :param texts: the text of each row, and of the empty rows below it.
    :param starts: the indexes of the rows at which a bill starts.
    """

    above: str
    texts: list[str]
    starts: list[int]


class PartWriter:
    """
    A writer of rows into parts. Use it as a context manager.

    Rows are written before the length of their bill is known. When a part gets too long, the bill that began in it
    moves to the next part, so no bill needs to fit into memory.

    :param folder: the folder of the parts, as :func:`~eci_provider.storage.atomic.open_folder` returns it.
    :param names: the names of the parts.
    :param preamble: the text at the top of each part.
    :param rows_per_file: how many rows a part has at most.
    """

    def __init__(self, folder: Folder, names: Iterator[str], preamble: bytes, rows_per_file: int) -> None:
        self._folder, self._names, self._preamble, self._limit = folder, names, preamble, rows_per_file
        self._published: list[str] = []
        self._stack = ExitStack()
        # The rows of the part; and the rows and bytes of it before its last bill.
        self._rows = self._rows_before = 0
        self._bytes_before = len(preamble)
        self._begin_part()

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, stretches: Iterable[Stretch]) -> list[str]:
        """
        Write all rows.

        :param stretches: the rows.
        :return: the paths of the parts, in their order.
        """
        for above, texts, starts in stretches:
            self._file.write(above.encode())
            done = self._write_full_parts(texts, starts)
            if starts and starts[-1] >= done:
                self._add(texts[done : starts[-1]])
                self._begin_bill()
                done = starts[-1]
            self._add(texts[done:])
        self._published.append(self._draft.publish())
        return self._published

    def _write_full_parts(self, texts: list[str], starts: list[int]) -> int:
        """Write rows while more are left than fit into the part, and return how many were written."""
        done = 0
        while self._rows + len(texts) - done > self._limit:
            # The first row that does not fit, and the bill that it belongs to.
            first_over = done + max(self._limit - self._rows, 0)
            following = bisect(starts, first_over)
            start = starts[following - 1] if following else -1
            if start > done or (start == done and self._rows):
                end = start
            elif self._rows_before:
                self._next_part()
                continue
            elif following < len(starts):
                # The bill is alone in the part, and longer than a part.
                end = starts[following]
            else:
                break
            self._add(texts[done:end])
            self._begin_bill()
            self._next_part()
            done = end
        return done

    def _add(self, texts: list[str]) -> None:
        self._file.write("".join(texts).encode())
        self._rows += len(texts)

    def _begin_bill(self) -> None:
        self._rows_before, self._bytes_before = self._rows, self._file.tell()

    def _begin_part(self) -> None:
        self._draft: Draft = self._stack.enter_context(self._folder.open_draft(next(self._names)))
        self._file = self._draft.stream
        self._file.write(self._preamble)

    def _next_part(self) -> None:
        """Publish the part up to the start of its last bill, and begin the next part with that bill."""
        full, done = self._draft, self._stack
        self._stack = ExitStack()
        with done:
            self._begin_part()
            full.stream.seek(self._bytes_before)
            copyfileobj(full.stream, self._file)
            full.stream.truncate(self._bytes_before)
            self._published.append(full.publish())
        self._rows -= self._rows_before
        self._rows_before, self._bytes_before = 0, len(self._preamble)
