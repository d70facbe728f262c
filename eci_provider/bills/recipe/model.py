"""What a recipe says: where the table is, what its columns are, how its dates and numbers are written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.api.header_lookup import FIELDS, LONGEST_CAPTION
from eci_provider.bills.recipe.values import (
    AnyAmount,
    AnyDate,
    AnyStart,
    AnyValue,
    DatePatterns,
    Matches,
    RecipePart,
    Texts,
    Value,
    columns_of,
)

#: The fields of a row that are dates.
DATE_FIELDS = ("start_date", "end_date", "statement_date", "due_date")
_LONGEST_TYPE = 16


def _checked_encoding(value: str) -> str:
    try:
        # Not codecs.lookup, which also knows encodings of bytes in bytes, such as base64.
        b"x".decode(value)
    except UnicodeDecodeError:
        return value
    except LookupError:
        raise ValueError("must be an encoding of Python, such as utf-16 or cp1252") from None
    return value


class Source(RecipePart):
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


class Numbers(RecipePart):
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


class Fields(RecipePart):
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
        for name in self.amounts:
            kind, _, rest = name.partition(":")
            unit, _, label = rest.partition(":")
            if not (0 < len(kind.strip()) <= _LONGEST_TYPE and unit.strip() and 0 < len(label) <= LONGEST_CAPTION):
                raise ValueError(
                    f"{name!r} must be TYPE:UNIT:LABEL, such as COST:USD:Gas, with at most {_LONGEST_TYPE} "
                    f"characters of type and {LONGEST_CAPTION} of label"
                )
        return self

    def values(self) -> dict[str, Value]:
        """Return the fields that are given, by name."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}


class Output(RecipePart):
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
                found += columns_of(value)
        return list(dict.fromkeys(found))
