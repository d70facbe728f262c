"""A column mapping from the names in a header, so that nobody counts columns."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciValidationError
from eci_provider.bills.layout import COLUMN_INDEX, FIELDS, REQUIRED_FIELDS, other_separators
from eci_provider.bills.reading import header_of
from eci_provider.runtime.arguments import is_template

if TYPE_CHECKING:
    from eci_provider.api.import_profiles import ColumnMapping
    from eci_provider.api.upload import BillFile

_LONGEST_LIST = 30
_LONGEST_SHOWN = 60
#: How long a caption may be (Observation of the contract).
LONGEST_CAPTION = 32
#: What stands beside names of columns: where they are looked up.
_HEADERS = ("header", "sample_file")
_ALLOWED = (*FIELDS, "date_format", "observations")
#: The codes that an observation must have, as they are written here and in EnergyCAP's documentation.
_CODES = {"observation_type_code": "observationTypeCode", "unit_code": "unitCode"}


def mapping_from_header(
    header: Sequence[str],
    *,
    date_format: str,
    observations: Sequence[Mapping[str, Any]],
    source: str = "ColumnMapping.from_header",
    **columns: str | None,
) -> ColumnMapping:
    """
    Build a column mapping from the names of columns.

    :param header: the names in the file's header, in their order.
    :param date_format: ``mm/dd/yyyy``, ``Month dd yyyy``, ``dd/mm/yyyy``, ``dd Month yyyy`` or ``yyyymmdd``.
    :param observations: the columns of quantities and charges, each a dict of ``column`` (its name),
        ``observation_type_code``, ``unit_code`` and, if it shall not be the column's name, ``caption``.
    :param source: whose arguments these are, for the message.
    :param columns: the name of the column of each field that the file has: ``account_code``, ``start_date`` and
        ``end_date`` always; ``vendor_code``, ``meter_code`` and further ones of
        :data:`~eci_provider.bills.layout.FIELDS`.
    :return: the mapping, columns counted from 1.
    :raises EciValidationError: when a name is not in the header, or stands there twice, or a field is none; the
        message names the nearest match.
    """
    names = {**columns, "date_format": date_format, "observations": observations}
    return _mapping(header, names, source)


def mapping_from_file(sample_file: BillFile, **arguments: Any) -> ColumnMapping:
    """
    Build a column mapping from the names in a sample file's header.

    :param sample_file: a file of the kind that shall be imported.
    :param arguments: as for :func:`mapping_from_header`.
    :raises EciBillFileError: when the file cannot be read.
    :raises EciValidationError: as :func:`mapping_from_header` does.
    """
    return mapping_from_header(header_of(sample_file), **arguments)


def column_mapping(value: ColumnMapping | Mapping[str, Any], *, source: str) -> ColumnMapping:
    """
    Return a column mapping, however it was written.

    :param value: the mapping itself; or a dict of column numbers, in snake_case or the documented camelCase; or a
        dict of column names as :func:`mapping_from_header` takes them, with ``header`` or ``sample_file`` beside.
    :param source: where it came from, for the message.
    :raises EciValidationError: when anything is wrong with it.
    """
    from eci_provider.api.import_profiles import ColumnMapping
    from eci_provider.api.models import validated

    if isinstance(value, ColumnMapping):
        return value
    if not isinstance(value, Mapping):
        shown = repr(value)[:_LONGEST_SHOWN]
        raise EciValidationError([f"column_mapping is {shown}: must be a dict of its fields"], source=source)
    names = {str(key): item for key, item in value.items()}
    if not has_names(names):
        refuse_names_alone(names, source=source)
        return validated(ColumnMapping, names, source=source)
    _refuse_both(names, source)
    header = names.pop("header") if "header" in names else header_of(names.pop("sample_file"))
    return _mapping(header, names, source)


def has_names(value: Any) -> bool:
    """
    Tell whether a column mapping is a dict of names of columns, with the header or the file that they stand in.

    :param value: the mapping, as :func:`column_mapping` takes it.
    """
    return isinstance(value, Mapping) and not value.keys().isdisjoint(_HEADERS)


def refuse_names_alone(value: Mapping[str, Any], *, source: str) -> None:
    """
    Refuse names of columns without the header or the file that they stand in.

    :param value: a dict of neither.
    :param source: where it came from, for the message.
    :raises EciValidationError: when it holds fields that a mapping by numbers does not have.
    """
    fields = [field for field in FIELDS if field in value]
    if fields:
        problem = (
            f"column_mapping names columns ({', '.join(fields)}), and neither header nor sample_file, in which "
            f"they are looked up: give one of them, or numbers ({fields[0]}{COLUMN_INDEX})"
        )
        raise EciValidationError([problem], source=source)


def literal_columns(value: Mapping[str, Any], *, is_known: bool, source: str) -> dict[str, Any]:
    """
    Return the column numbers of names of columns when a DAG is parsed, to check as much as is known then.

    A sample file is not opened: each name stands for a column of its own, and the task looks up the true numbers.

    :param value: a dict of column names, with ``header`` or ``sample_file`` beside.
    :param is_known: whether all of it is known; names and headers that are templates are not looked up.
    :param source: where it came from, for the message.
    :raises EciValidationError: when a field is missing or none, or a name is not in a header that is known.
    """
    names = {str(key): item for key, item in value.items()}
    _refuse_both(names, source)
    header = names.pop("header", None)
    names.pop("sample_file", None)
    if header is None or not is_known:
        header = []
        items: Any = names.get("observations")
        named = [item.get("column") for item in items if isinstance(item, Mapping)] if _is_list(items) else []
        for name in (*(names.get(field) for field in FIELDS), *named):
            if name and name not in header:
                header.append(name)
    else:
        _refuse_no_header(header, source)
    return _values(header, names, source)


def _refuse_both(names: Mapping[str, Any], source: str) -> None:
    if names.keys() >= {*_HEADERS}:
        problem = "column_mapping holds both header and sample_file: must be one of them"
        raise EciValidationError([problem], source=source)


def _refuse_no_header(header: Any, source: str) -> None:
    if not _is_list(header) or not all(isinstance(name, str) for name in header):
        shown = repr(header)[:_LONGEST_SHOWN]
        problem = f"header is {shown}: must be a list of texts, the names of the file's columns in their order"
        raise EciValidationError([problem], source=source)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _mapping(header: Sequence[str], names: Mapping[str, Any], source: str) -> ColumnMapping:
    from eci_provider.bills.named_mapping import NamedMapping

    _refuse_no_header(header, source)
    values = _values(header, names, source)
    numbers = [number for field, number in values.items() if field.endswith(COLUMN_INDEX)]
    if _is_list(values["observations"]):
        numbers += [item["column_index"] for item in values["observations"]]
    return NamedMapping.of(values, {number: header[number - 1].strip() for number in numbers}, source=source)


def _values(header: Sequence[Any], names: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the fields of a column mapping, the names of columns looked up in a header."""
    separators = other_separators([name for name in header if isinstance(name, str)]) if header else None
    if separators:
        problem = f"the header is separated by {separators}; EnergyCAP reads commas: save the file with commas"
        raise EciValidationError([problem], source=source)
    finder = _Finder(header)
    finder.problems += [f"{field} is required" for field in REQUIRED_FIELDS if names.get(field) is None]
    observations = names.get("observations") or ()
    values: dict[str, Any] = {"date_format": names.get("date_format")}
    for field, name in names.items():
        if field not in _ALLOWED:
            finder.problems.append(
                f"{field} is not a field.{_hint(field, _ALLOWED)} Allowed: {', '.join(_ALLOWED)}"
            )
        elif name is not None and field in FIELDS:
            values[field + COLUMN_INDEX] = finder.number(field, name)
    values["observations"] = observations
    if _is_list(observations):
        found = [_observation(item, f"observations.{at}", finder) for at, item in enumerate(observations)]
        _refuse_twice([item["column_index"] for item in found], header, finder)
        values["observations"] = found
    _refuse_shared(values, header, finder)
    if finder.problems:
        raise EciValidationError(finder.problems, source=source)
    return values


class _Finder:
    """Find columns by name, and keep what is wrong with the names."""

    def __init__(self, header: Sequence[Any]) -> None:
        self.problems: list[str] = []
        self._header = [name.strip() if isinstance(name, str) else name for name in header]

    def number(self, field: str, name: Any) -> int:
        """Return a column's number, counted from 1; 0 when something is wrong."""
        if not isinstance(name, str) and not is_template(name):
            self.problems.append(f"{field} is {name!r}: must be the name of a column, as it stands in the header")
            return 0
        wanted = name.strip() if isinstance(name, str) else name
        found = [number for number, column in enumerate(self._header, start=1) if column == wanted]
        if len(found) == 1 and wanted:
            return found[0]
        if found and wanted:
            places = " and ".join(str(number) for number in found)
            problem = f"{field} is {name!r}: the header has this name in columns {places}; rename all but one"
        else:
            shown = ", ".join(repr(column) for column in self._header[:_LONGEST_LIST] if column)
            more = ", ..." if len(self._header) > _LONGEST_LIST else ""
            hint = _hint(wanted, self._header)
            problem = f"{field} is {name!r}: the header has no such name.{hint} It has {shown}{more}"
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
        if isinstance(name, str) and len(name) > LONGEST_CAPTION and not is_template(name):
            finder.problems.append(
                f"{path}.caption is required: without one the column's name is taken, and {name!r} has "
                f"{len(name)} characters, of which EnergyCAP takes {LONGEST_CAPTION}"
            )
    return {"caption": name, **values, "column_index": finder.number(f"{path}.column", name)}


def _refuse_twice(numbers: list[int], header: Sequence[str], finder: _Finder) -> None:
    for number in sorted({number for number in numbers if number and numbers.count(number) > 1}):
        finder.problems.append(f"observations name column {header[number - 1]!r} twice: it would count twice")


def _refuse_shared(values: Mapping[str, Any], header: Sequence[str], finder: _Finder) -> None:
    """Refuse an account, a start, an end or an observation of one column; other fields may share theirs."""
    owners: dict[int, str] = {}
    named = [(field, int(values.get(field + COLUMN_INDEX, 0))) for field in REQUIRED_FIELDS]
    if _is_list(values["observations"]):
        named += [(f"observations.{at}", item["column_index"]) for at, item in enumerate(values["observations"])]
    for field, number in named:
        owner = owners.setdefault(number, field) if number else field
        if owner in REQUIRED_FIELDS and owner != field:
            finder.problems.append(
                f"{owner} and {field} both name column {header[number - 1]!r}: name two columns"
            )


def _hint(name: Any, names: Sequence[str]) -> str:
    """Return a sentence with the nearest match, whatever its case."""
    by_folded = {
        candidate.casefold(): candidate for candidate in names if candidate and isinstance(candidate, str)
    }
    near = difflib.get_close_matches(str(name).casefold(), list(by_folded), n=1, cutoff=0.5)
    return f" Did you mean {by_folded[near[0]]!r}?" if near else ""
