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
    :param accounts: the indexes of the rows at which the bills of another account start.
    """

    above: str
    texts: list[str]
    starts: list[int]
    accounts: list[int]


class PartWriter:
    """
    A writer of rows into parts. Use it as a context manager.

    Rows are written before the length of their account and bill is known. When a part gets too long, the account
    that began in it moves to the next part; if the part has no other account, the bill that began in it. So
    neither needs to fit into memory.

    :param folder: the folder of the parts, as :func:`~eci_provider.storage.atomic.open_folder` returns it.
    :param names: the names of the parts.
    :param preamble: the text at the top of each part.
    :param rows_per_file: how many rows a part has at most.
    """

    def __init__(self, folder: Folder, names: Iterator[str], preamble: bytes, rows_per_file: int) -> None:
        self._folder, self._names, self._preamble, self._limit = folder, names, preamble, rows_per_file
        self._published: list[str] = []
        self._stack = ExitStack()
        self._rows = 0
        # The rows and bytes of the part before its last bill, and before its last account.
        self._bill = self._account = (0, len(preamble))
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
        for above, texts, starts, accounts in stretches:
            self._file.write(above.encode())
            done = self._write_full_parts(texts, starts, accounts)
            for start in sorted({found[-1] for found in (accounts, starts) if found and found[-1] >= done}):
                self._add(texts[done:start])
                done = start
                self._begin_bill(is_account=accounts[-1:] == [start])
            self._add(texts[done:])
        self._published.append(self._draft.publish())
        return self._published

    def _write_full_parts(self, texts: list[str], starts: list[int], accounts: list[int]) -> int:
        """Write rows while more are left than fit into the part, and return how many were written."""
        done = 0
        while self._rows + len(texts) - done > self._limit:
            # The first row that does not fit.
            first_over = done + max(self._limit - self._rows, 0)
            account, bill = _last_until(first_over, accounts), _last_until(first_over, starts)
            if self._is_end(account, done):
                end = account
            elif self._account[0]:
                self._next_part(self._account)
                continue
            elif self._is_end(bill, done):
                end = bill
            elif self._bill[0]:
                self._next_part(self._bill)
                continue
            else:
                # The bill is alone in the part, and longer than a part.
                end = next((start for start in starts if start > first_over), -1)
                if end < 0:
                    break
            self._add(texts[done:end])
            self._next_part((self._rows, self._file.tell()))
            done = end
        return done

    def _is_end(self, start: int, done: int) -> bool:
        """Return whether the part can end above a row, which is so if there are rows in it above."""
        return start > done or (start == done and self._rows > 0)

    def _add(self, texts: list[str]) -> None:
        self._file.write("".join(texts).encode())
        self._rows += len(texts)

    def _begin_bill(self, *, is_account: bool) -> None:
        self._bill = self._rows, self._file.tell()
        if is_account:
            self._account = self._bill

    def _begin_part(self) -> None:
        self._draft: Draft = self._stack.enter_context(self._folder.open_draft(next(self._names)))
        self._file = self._draft.stream
        self._file.write(self._preamble)

    def _next_part(self, end: tuple[int, int]) -> None:
        """
        Publish the part up to a place in it, and begin the next part with the rest.

        :param end: how many rows and bytes are above that place.
        """
        full, done = self._draft, self._stack
        rows, size = end
        self._stack = ExitStack()
        with done:
            self._begin_part()
            full.stream.seek(size)
            copyfileobj(full.stream, self._file)
            full.stream.truncate(size)
            self._published.append(full.publish())
        self._rows -= rows
        moved = size - len(self._preamble)
        self._bill, self._account = (
            (max(before - rows, 0), max(above - moved, len(self._preamble)))
            for before, above in (self._bill, self._account)
        )


def _last_until(row: int, starts: list[int]) -> int:
    """Return the last of some rows up to a row; -1 where there is none."""
    following = bisect(starts, row)
    return starts[following - 1] if following else -1
