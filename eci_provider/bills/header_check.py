"""The check of a header: columns that EnergyCAP ignores, reads twice, or makes accounts of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.api.header_lookup import REQUIRED_FIELDS
from eci_provider.bills.cell_check import Fault
from eci_provider.bills.layout import ADVANCED_START, ADVANCED_TITLES, Layout, is_line_item, letters_of

#: The column with which EnergyCAP creates accounts and meters (help centre, automatically create accounts).
_CREATE_OPTION = "CREATEUPDATEOPTION"
#: How much a name must resemble a known one, and how long the start of a known one must be.
_RESEMBLANCE = 0.75
_SHORTEST_START = 5


def header_faults(header: Sequence[str], layout: Layout, mapping: ColumnMapping | None) -> Iterator[Fault]:
    """
    Iterate over the faults of a header that can be read.

    :param header: the names of the columns.
    :param layout: their meaning.
    :param mapping: the mapping that it comes from; None for Advanced format.
    """
    yield from _shared(layout)
    if mapping is None:
        yield from _advanced(header, layout)


def _shared(layout: Layout) -> Iterator[Fault]:
    """Find columns that are mapped twice where that cannot be meant."""
    taken: dict[int, str] = {}
    for field in REQUIRED_FIELDS:
        index = layout.columns[field]
        if index in taken:
            yield "column_shared", index, f"It is mapped as {taken[index]} and as {field}."
        taken.setdefault(index, field)
    seen: set[int] = set()
    for index in layout.observations:
        if index in taken:
            yield "column_shared", index, f"It is mapped as {taken[index]} and as an amount."
        elif index in seen:
            yield "column_shared", index, "It is mapped as two amounts."
        seen.add(index)


def _advanced(header: Sequence[str], layout: Layout) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, name in enumerate(header):
        letters = letters_of(name)
        if name.startswith("*"):
            if letters == _CREATE_OPTION:
                yield "creates_accounts", index, "Rows with this column create or change accounts and meters."
            continue
        title = name if is_line_item(name) else letters
        if title and title in seen:
            yield "column_repeated", index, "Another column has the same name."
        seen.add(title)
        if (
            index in layout.observations
            or index < len(ADVANCED_START)
            or letters in ADVANCED_TITLES
            or not letters
        ):
            continue
        if ":" in name:
            yield "line_item_malformed", index, "Its name is not TYPE:UNIT:LABEL, so its amounts are not imported."
        elif meant := _meant(letters):
            yield "column_misspelt", index, f"It is ignored. Did you mean {meant}?"
        else:
            yield "column_ignored", index, "The Advanced format has no such column, so it is ignored."
    if not layout.observations and "pay_amount" not in layout.columns:
        message = "No column has a name of the form TYPE:UNIT:LABEL, so no bill has an amount."
        yield "amounts_missing", None, message


def _meant(letters: str) -> str | None:
    """Return the known name that a name was probably meant to be."""
    if len(letters) >= _SHORTEST_START:
        for title in ADVANCED_TITLES:
            if title.startswith(letters):
                return title
    return next(iter(get_close_matches(letters, ADVANCED_TITLES, 1, _RESEMBLANCE)), None)
