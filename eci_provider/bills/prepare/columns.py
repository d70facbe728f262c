"""The columns of the output: the Advanced format's, or those of an import profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from eci_provider.api.column_mapping import ColumnMapping, Observation
from eci_provider.api.header_lookup import COLUMN_INDEX, FIELDS
from eci_provider.bills.dates import ADVANCED_DATE_FORMAT, read_date, written_date
from eci_provider.bills.recipe.model import DATE_FIELDS, BillFileRecipe
from eci_provider.core.errors import EciValidationError

ACE_FLAGS = frozenset("ACE")
#: The first fields of each record, and their names in the Advanced format.
_FIRST = ("account_code", "start_date", "end_date", "ace_flag", "meter_code", "vendor_code")
_ADVANCED_NAMES = {"account_code": "ACCOUNT", "ace_flag": "ACE", "vpr_flag": "VPR"}
_SOURCE = "BillFileRecipe"


class Columns:
    """
    The columns of the records that a recipe makes.

    :param recipe: the recipe.
    """

    def __init__(self, recipe: BillFileRecipe) -> None:
        parts = recipe.parts()
        used = {name for part in parts for name in part.values()}
        #: The names of fields and amounts; those of a bill's key come first.
        self.names = [*_FIRST, *(name for name in FIELDS if name in used and name not in _FIRST)]
        fields = len(self.names)
        self.names += dict.fromkeys(name for part in parts for name in part.amounts)
        self.amounts = range(fields, len(self.names))
        #: The fields that the recipe names.
        self.used = used
        #: The columns that hold numbers.
        self.numbers = [
            index
            for index, name in enumerate(self.names)
            if index >= fields or name in ("pay_amount", "service_charge")
        ]
        self._indexes = {name: index for index, name in enumerate(self.names)}

    def index(self, name: str) -> int:
        """Return the index of a field or an amount."""
        return self._indexes[name]


class OutputColumns:
    """
    The columns that are written, and how a record becomes a row of them.

    :param header: their names.
    :param row: returns the row of a record.
    :param drops: whether a row differs from its record.
    """

    def __init__(self, header: list[str], row: Callable[[Any], Any], *, drops: bool = True) -> None:
        self.header, self.row, self.drops = header, row, drops


def output_columns(recipe: BillFileRecipe, columns: Columns) -> OutputColumns:
    """
    Return the columns that a recipe writes.

    :param recipe: the recipe.
    :param columns: the columns of its records.
    :raises EciValidationError: when something of the recipe has no column in the import profile.
    """
    mapping = recipe.output.column_mapping
    return _advanced(columns) if mapping is None else _profile(columns, mapping)


def _advanced(columns: Columns) -> OutputColumns:
    written = [index for index, name in enumerate(columns.names) if name != "vendor_code" or name in columns.used]
    header = [
        columns.names[index]
        if index in columns.amounts
        else _ADVANCED_NAMES.get(columns.names[index], columns.names[index].replace("_", "").upper())
        for index in written
    ]
    if len(written) == len(columns.names):
        return OutputColumns(header, lambda record: record, drops=False)
    return OutputColumns(header, itemgetter(*written))


def _profile(columns: Columns, mapping: ColumnMapping) -> OutputColumns:
    targets: dict[int, int] = {}
    problems = []
    for name in columns.names[: columns.amounts.start]:
        number = getattr(mapping, name + COLUMN_INDEX)
        if number is not None:
            targets[number - 1] = columns.index(name)
        elif name in columns.used:
            problems.append(f"{name} has no column in output.column_mapping")
    for index in columns.amounts:
        found = _observations(columns.names[index], mapping.observations)
        if len(found) == 1:
            targets[found[0].column_index - 1] = index
        else:
            many = "no column" if not found else f"{len(found)} columns"
            problems.append(f"{columns.names[index]} has {many} in output.column_mapping")
    if problems:
        raise EciValidationError(problems, source=_SOURCE)
    width = max(
        *(number - 1 for name in FIELDS if (number := getattr(mapping, name + COLUMN_INDEX)) is not None),
        *(observation.column_index - 1 for observation in mapping.observations),
    )
    header = [
        mapping.names.get(number + 1)
        or (columns.names[targets[number]] if number in targets else f"Column {number + 1}")
        for number in range(width + 1)
    ]
    dates = {columns.index(name) for name in DATE_FIELDS if name in columns.names}
    order = [targets.get(number) for number in range(width + 1)]

    def row(record: list[str]) -> list[str]:
        return [
            "" if index is None else _day(record[index], mapping.date_format) if index in dates else record[index]
            for index in order
        ]

    return OutputColumns(header, row)


def _observations(name: str, observations: Sequence[Observation]) -> list[Observation]:
    """Return the observations that an amount may be: those of its label where there are some."""
    kind, unit, label = (part.strip().upper() for part in name.split(":", 2))
    found = [
        item
        for item in observations
        if (item.observation_type_code.upper(), item.unit_code.upper()) == (kind, unit)
    ]
    return [item for item in found if item.caption.strip().upper() == label] or found


def _day(text: str, date_format: str) -> str:
    day = read_date(text, ADVANCED_DATE_FORMAT) if text else None
    return "" if day is None else written_date(day, date_format)
