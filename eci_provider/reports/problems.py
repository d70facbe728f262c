"""The problems that a check of a bill file found, as rows of a report, like kickouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from eci_provider.bills.report import CheckReport, Problem


class ProblemRow(NamedTuple):
    """
    A problem as a row of a report.

    :param file: the file's name.
    :param row: the row's number in it; None for the file as a whole.
    :param column: the column at fault; None for the row as a whole.
    :param kind: the rule that is broken, with its code and the column.
    :param message: what is wrong with this very row, with the rule's code.
    :param rank: 0 for an error, 1 for a warning.
    :param cells: the row as pairs of column name and value.
    """

    file: str
    row: int | None
    column: str | None
    kind: str
    message: str
    rank: int
    cells: list[tuple[str, str]]


class ProblemRows:
    """
    The problems of a check as rows of a report; iterating over them reads the bill file.

    :param report: the check.
    :param title: the title of the report.
    :param on_problem: called with each problem that is read.
    """

    noun = "Problems"

    def __init__(
        self,
        report: CheckReport,
        *,
        title: str = "Bill file check",
        on_problem: Callable[[Problem], object] | None = None,
    ) -> None:
        self.title = title
        #: The bill file, if it is known.
        self.file: object = report.file
        self._report = report
        self._on_problem = on_problem

    def __iter__(self) -> Iterator[ProblemRow]:
        for problem in self._report:
            if self._on_problem is not None:
                self._on_problem(problem)
            yield _row(problem)

    def without_rows(self) -> list[str]:
        """Return nothing: a problem of the file as a whole is a row of the report too."""
        return []


def _row(problem: Problem) -> ProblemRow:
    rule = problem.rule
    name = f"{rule.severity} {rule.code}"
    place = "" if problem.column is None else f", column {problem.column!r}"
    return ProblemRow(
        problem.file,
        problem.row,
        problem.column,
        f"{name}{place}: {rule.sentence}",
        f"{name}: {problem.message}",
        0 if rule.severity == "error" else 1,
        problem.cells,
    )
