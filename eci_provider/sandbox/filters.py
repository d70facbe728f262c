"""Filters of lists: conditions of the form ``field operator 'value'``, joined by ``and``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from eci_provider.sandbox.errors import ApiError

Record = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """
    A field that a list can be filtered by.

    :param kind: ``text``, ``number``, ``date`` or ``boolean``.
    :param value: function that returns its value in a record.
    :param operators: the allowed operators, if not all of the kind.
    """

    kind: str
    value: Callable[[Record], Any]
    operators: tuple[str, ...] | None = None


EQUALITY = ("equals", "not equals")
SETS = ("one of", "not one of")
ORDER = ("greater than", "less than", "greater than equal", "less than equal", "between", "not between")
DATE_WORDS = (
    "today",
    "yesterday",
    "current month",
    *(f"last {days} days" for days in (7, 14, 30, 60, 90)),
)
OPERATORS = {
    "text": (*EQUALITY, *SETS, "like", "not like"),
    "number": (*EQUALITY, *SETS, *ORDER),
    "date": (*EQUALITY, *ORDER, *DATE_WORDS),
    "boolean": EQUALITY,
}
# Longest first, so that "greater than equal" does not match as "greater than".
_ALL = sorted({name for names in OPERATORS.values() for name in names}, key=len, reverse=True)
_OPERATOR = re.compile("|".join(name.replace(" ", r"\s+") for name in _ALL), re.IGNORECASE)
_NAME = re.compile(r"\s*([A-Za-z]\w*)\s+")
_VALUES = re.compile(r"\s*('[^']*'(?:\s*\|\s*'[^']*')*)")
_AND = re.compile(r"\s+and(?=\s)", re.IGNORECASE)


def matching(records: list[Record], text: str, fields: dict[str, Field], now: datetime) -> list[Record]:
    """
    Return the records that match a filter.

    Assumption: comparisons of text ignore case. A date without a time means the whole day.

    :param fields: the fields of the list; names in lower case.
    :param now: server time, for ``today`` and similar operators.
    :raises ApiError: 400 for an unknown field, an operator that the field does not have, or a value without
        quotes.
    """
    if not text.strip():
        return records
    conditions = _parse(text, fields, now)
    return [record for record in records if all(condition(record) for condition in conditions)]


def _parse(text: str, fields: dict[str, Field], now: datetime) -> list[Callable[[Record], bool]]:
    conditions = []
    at = 0
    while True:
        name = _NAME.match(text, at)
        operator = _OPERATOR.match(text, name.end()) if name else None
        if name is None or operator is None:
            raise ApiError(400, f"The filter cannot be read at {text[at : at + 40]!r}.")
        field = fields.get(name[1].lower())
        if field is None:
            raise ApiError(400, f"Unknown filter field {name[1]!r}.")
        word = " ".join(operator[0].lower().split())
        if word not in (field.operators or OPERATORS[field.kind]):
            raise ApiError(400, f"The filter field {name[1]!r} does not have the operator {word!r}.")
        at = operator.end()
        values: list[str] = []
        if word not in DATE_WORDS:
            quoted = _VALUES.match(text, at)
            if quoted is None:
                raise ApiError(400, f"The value of {name[1]!r} must be in single quotes.")
            values, at = re.findall(r"'([^']*)'", quoted[1]), quoted.end()
        conditions.append(_condition(field, word, values, now))
        if not text[at:].strip():
            return conditions
        joined = _AND.match(text, at)
        if joined is None:
            raise ApiError(
                400, f"The filter cannot be read at {text[at : at + 40]!r}; conditions are joined by 'and'."
            )
        at = joined.end()


def _condition(field: Field, operator: str, values: list[str], now: datetime) -> Callable[[Record], bool]:
    if operator in DATE_WORDS:
        first, last = _days(operator, now.date())
        return lambda record: _between_days(field.value(record), first, last)
    count = 2 if operator.endswith("between") else None if operator.endswith("one of") else 1
    if count is not None and len(values) != count:
        raise ApiError(400, f"The operator {operator!r} takes {count} value(s), not {len(values)}.")
    wanted = [_parse_value(field.kind, value) for value in values]
    negated = operator.startswith("not ")
    test = _TESTS[operator.removeprefix("not ")]

    def satisfied(record: Record) -> bool:
        actual = field.value(record)
        if actual is None:
            # A missing value is equal to the empty text only, and outside of every range.
            return negated != (field.kind == "text" and operator.endswith("equals") and wanted == [""])
        return negated != test(_comparable(field.kind, actual), wanted)

    return satisfied


def _same(actual: Any, wanted: Any) -> bool:
    return _order(actual, wanted) == 0


def _order(actual: Any, wanted: Any) -> int:
    if isinstance(actual, datetime) and not isinstance(wanted, datetime):
        actual = actual.date()
    return int(actual > wanted) - int(actual < wanted)


_TESTS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "equals": lambda actual, wanted: _same(actual, wanted[0]),
    "one of": lambda actual, wanted: any(_same(actual, value) for value in wanted),
    "like": lambda actual, wanted: wanted[0] in actual,
    "greater than": lambda actual, wanted: _order(actual, wanted[0]) > 0,
    "less than": lambda actual, wanted: _order(actual, wanted[0]) < 0,
    "greater than equal": lambda actual, wanted: _order(actual, wanted[0]) >= 0,
    "less than equal": lambda actual, wanted: _order(actual, wanted[0]) <= 0,
    "between": lambda actual, wanted: _order(actual, wanted[0]) >= 0 >= _order(actual, wanted[1]),
}


def _parse_value(kind: str, text: str) -> Any:
    """Parse a value. A date without a time becomes a date, with a time it becomes a datetime."""
    try:
        if kind == "number":
            return float(text)
        if kind == "date":
            return date.fromisoformat(text) if len(text) == 10 else parse_time(text)
    except ValueError:
        raise ApiError(400, f"The filter value {text!r} is not a {kind}.") from None
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise ApiError(400, f"The filter value {text!r} is not a boolean.")
        return text.lower() == "true"
    return text.lower()


def _comparable(kind: str, actual: Any) -> Any:
    if kind == "date":
        return (
            _parse_value(kind, actual) if len(actual) > 10 else datetime.fromisoformat(actual + "T00:00:00+00:00")
        )
    if kind == "text":
        return str(actual).lower()
    return actual


def parse_time(text: str) -> datetime:
    """
    Parse an ISO 8601 time. A time without a zone is in UTC.

    :raises ValueError: if it is not one.
    """
    zulu = re.sub(r"Z$", "+00:00", text.strip().replace(" ", "T"))
    # Python 3.10 only reads fractions of three or six digits.
    exact = re.sub(r"\.(\d{1,7})", lambda found: "." + found[1][:6].ljust(6, "0"), zulu)
    moment = datetime.fromisoformat(exact)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _days(word: str, today: date) -> tuple[date, date]:
    """Return the first and last day. Assumption: "last 7 days" is from 7 days ago to today, inclusive, in UTC."""
    if word == "today":
        return today, today
    if word == "yesterday":
        return today - timedelta(days=1), today - timedelta(days=1)
    if word == "current month":
        following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return today.replace(day=1), following - timedelta(days=1)
    return today - timedelta(days=int(word.split()[1])), today


def _between_days(shown: str | None, first: date, last: date) -> bool:
    return shown is not None and first <= date.fromisoformat(shown[:10]) <= last
