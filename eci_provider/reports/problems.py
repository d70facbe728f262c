"""The problems that a check of a bill file found, as rows of a report, in the columns of a kickout report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from eci_provider.bills.report import Problem
from eci_provider.bills.rules import ERROR


class ProblemRow(NamedTuple):
    """
    A row with a problem.

    :param file: the file's name.
    :param row: the row's number in it; None for the file as a whole.
    :param column: the column at fault; None for the row as a whole.
    :param kind: the rule that is broken, with its code and the column.
    :param message: what is wrong with this row, with the rule's code.
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
    The problems of a check, as rows of a report.

    :param problems: the problems, such as ``check_file(...)``.
    :param title: the title of the report.
    :param file: the bill file, which the report must not replace; None if it is not known.
    """

    noun = "Problems"

    def __init__(
        self, problems: Iterable[Problem], *, title: str = "Bill file check", file: object = None
    ) -> None:
        self.title = title
        self.file = file
        self._problems = problems

    def __iter__(self) -> Iterator[ProblemRow]:
        for problem in self._problems:
            yield _row(problem)

    def without_rows(self) -> list[str]:
        """Return an empty list: a problem of the file as a whole is a row of the report, too."""
        return []


def _row(problem: Problem) -> ProblemRow:
    rule = problem.rule
    name = f"{rule.severity} {rule.code}"
    column = "" if problem.column is None else f", column {problem.column!r}"
    return ProblemRow(
        problem.file,
        problem.row,
        problem.column,
        f"{name}{column}: {rule.sentence}",
        f"{name}: {problem.message}",
        0 if rule.severity == ERROR else 1,
        problem.cells,
    )
