"""What a check of a bill file found, in the form of a kickout report, so that both can be read side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from eci_provider.bills.report import CheckReport, Problem


class ProblemRow(NamedTuple):
    """
    Hold a row with a problem.

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
    Iterate over the problems of a check as a report wants them.

    :param report: the check.
    :param title: what it is a check of.
    :param hear: is told each problem as it comes.
    """

    noun = "Problems"

    def __init__(
        self,
        report: CheckReport,
        *,
        title: str = "Bill file check",
        hear: Callable[[Problem], object] | None = None,
    ) -> None:
        self.title = title
        #: Where the bill file lies; None where nobody knows.
        self.file: object = report.file
        self._report = report
        self._hear = hear

    def __iter__(self) -> Iterator[ProblemRow]:
        for problem in self._report:
            if self._hear is not None:
                self._hear(problem)
            yield _row(problem)

    def without_rows(self) -> list[str]:
        """Return nothing: a problem of the file as a whole is a row of the report, too."""
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
