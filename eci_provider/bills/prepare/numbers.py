"""Numbers as vendors write them, read exactly."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from eci_provider.bills.prepare.cells import Cell, cell_text, check_calculated, excerpt
from eci_provider.bills.prepare.faults import RowError
from eci_provider.bills.recipe.model import Numbers

#: Returns the number in a cell; None where it is empty.
NumberReader: TypeAlias = Callable[[Cell, object], "Decimal | None"]
_PLAIN = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?", re.ASCII)
_EXPONENT = re.compile(r"-?\d{1,20}(?:\.\d{1,40})?[eE][+-]?\d{1,2}", re.ASCII)
_SPACES = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_SIGNS = "$€£¥"
_CURRENCY = re.compile(r"(?:USD|EUR|CAD|GBP|AUD|NZD|CHF|JPY|MXN|US\$|CA\$|C\$|A\$)", re.IGNORECASE)
_MINUS = "\u2212\u2013"
_HUNDRED = Decimal(100)


def number_reader(numbers: Numbers, missing: frozenset[str]) -> NumberReader:
    """
    Return a function that reads numbers.

    :param numbers: how they are written.
    :param missing: words that mean an empty cell, in lower case.
    """
    is_point = numbers.decimal == "."
    read_marked = _marked_reader(numbers)
    is_plain, as_decimal = _PLAIN.fullmatch, Decimal

    def read(cell: Cell, column: object) -> Decimal | None:
        if type(cell) is not str:
            return _typed(cell, column)
        if is_point and is_plain(cell):
            return as_decimal(cell)
        text = cell.strip()
        if not text or text.lower() in missing:
            return None
        return read_marked(text, column)

    return read


def _typed(cell: Cell, column: object) -> Decimal | None:
    """Return the number in a workbook's cell."""
    if cell is None:
        return None
    check_calculated(cell, column)
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        text = repr(int(cell)) if isinstance(cell, float) and cell.is_integer() else repr(cell)
        if text.lower().strip("-") not in ("nan", "inf"):
            return Decimal(text)
    raise RowError("number_unreadable", f"{excerpt(cell)} is not a number.", column)


def _marked_reader(numbers: Numbers) -> Callable[[str, object], Decimal]:
    decimal, thousands = numbers.decimal, numbers.thousands
    marks = {" ": _SPACES, "'": _APOSTROPHES, "\u2019": _APOSTROPHES}.get(thousands or "", thousands or "")
    mark = f"[{re.escape(marks)}]" if marks else ""
    grouped = rf"\d{{1,3}}(?:{mark}\d{{3}}){{1,12}}|" if mark else ""
    shape = re.compile(rf"(?P<whole>{grouped}\d{{0,40}})(?:{re.escape(decimal)}(?P<rest>\d{{0,40}}))?", re.ASCII)
    removed = {ord(letter): None for letter in marks}

    def read(text: str, column: object) -> Decimal:
        bare, is_negative, is_percent = _stripped(text, column)
        found = shape.fullmatch(bare)
        if found is None or not (found["whole"] or found["rest"]):
            if decimal == "." and _EXPONENT.fullmatch(bare):
                value = Decimal(bare)
            else:
                raise _unreadable(text, bare, numbers, column)
        else:
            value = Decimal(f"{found['whole'].translate(removed) or '0'}.{found['rest'] or '0'}")
            if not found["rest"]:
                value = value.to_integral_value()
        if is_percent:
            value = _from_percent(value, numbers, text, column)
        return -value if is_negative else value

    return read


def _stripped(text: str, column: object) -> tuple[str, bool, bool]:
    """Return a number without what surrounds it; whether it is negative, and whether it is a percentage."""
    bare = text.translate(dict.fromkeys(map(ord, _MINUS), "-"))
    marks = 0
    is_percent = False
    previous = ""
    while bare != previous:
        previous = bare
        bare = bare.strip(_SPACES)
        if bare.startswith("(") and bare.endswith(")"):
            bare, marks = bare[1:-1], marks + 1
        elif bare.startswith("-"):
            bare, marks = bare[1:], marks + 1
        elif bare.endswith("-"):
            bare, marks = bare[:-1], marks + 1
        elif bare.startswith("+"):
            bare, marks = bare[1:], marks + 100
        elif bare.endswith("%") and not is_percent:
            bare, is_percent = bare[:-1], True
        else:
            bare = _without_currency(bare)
    if marks > 1 and marks != 100:
        raise RowError("number_unreadable", f"{excerpt(text)} has more than one sign.", column)
    return bare, marks == 1, is_percent


def _without_currency(text: str) -> str:
    if text[:1] in _SIGNS or text[-1:] in _SIGNS:
        return text.strip(_SIGNS)
    if found := _CURRENCY.match(text):
        return text[found.end() :]
    if len(text) > 3 and _CURRENCY.fullmatch(text[-3:]):
        return text[:-3]
    return text


def _from_percent(value: Decimal, numbers: Numbers, text: str, column: object) -> Decimal:
    if numbers.percent is None:
        problem = (
            f"{excerpt(text)} may be that number, or its hundredth. Set numbers.percent to 'number' or 'fraction'."
        )
        raise RowError("number_ambiguous", problem, column)
    return value / _HUNDRED if numbers.percent == "fraction" else value


def _unreadable(text: str, bare: str, numbers: Numbers, column: object) -> RowError:
    """Return the fault of a text, with the setting that would read it where there is one."""
    digits = bare.translate({ord(mark): None for mark in ".," + _APOSTROPHES + _SPACES})
    if digits.isascii() and digits.isdigit():
        kept = "no mark between thousands" if numbers.thousands is None else f"thousands {numbers.thousands!r}"
        problem = (
            f"{excerpt(text)} is not a number with decimal {numbers.decimal!r} and {kept}. Set "
            "numbers.decimal and numbers.thousands as the vendor writes them."
        )
        return RowError("number_ambiguous", problem, column)
    return RowError("number_unreadable", f"{excerpt(cell_text(text))} is not a number.", column)
