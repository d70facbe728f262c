"""The meaning of a bill file's columns: by a column mapping, or by the header of the Advanced format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.api.header_lookup import COLUMN_INDEX, FIELDS, REQUIRED_FIELDS, other_separators
from eci_provider.bills.dates import ADVANCED_DATE_FORMAT
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.tables import Table

#: How an Advanced header must begin (help centre, Advanced file format); only letters count, so A/C/E is ACE.
ADVANCED_START = ("ACCOUNT", "STARTDATE", "ENDDATE", "ACE", "METERCODE")
_ADVANCED_NAMES = {
    **{name.replace("_", "").upper(): name for name in FIELDS},
    "ACCOUNT": "account_code",
    "ACE": "ace_flag",
    "VPR": "vpr_flag",
    "RATECODE": "rate",
}
#: The names of columns that the Advanced format knows, in letters only.
ADVANCED_TITLES = tuple(_ADVANCED_NAMES)
#: How many columns with another name are listed, and how many characters of a name.
_MOST_NAMED = 5
_LONGEST_SHOWN = 60
#: Among how many rows a header is searched for.
_MOST_SEARCHED = 50
_DIGIT = re.compile("[0-9]")
# TYPE:UNIT:LABEL, whose label may hold colons.
_LINE_ITEM = re.compile(r"[^:]+:[^:]+:.*", re.DOTALL)


@dataclass(frozen=True)
class Layout:
    """
    The meaning of a file's columns, counted from 0.

    :param columns: the column of each of :data:`~eci_provider.api.header_lookup.FIELDS` that the file has.
    :param observations: the columns of quantities and charges.
    :param date_format: the format of all dates in the file.
    """

    columns: dict[str, int]
    observations: tuple[int, ...]
    date_format: str

    def cell(self, cells: Sequence[str], field: str) -> str:
        """
        Return a row's cell, without spaces around it; an empty text where there is none.

        :param cells: the row's cells.
        :param field: one of :data:`~eci_provider.api.header_lookup.FIELDS`.
        """
        index = self.columns.get(field)
        return cells[index].strip() if index is not None and index < len(cells) else ""

    def meter(self, cells: Sequence[str]) -> str:
        """
        Return the meter that a row names, by its code or its serial number; an empty text where it names none.

        :param cells: the row's cells.
        """
        return self.cell(cells, "meter_code") or self.cell(cells, "serial_number")


def mapped_layout(mapping: ColumnMapping) -> Layout:
    """
    Return the layout that a column mapping describes.

    :param mapping: the mapping, whose columns count from 1.
    """
    indexes = {name: getattr(mapping, name + COLUMN_INDEX) for name in FIELDS}
    return Layout(
        {name: index - 1 for name, index in indexes.items() if index is not None},
        tuple(item.column_index - 1 for item in mapping.observations),
        mapping.date_format,
    )


def advanced_layout(header: Sequence[str], *, file: str) -> Layout:
    """
    Return the layout that the header of an Advanced file describes.

    The columns after the first five are found by name. A name that begins with ``*`` excludes its column; one of
    the form ``TYPE:UNIT:LABEL`` is the name of an amount.

    :param header: the names of the file's columns.
    :param file: the file's name, for the message.
    :raises EciBillFileError: when it does not begin with the five columns; the importer refuses the whole file.
    """
    names = [letters_of(name) for name in header]
    start = tuple("ACCOUNT" if name == "ACCOUNTCODE" else name for name in names[: len(ADVANCED_START)])
    if start != ADVANCED_START:
        problem = (
            f"its header must begin with {', '.join(ADVANCED_START)}, since without an import profile it is read "
            "as Advanced format. Give the profile or the column mapping, or correct the columns."
        )
        raise EciBillFileError(problem, file=file)
    columns: dict[str, int] = {}
    observations = []
    for index, (name, letters) in enumerate(zip(header, names, strict=True)):
        if name.startswith("*"):
            continue
        if is_line_item(name):
            observations.append(index)
        elif letters in _ADVANCED_NAMES:
            columns.setdefault(_ADVANCED_NAMES[letters], index)
    missing = next((name for name in REQUIRED_FIELDS if name not in columns), None)
    if missing is not None:
        column = header[REQUIRED_FIELDS.index(missing)]
        problem = f"its column {column!r} is required, and the star before its name excludes it. Remove the star."
        raise EciBillFileError(problem, file=file)
    return Layout(columns, tuple(observations), ADVANCED_DATE_FORMAT)


def is_line_item(name: str) -> bool:
    """
    Return whether a column's name has the form ``TYPE:UNIT:LABEL``.

    :param name: the name.
    """
    return _LINE_ITEM.fullmatch(name) is not None


def layout_for(header: Sequence[str], mapping: ColumnMapping | None, *, file: str) -> Layout:
    """
    Return a file's layout.

    :param header: the names of its columns.
    :param mapping: which column has which meaning; None for Advanced format.
    :param file: its name, for the message.
    :raises EciBillFileError: when the header is not separated by commas, has fewer columns than are mapped, has
        other names than the mapping was made from, or is not in Advanced format.
    """
    separators = other_separators(header)
    if separators:
        problem = (
            f"it is separated by {separators}; EnergyCAP reads commas. Save it again as 'CSV UTF-8', with commas."
        )
        raise EciBillFileError(problem, file=file)
    if mapping is None:
        return advanced_layout(header, file=file)
    layout = mapped_layout(mapping)
    _refuse_other_names(header, mapping, file)
    last = max(*layout.columns.values(), *layout.observations)
    if last >= len(header):
        problem = (
            f"column {last + 1} is mapped, but its header names only {len(header)}. Compare the header with the "
            "column mapping: a column is missing, or this is another kind of file."
        )
        raise EciBillFileError(problem, file=file)
    return layout


def header_row(table: Table, mapping: ColumnMapping | None) -> int | None:
    """
    Return the number of a row that would be a fitting header, if the file had none above it.

    :param table: the table, whose first rows are read.
    :param mapping: which column has which meaning; None for Advanced format.
    """
    for number, cells, _ in islice(table.rows(), _MOST_SEARCHED):
        if cells and _is_header([cell.strip() for cell in cells], mapping):
            return number
    return None


def _is_header(cells: list[str], mapping: ColumnMapping | None) -> bool:
    while cells and not cells[-1]:
        cells.pop()
    try:
        layout = layout_for(cells, mapping, file="")
    except EciBillFileError:
        return False
    # A mapping by numbers fits any row that is wide enough.
    names = [cells[index] for index in (*layout.columns.values(), *layout.observations)]
    return all(name and not _DIGIT.search(name) for name in names) or bool(mapping is None or mapping.names)


def _refuse_other_names(header: Sequence[str], mapping: ColumnMapping, file: str) -> None:
    """Refuse a header whose mapped columns have other names: EnergyCAP knows only their numbers."""
    differing = []
    for number, name in sorted(mapping.names.items()):
        own = header[number - 1].strip() if number <= len(header) else None
        if own != name:
            found = "nothing" if own is None else f"{own[:_LONGEST_SHOWN]!r}"
            differing.append(f"column {number} must be {name[:_LONGEST_SHOWN]!r} and is {found}")
    if mapping.names and not {name.strip() for name in header}.intersection(mapping.names.values()):
        first = mapping.names[min(mapping.names)][:_LONGEST_SHOWN]
        # These may be names of people above the header, which no message may show.
        problem = (
            f"its header has none of the names that the column mapping was made from, such as {first!r}. "
            "This is another kind of file, or the rows above its header must be removed."
        )
        raise EciBillFileError(problem, file=file)
    if differing:
        if len(differing) > _MOST_NAMED:
            differing[_MOST_NAMED:] = [f"and {len(differing) - _MOST_NAMED} more"]
        problem = (
            f"its header is not the one that the column mapping was made from: {'; '.join(differing)}. Bring its "
            "columns into that order, or make the mapping and the import profile from this header."
        )
        raise EciBillFileError(problem, file=file)


def letters_of(name: str) -> str:
    """
    Return the letters of a column's name in upper case, by which the Advanced format knows it.

    :param name: the name.
    """
    return re.sub(r"[^A-Z]", "", name.upper())
