"""Units, services and labels, as far as a table names them."""

from __future__ import annotations

import re

from eci_provider.bills.proposal.columns import Column

_UNIT_IN_NAME = re.compile(r"\(([^()]{1,40})\)")
_UNITS = re.compile(r"\bunits?\b|\buom\b")
_KNOWN_UNITS = {
    "KWH": ("kwh", "kilowatt"),
    "THERM": ("therm",),
    "CCF": ("ccf",),
    "MCF": ("mcf",),
    "KGAL": ("kgal",),
    "GAL": ("gal",),
    "M3": ("m3", "m\u00b3", "cubic met"),
    "USD": ("$", "usd"),
    "EUR": ("\u20ac", "eur"),
}
_LABELS = {"KWH": "Electricity", "THERM": "Gas", "CCF": "Gas", "MCF": "Gas", "GAL": "Water", "KGAL": "Water"}


def unit_of(column: Column, kind: str, columns: list[Column]) -> tuple[str, str]:
    """
    Return the unit of a column and the evidence for it; nothing where it is not known.

    :param column: the column.
    :param kind: ``USE`` or ``COST``.
    :param columns: all columns of the table.
    """
    inside = _UNIT_IN_NAME.search(column.name)
    if unit := _known_unit(inside[1] if inside else ""):
        return unit, "the unit is in the name"
    if kind == "COST":
        signs = {
            unit for text in column.texts[:50] for sign, unit in (("$", "USD"), ("\u20ac", "EUR")) if sign in text
        }
        return (signs.pop(), "the currency is in the cells") if len(signs) == 1 else ("", "")
    if unit := _known_unit(column.name):
        return unit, "the unit is in the name"
    units = [other for other in columns if _UNITS.search(other.name.lower()) and not other.is_number]
    if len(units) == 1 and len(units[0].values) == 1:
        word = next(iter(units[0].values))
        if unit := _known_unit(word):
            return unit, f"{units[0].name!r} is {word!r} in all rows"
    return "", ""


def usual_label(uses: list[Column], columns: list[Column]) -> str:
    """
    Return what is usually billed in the unit of a table's use; an empty text where that is not known.

    :param uses: the columns of use.
    :param columns: all columns of the table.
    """
    unit = next((unit for column in uses if (unit := unit_of(column, "USE", columns)[0])), "")
    return _LABELS.get(unit, "")


def service_of(column: Column) -> str:
    """Return what a column's name says beside the kind of its amount, such as ``Gas`` of ``Gas Charges``."""
    name = _UNIT_IN_NAME.sub("", column.name)
    words = [
        word
        for word in name.split()
        if not re.search(
            r"charge|cost|amount|usage|^use$|used|consumption|quantity|rate|billed|total", word.lower()
        )
    ]
    return " ".join(words)


def _known_unit(text: str) -> str:
    lowered = text.lower()
    return next((unit for unit, words in _KNOWN_UNITS.items() if any(word in lowered for word in words)), "")
