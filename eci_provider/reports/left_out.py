"""The rows that a preparation leaves out of a bill file, as rows of a report in the form of a kickout report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eci_provider.bills.prepare.cells import cell_text
from eci_provider.bills.prepare.faults import LeftOutRow
from eci_provider.bills.prepare.header import Header
from eci_provider.core.spill import Spill
from eci_provider.reports.problems import ProblemRow

_BATCH_COST = 64 * 1024


class LeftOutRows:
    """
    The rows that a preparation leaves out, kept on disk until they are reported.

    Use it as a context manager, and add rows with :meth:`add`.

    :param file: the source's name.
    """

    noun = "Rows left out"

    def __init__(self, file: str) -> None:
        self.title = f"Preparation of bill file {file}"
        self._file = file
        self._names: list[str] = []
        self._rows: Spill[tuple[Any, ...]] = Spill(_cost, batch_cost=_BATCH_COST)

    def __enter__(self) -> LeftOutRows:
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def add(self, row: LeftOutRow, header: Header) -> None:
        """
        Keep a row.

        :param row: the row.
        :param header: the header of the source.
        """
        self._names = header.names
        cells = [cell_text(cell) for cell in row.cells]
        self._rows.add((row.row, row.code, row.reason, row.column, row.is_fault, cells))

    def __iter__(self) -> Iterator[ProblemRow]:
        for number, code, reason, column, is_fault, cells in self._rows:
            names = [*self._names, *[""] * (len(cells) - len(self._names))]
            what = f"{'error' if is_fault else 'left out'} {code}"
            kind = what if column is None else f"{what}, column {column!r}"
            yield ProblemRow(
                self._file,
                number,
                column,
                kind,
                f"{what}: {reason}",
                0 if is_fault else 1,
                list(zip(names, cells, strict=False)),
            )

    def without_rows(self) -> list[str]:
        """Return an empty list: each of them is a row."""
        return []


def _cost(row: tuple[Any, ...]) -> int:
    return 500 + sum(map(len, row[-1]))
