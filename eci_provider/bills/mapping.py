"""A column mapping from the names in a header, so that nobody counts columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eci_provider.api.column_mapping import ColumnMapping, mapping_by_names, mapping_from_header
from eci_provider.api.errors import EciValidationError
from eci_provider.api.header_lookup import COLUMN_INDEX, FIELDS
from eci_provider.api.models import validated
from eci_provider.bills.reading import header_of
from eci_provider.core.paths import AnyPath

_LONGEST_SHOWN = 60
#: What stands beside names of columns: where they are looked up.
_HEADERS = ("header", "sample_file")


def mapping_from_file(sample_file: AnyPath, **arguments: Any) -> ColumnMapping:
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
    if isinstance(value, ColumnMapping):
        return value
    if not isinstance(value, Mapping):
        shown = repr(value)[:_LONGEST_SHOWN]
        raise EciValidationError([f"column_mapping is {shown}: must be a dict of its fields"], source=source)
    names = {str(key): item for key, item in value.items()}
    if not has_names(names):
        refuse_names_alone(names, source=source)
        return validated(ColumnMapping, names, source=source)
    refuse_both(names, source=source)
    header = names.pop("header") if "header" in names else header_of(names.pop("sample_file"))
    return mapping_by_names(header, names, source=source)


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


def refuse_both(names: Mapping[str, Any], *, source: str) -> None:
    """
    Refuse names of columns with both a header and a sample file.

    :param names: the column mapping, as :func:`column_mapping` takes it.
    :param source: where it came from, for the message.
    :raises EciValidationError: when it holds both.
    """
    if names.keys() >= {*_HEADERS}:
        problem = "column_mapping holds both header and sample_file: must be one of them"
        raise EciValidationError([problem], source=source)
