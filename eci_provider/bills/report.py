"""What a check finds: the problems one by one, and their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from eci_provider.bills.rules import ERROR, RULES, WARNING, Rule
from eci_provider.core.text import printable

_MOST_IN_DIGEST = 10


@dataclass(frozen=True)
class Problem:
    """
    A problem of a row, or of a file.

    :param rule: the rule that is broken.
    :param file: the file's name; inside a ZIP the name there.
    :param row: the row, counted from 1 as in a spreadsheet program; None for the file as a whole.
    :param column: the name of the column at fault; None for the row as a whole.
    :param message: a sentence about this row.
    :param cells: the row as pairs of column name and value, as in a kickout report; empty for a problem of the
        file, or one that is found only at its end.
    """

    rule: Rule
    file: str
    row: int | None
    column: str | None
    message: str
    cells: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        place = [self.file]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column is not None:
            place.append(f"column {self.column!r}")
        return printable(f"{', '.join(place)}: {self.rule.severity} {self.rule.code}: {self.message}")


@dataclass
class Tally:
    """The counts of a check, while the file is read."""

    rows: int = 0
    bills: int = 0
    moved_starts: int = 0
    fail_on: frozenset[str] = frozenset()
    found: Counter[tuple[str, str | None]] = field(default_factory=Counter)


class CheckReport:
    """
    The problems of a bill file: iterating over them reads the file, after which their counts are known.

    Each iteration reads the file again. Problems come in the order of the rows; those that are found only at the
    end of a file come last.

    :param problems: reads the file and counts.
    :param file: the file, if it is known.
    """

    def __init__(self, problems: Callable[[Tally], Iterator[Problem]], file: object = None) -> None:
        self._problems = problems
        self.file = file
        self._tally = Tally()

    def __iter__(self) -> Iterator[Problem]:
        tally = self._tally = Tally()
        return self._problems(tally)

    @property
    def rows(self) -> int:
        """Return how many rows were checked, headers and empty rows not counted."""
        return self._tally.rows

    @property
    def bills(self) -> int:
        """Return how many bills the importer would make of them."""
        return self._tally.bills

    @property
    def moved_starts(self) -> int:
        """
        Return how many starts EnergyCAP will move: each is on the day after the end of a bill above.

        Bills that are in EnergyCAP already may move further ones.
        """
        return self._tally.moved_starts

    @property
    def errors(self) -> int:
        """Return how many problems are errors."""
        return self._count(ERROR)

    @property
    def warnings(self) -> int:
        """Return how many problems are warnings."""
        return self._count(WARNING)

    def _count(self, severity: str) -> int:
        return sum(number for (code, _), number in self._tally.found.items() if self._severity(code) == severity)

    def _severity(self, code: str) -> str:
        return ERROR if code in self._tally.fail_on else RULES[code].severity

    def digest(self) -> list[dict[str, Any]]:
        """
        Return the ten most frequent kinds of problems, errors first.

        :return: for each its ``code``, ``severity``, ``column``, ``message``, and how many ``rows`` have it.
        """
        kinds = sorted(
            self._tally.found.items(),
            key=lambda item: (self._severity(item[0][0]) != ERROR, -item[1], str(item[0])),
        )
        return [
            {
                "code": code,
                "severity": self._severity(code),
                "column": column,
                "message": RULES[code].sentence,
                "rows": number,
            }
            for (code, column), number in kinds[:_MOST_IN_DIGEST]
        ]
