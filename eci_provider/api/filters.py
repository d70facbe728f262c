"""The `filter` query: conditions with every value in single quotes, joined by `and` (Filters page)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from math import isfinite
from typing import TypeAlias

from eci_provider.api.errors import EciValidationError

FilterValue: TypeAlias = str | int | float | bool | date | datetime

_ONE_VALUE = ("equals", "not equals", "less than", "greater than", "less than equal", "greater than equal")
_TEXT = ("like", "not like")
_MANY = ("one of", "not one of")
_RANGE = ("between", "not between")
_PERIODS = ("today", "yesterday", *(f"last {days} days" for days in (7, 14, 30, 60, 90)), "current month")


class Filter:
    """
    One or more conditions joined by `and`; build one with :func:`where`.

    :param text: the filter as the API reads it, before URL encoding.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __and__(self, other: Filter) -> Filter:
        return Filter(f"{self._text} and {other._text}")

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Filter({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def where(field: str, operator: str, *values: FilterValue) -> Filter:
    """
    Return one condition, such as ``where("batchCode", "equals", "2026-03")``.

    :param field: the field's documented name.
    :param operator: ``equals``, ``not equals``, ``less than``, ``greater than``, ``less than equal``,
        ``greater than equal``, ``like``, ``not like``, ``one of``, ``not one of``, ``between``, ``not between``,
        or a period: ``today``, ``yesterday``, ``last 7 days`` (14, 30, 60, 90), ``current month``.
    :param values: one value; any number of them for ``one of``; two for ``between``; none for a period.
    :raises EciValidationError: if the name or the operator is unknown, the number of values is wrong, or a value
        cannot be quoted. How to escape an apostrophe or `|` is not documented, and a wrong filter finds the wrong
        batch.
    """
    problems = [*_shape_problems(field, operator, len(values)), *_value_problems(values)]
    if problems:
        raise EciValidationError(problems, source=f"filter on {field!r}")
    quoted = "|".join(f"'{_text(value)}'" for value in values)
    return Filter(f"{field} {operator} {quoted}".rstrip())


def _shape_problems(field: str, operator: str, count: int) -> Iterable[str]:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", field):
        yield f"field is {field!r}: must be a name of letters and digits"
    wanted = {
        **dict.fromkeys((*_ONE_VALUE, *_TEXT), (1, 1)),
        **dict.fromkeys(_MANY, (1, 1000)),
        **dict.fromkeys(_RANGE, (2, 2)),
        **dict.fromkeys(_PERIODS, (0, 0)),
    }
    if operator not in wanted:
        yield f"operator is {operator!r}: must be one of {', '.join(wanted)}"
    elif not wanted[operator][0] <= count <= wanted[operator][1]:
        fewest, most = wanted[operator]
        bound = str(fewest) if fewest == most else f"{fewest} to {most}"
        yield f"operator {operator!r} takes {bound} values, not {count}"


def _value_problems(values: Iterable[FilterValue]) -> Iterable[str]:
    for value in values:
        if not isinstance(value, (str, int, float, date)) or (isinstance(value, float) and not isfinite(value)):
            yield f"value is {value!r}: must be a text, a finite number, a boolean or a date"
        elif bad := re.search(r"['|\x00-\x1f\x7f\ud800-\udfff]", _text(value)):
            yield f"value is {value!r}: {bad.group()!r} cannot be quoted in a filter"


def _text(value: FilterValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)
