"""Where the values of a bill come from, and which rows a rule means."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from eci_provider.bills.recipe.date_patterns import checked_date_pattern

#: Units that are money; amounts in them are rounded to the cent.
CURRENCIES = frozenset(("USD", "EUR", "CAD", "GBP", "AUD", "NZD", "CHF", "JPY", "MXN", "$", "€", "£"))
_MONEY_DECIMALS, _OTHER_DECIMALS = 2, 6
_MOST_COLUMNS = 16_384


class RecipePart(BaseModel):
    """Base class of a recipe's parts: a misspelt field is an error, and a whole number may stand for a text."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


def _as_column(value: Any) -> Any:
    """Return a text or a number as the column that it names."""
    return {"column": value} if isinstance(value, (str, int)) and not isinstance(value, bool) else value


def _checked_number(value: Any) -> Any:
    if isinstance(value, int) and not 1 <= value <= _MOST_COLUMNS:
        raise ValueError(f"must be the number of a column, from 1 to {_MOST_COLUMNS:,}")
    return value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, (str, Mapping)) else value


#: A column: its name in the header, or its number, counted from 1.
Column = Annotated[int | Annotated[str, Field(min_length=1)], BeforeValidator(_checked_number)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
#: Patterns of dates, such as ``mm/dd/yyyy``.
DatePatterns = Annotated[
    tuple[Annotated[str, AfterValidator(checked_date_pattern)], ...], BeforeValidator(_as_list)
]


def _checked_pattern(value: str) -> str:
    try:
        groups = re.compile(value).groups
    except re.error as error:
        raise ValueError(f"must be a regular expression ({error})") from None
    if groups > 1:
        raise ValueError("must have at most one group, in parentheses: the part that is taken")
    return value


Pattern = Annotated[str, BeforeValidator(_checked_pattern)]


class Value(RecipePart):
    """
    Where a value comes from, and what is made of it, in the order of these fields.

    :param column: a column, by name or by number.
    :param preamble: a label above the table; the value stands to the right of it, or behind its colon.
    :param constant: the value itself.
    :param join: several values, joined by :attr:`separator`.
    :param separator: what stands between joined values.
    :param pattern: a regular expression; the value is what its group matches, or the whole match.
    :param lookup: a table from their codes to ours; or the path of a CSV file of two columns, beside the recipe.
    :param default: the value where there is none.
    """

    column: Column | None = None
    preamble: str | None = None
    constant: str | None = None
    join: tuple[AnyValue, ...] | None = None
    separator: str = ""
    pattern: Pattern | None = None
    lookup: dict[str, str] | str | None = None
    default: str | None = None

    @model_validator(mode="after")
    def _has_one_origin(self) -> Value:
        given = [name for name in self.origins() if getattr(self, name) not in (None, False)]
        if len(given) != 1:
            found = " and ".join(given) or "nothing"
            raise ValueError(f"must name one of {', '.join(self.origins())}; it names {found}")
        return self

    @classmethod
    def origins(cls) -> tuple[str, ...]:
        """Return the fields of which one says where the value comes from."""
        return ("column", "preamble", "constant", "join")


AnyValue = Annotated[Value, BeforeValidator(_as_column)]


class DateValue(Value):
    """
    Where a date comes from.

    :param date: the patterns in which it may be written, such as ``mm/dd/yyyy`` or ``excel``; by default the
        recipe's ``dates``.
    :param inclusive: whether the day belongs to the bill; the end of a bill that ends before its last day is the
        day before, and a start likewise the day after.
    """

    date: DatePatterns = ()
    inclusive: bool = True


class StartValue(DateValue):
    """
    Where a bill's start comes from.

    :param days_before_end: a number of days; the start is the date of the end, as the file has it, less these.
    :param after_last_end: whether it is the day after the last end of the same meter.
    :param first: with ``after_last_end``, the start of a meter's first bill in the file: one for all, or by meter.
    """

    days_before_end: AnyValue | None = None
    after_last_end: bool = False
    first: datetime.date | dict[str, datetime.date] | None = None

    @classmethod
    def origins(cls) -> tuple[str, ...]:
        """Return the fields of which one says where the value comes from."""
        return (*super().origins(), "days_before_end", "after_last_end")

    @model_validator(mode="after")
    def _first_needs_ends(self) -> StartValue:
        if self.first is not None and not self.after_last_end:
            raise ValueError("first is for after_last_end only")
        return self


class Amount(Value):
    """
    Where a quantity or a cost comes from.

    :param decimals: how many decimals are kept: 2 by default for money, 6 for all else.
    :param negate: whether its sign is changed, for credits that are written without one.
    """

    decimals: Annotated[int, Field(ge=0, le=12)] | None = None
    negate: bool = False


class Match(RecipePart):
    """
    Rows with a cell that equals a text, matches a pattern, or is empty.

    :param column: the cell's column.
    :param equals: its text, in any case.
    :param matches: a regular expression that its whole text matches.
    :param empty: whether it is empty.
    :param reason: what the report says of the rows.
    """

    column: Column
    equals: str | None = None
    matches: Pattern | None = None
    empty: bool | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _has_one_test(self) -> Match:
        given = [name for name in ("equals", "matches", "empty") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("must have one of equals, matches and empty")
        return self


Matches = Annotated[tuple[Match, ...], BeforeValidator(_as_list)]


AnyAmount = Annotated[Amount, BeforeValidator(_as_column)]
AnyDate = Annotated[DateValue, BeforeValidator(_as_column)]
AnyStart = Annotated[StartValue, BeforeValidator(_as_column)]


def decimals_of(name: str, amount: Amount) -> int:
    """
    Return how many decimals an amount has at most.

    :param name: its ``TYPE:UNIT:LABEL``, or its field.
    :param amount: what the recipe says of it.
    """
    if amount.decimals is not None:
        return amount.decimals
    return _MONEY_DECIMALS if is_money(name) else _OTHER_DECIMALS


def is_money(name: str) -> bool:
    """
    Return whether an amount is money.

    :param name: its ``TYPE:UNIT:LABEL``, or its field.
    """
    return ":" not in name or name.split(":")[1].strip().upper() in CURRENCIES


def columns_of(value: Value) -> Iterator[int | str]:
    """
    Iterate over the columns that a value is made of.

    :param value: the value.
    """
    if value.column is not None:
        yield value.column
    for joined in value.join or ():
        yield from columns_of(joined)
    if isinstance(value, StartValue) and value.days_before_end is not None:
        yield from columns_of(value.days_before_end)
