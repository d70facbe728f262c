"""What a recipe says: where the table is, what its columns are, how its dates and numbers are written."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.api.header_lookup import FIELDS, LONGEST_CAPTION
from eci_provider.bills.recipe.date_patterns import checked_date_pattern

#: Units that are money; amounts in them are rounded to the cent.
CURRENCIES = frozenset(("USD", "EUR", "CAD", "GBP", "AUD", "NZD", "CHF", "JPY", "MXN", "$", "€", "£"))
#: The fields of a row that are dates.
DATE_FIELDS = ("start_date", "end_date", "statement_date", "due_date")
_MONEY_DECIMALS, _OTHER_DECIMALS = 2, 6
_LONGEST_TYPE = 16
_MOST_COLUMNS = 16_384


class _Part(BaseModel):
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


class Value(_Part):
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


class Match(_Part):
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


def _checked_encoding(value: str) -> str:
    try:
        # Not codecs.lookup, which also knows encodings of bytes in bytes, such as base64.
        b"x".decode(value)
    except UnicodeDecodeError:
        return value
    except LookupError:
        raise ValueError("must be an encoding of Python, such as utf-16 or cp1252") from None
    return value


class Source(_Part):
    """
    How the file is read.

    :param encoding: such as ``utf-16`` or ``cp1252``; by default by its byte order mark, else UTF-8.
    :param delimiter: what separates cells; by default the one with which the header is found.
    :param quote: what encloses a cell that holds a delimiter; none where quotes mean nothing.
    :param sheet: a workbook's sheet by name, or by number from 1; by default its only one.
    :param header_row: the row of the header, counted from 1 as in a spreadsheet program; 0 for none. By default
        the first row that has all columns of the recipe.
    :param header_rows: how many rows the header takes.
    :param header: words of the header's row, by which it is found.
    """

    encoding: Annotated[str, AfterValidator(_checked_encoding)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = '"'
    sheet: Annotated[int, Field(ge=1)] | str | None = None
    header_row: Annotated[int, Field(ge=0, le=1000)] | None = None
    header_rows: Annotated[int, Field(ge=1, le=5)] = 1
    header: Texts = ()


class Numbers(_Part):
    """
    How numbers are written.

    :param decimal: the decimal mark.
    :param thousands: the mark between thousands; none by default, and a number with one is an error then.
    :param percent: what ``5%`` is: the number 5, or the fraction 0.05; an error by default.
    """

    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", " ", "'", "\u2019"] | None = None
    percent: Literal["number", "fraction"] | None = None

    @model_validator(mode="after")
    def _marks_differ(self) -> Numbers:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must differ")
        return self


def _checked_amounts(amounts: dict[str, Amount]) -> dict[str, Amount]:
    for name in amounts:
        kind, _, rest = name.partition(":")
        unit, _, label = rest.partition(":")
        if not (0 < len(kind.strip()) <= _LONGEST_TYPE and unit.strip() and 0 < len(label) <= LONGEST_CAPTION):
            raise ValueError(
                f"{name!r} must be TYPE:UNIT:LABEL, such as COST:USD:Gas, with at most {_LONGEST_TYPE} "
                f"characters of type and {LONGEST_CAPTION} of label"
            )
    return amounts


AnyAmount = Annotated[Amount, BeforeValidator(_as_column)]
AnyDate = Annotated[DateValue, BeforeValidator(_as_column)]
AnyStart = Annotated[StartValue, BeforeValidator(_as_column)]


class Fields(_Part):
    """The fields of a bill's row, named as in a column mapping, and its amounts by ``TYPE:UNIT:LABEL``."""

    account_code: AnyValue | None = None
    start_date: AnyStart | None = None
    end_date: AnyDate | None = None
    ace_flag: AnyValue | None = None
    meter_code: AnyValue | None = None
    vendor_code: AnyValue | None = None
    pay_amount: AnyAmount | None = None
    billing_period: AnyValue | None = None
    account_period: AnyValue | None = None
    statement_date: AnyDate | None = None
    due_date: AnyDate | None = None
    control_code: AnyValue | None = None
    invoice_number: AnyValue | None = None
    commodity: AnyValue | None = None
    service_charge: AnyAmount | None = None
    vpr_flag: AnyValue | None = None
    rate: AnyValue | None = None
    serial_number: AnyValue | None = None
    bill_note: AnyValue | None = None
    amounts: dict[str, AnyAmount] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _amounts_are_named(self) -> Fields:
        _checked_amounts(self.amounts)
        return self

    def values(self) -> dict[str, Value]:
        """Return the fields that are given, by name."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}


class Output(_Part):
    """
    What is written.

    :param column_mapping: the column mapping of the import profile that reads it, by numbers; none for the
        Advanced format. Observations are matched with the recipe's amounts by type, unit and caption.
    """

    column_mapping: ColumnMapping | None = None


class BillFileRecipe(Fields):
    """
    How a vendor's bill file is read, and what each of its columns becomes.

    :param source: how the file is read.
    :param dates: the patterns of dates, where a field has none of its own.
    :param numbers: how numbers are written.
    :param missing: words that mean an empty cell, such as "Not Available".
    :param leave_out: rows to leave out, such as totals.
    :param ends_at: the row at which the table ends; it and all below are left out.
    :param rows: several rows to make of each row, such as one a meter: each with what it has of its own.
    :param same_period: what several rows of one meter and period are: a failure, one row with the ``sum`` of their
        amounts, or rows to ``keep`` side by side, which EnergyCAP sums.
    :param unreadable_rows: whether a row that cannot be read fails the preparation, or is left out and reported.
    :param output: what is written.
    """

    source: Source = Source()
    dates: DatePatterns = ()
    numbers: Numbers = Numbers()
    missing: Texts = ()
    leave_out: Matches = ()
    ends_at: Matches = ()
    rows: tuple[Fields, ...] = ()
    same_period: Literal["fail", "sum", "keep"] = "fail"
    unreadable_rows: Literal["fail", "leave_out"] = "fail"
    output: Output = Output()

    @model_validator(mode="after")
    def _is_whole(self) -> BillFileRecipe:
        for number, row in enumerate(self.parts(), start=1):
            where = f" of row {number} of rows" if self.rows else ""
            for name in ("account_code", "start_date", "end_date"):
                if getattr(row, name) is None:
                    raise ValueError(f"{name}{where} is missing")
            if not row.amounts:
                raise ValueError(f"amounts{where} is missing: name at least one TYPE:UNIT:LABEL")
        return self

    def wire(self) -> dict[str, Any]:
        """Return the recipe as plain JSON."""
        return self.model_dump(mode="json", exclude_unset=True)

    def missing_words(self) -> frozenset[str]:
        """Return the words that mean an empty cell, in lower case."""
        return frozenset(word.strip().lower() for word in self.missing)

    def parts(self) -> tuple[Fields, ...]:
        """Return the rows that each row becomes, each with all of its fields."""
        if not self.rows:
            return (self,)
        shared = self.values()
        return tuple(
            Fields.model_construct(
                _fields_set=None, **{**shared, **row.values()}, amounts={**self.amounts, **row.amounts}
            )
            for row in self.rows
        )

    def used_columns(self) -> list[int | str]:
        """Return the columns that the recipe reads, each once."""
        found = [match.column for match in (*self.leave_out, *self.ends_at)]
        for part in self.parts():
            for value in (*part.values().values(), *part.amounts.values()):
                found += _columns(value)
        return list(dict.fromkeys(found))


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


def _columns(value: Value) -> Iterator[int | str]:
    if value.column is not None:
        yield value.column
    for joined in value.join or ():
        yield from _columns(joined)
    if isinstance(value, StartValue) and value.days_before_end is not None:
        yield from _columns(value.days_before_end)
