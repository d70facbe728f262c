"""Look up the columns of a column mapping by name in a file's header, so that nobody has to count columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eci_provider.api.errors import EciValidationError
from eci_provider.core.text import did_you_mean

#: What a column may hold, apart from observations (BillImportProfileColumnMapping).
FIELDS = (
    "account_code",
    "start_date",
    "end_date",
    "vendor_code",
    "pay_amount",
    "billing_period",
    "account_period",
    "statement_date",
    "due_date",
    "control_code",
    "invoice_number",
    "meter_code",
    "commodity",
    "service_charge",
    "ace_flag",
    "vpr_flag",
    "rate",
    "serial_number",
    "bill_note",
)
REQUIRED_FIELDS = FIELDS[:3]
COLUMN_INDEX = "_column_index"
#: The longest caption of an observation, in characters.
LONGEST_CAPTION = 32
_LONGEST_LIST = 30
_LONGEST_SHOWN = 60
_ALLOWED = (*FIELDS, "date_format", "observations")
#: The codes that an observation must have, in snake_case and as documented.
_CODES = {"observation_type_code": "observationTypeCode", "unit_code": "unitCode"}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def mapping_values(header: Any, names: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """
    Return the fields of a column mapping, with each column's number instead of its name.

    :param header: the names of the file's columns, in their order.
    :param names: the mapping's fields: the name of the column of each of :data:`FIELDS` that the file has,
        ``date_format``, and ``observations``.
    :param source: where they came from, for the message.
    :raises EciValidationError: if the header is not a list of texts, or a field or a name is unknown or missing.
    """
    _refuse_no_header(header, source)
    separators = other_separators(header) if header else None
    if separators:
        problem = f"the header is separated by {separators}; EnergyCAP reads commas: save the file with commas"
        raise EciValidationError([problem], source=source)
    finder = _Finder(header)
    finder.problems += [f"{field} is required" for field in REQUIRED_FIELDS if names.get(field) is None]
    observations = names.get("observations") or ()
    values: dict[str, Any] = {"date_format": names.get("date_format")}
    for field, name in names.items():
        if field not in _ALLOWED:
            hint = did_you_mean(field, _ALLOWED, is_quoted=True)
            finder.problems.append(f"{field} is not a field. {hint}Allowed: {', '.join(_ALLOWED)}")
        elif name is not None and field in FIELDS:
            values[field + COLUMN_INDEX] = finder.number(field, name)
    values["observations"] = observations
    if is_list(observations):
        found = [_observation(item, f"observations.{at}", finder) for at, item in enumerate(observations)]
        _refuse_twice([item["column_index"] for item in found], header, finder)
        values["observations"] = found
    _refuse_shared(values, header, finder)
    if finder.problems:
        raise EciValidationError(finder.problems, source=source)
    return values


def is_list(value: Any) -> bool:
    """
    Return whether a value is a list or a tuple.

    :param value: the value, as JSON or Python has it.
    """
    return isinstance(value, (list, tuple))


def other_separators(header: Sequence[str]) -> str | None:
    """
    Return what separates a header's columns, such as ``semicolons``; None if it may be commas.

    :param header: the header, split at its commas.
    """
    if len(header) < len(REQUIRED_FIELDS):
        joined = ",".join(header)
        for character, name in _SEPARATORS.items():
            if joined.count(character) >= len(REQUIRED_FIELDS) - 1:
                return name
    return None


def _refuse_no_header(header: Any, source: str) -> None:
    if not is_list(header) or not all(isinstance(name, str) for name in header):
        shown = repr(header)[:_LONGEST_SHOWN]
        problem = f"header is {shown}: must be a list of texts, the names of the file's columns in their order"
        raise EciValidationError([problem], source=source)


class _Finder:
    """Finds columns by name, and collects what is wrong with the names."""

    def __init__(self, header: Sequence[str]) -> None:
        self.problems: list[str] = []
        self._header = [name.strip() for name in header]

    def number(self, field: str, name: Any) -> int:
        """Return a column's number, counted from 1; 0 if something is wrong."""
        if not isinstance(name, str):
            self.problems.append(f"{field} is {name!r}: must be the name of a column, as the header has it")
            return 0
        wanted = name.strip()
        found = [number for number, column in enumerate(self._header, start=1) if column == wanted]
        if len(found) == 1 and wanted:
            return found[0]
        if found and wanted:
            places = " and ".join(str(number) for number in found)
            problem = f"{field} is {name!r}: the header has this name in columns {places}; rename all but one"
        else:
            shown = ", ".join(repr(column) for column in self._header[:_LONGEST_LIST] if column)
            more = ", ..." if len(self._header) > _LONGEST_LIST else ""
            hint = did_you_mean(wanted, self._header, is_quoted=True)
            problem = f"{field} is {name!r}: the header has no such name. {hint}It has {shown}{more}"
        self.problems.append(problem)
        return 0


def _observation(item: Mapping[str, Any], path: str, finder: _Finder) -> dict[str, Any]:
    values = dict(item) if isinstance(item, Mapping) else {}
    if "column" not in values:
        finder.problems.append(f"{path}.column is required: the name of a column")
        return {"column_index": 0}
    for code, documented in _CODES.items():
        if values.keys().isdisjoint((code, documented)):
            finder.problems.append(f"{path}.{code} is required ({documented} in EnergyCAP's documentation)")
    name = values.pop("column")
    if values.get("caption") is None:
        values.pop("caption", None)
        if isinstance(name, str) and len(name) > LONGEST_CAPTION:
            finder.problems.append(
                f"{path}.caption is required, because the column's name {name!r} has {len(name)} characters and "
                f"EnergyCAP takes {LONGEST_CAPTION}"
            )
    return {"caption": name, **values, "column_index": finder.number(f"{path}.column", name)}


def _refuse_twice(numbers: list[int], header: Sequence[str], finder: _Finder) -> None:
    for number in sorted({number for number in numbers if number and numbers.count(number) > 1}):
        finder.problems.append(f"observations name column {header[number - 1]!r} twice; it would be counted twice")


def _refuse_shared(values: Mapping[str, Any], header: Sequence[str], finder: _Finder) -> None:
    """Refuse one column for two of account, start, end and observation; other fields may share theirs."""
    owners: dict[int, str] = {}
    named = [(field, int(values.get(field + COLUMN_INDEX, 0))) for field in REQUIRED_FIELDS]
    if is_list(values["observations"]):
        named += [(f"observations.{at}", item["column_index"]) for at, item in enumerate(values["observations"])]
    for field, number in named:
        owner = owners.setdefault(number, field) if number else field
        if owner in REQUIRED_FIELDS and owner != field:
            finder.problems.append(
                f"{owner} and {field} both name column {header[number - 1]!r}: name two columns"
            )
