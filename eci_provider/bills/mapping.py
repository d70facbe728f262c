"""A column mapping in any form: numbers, or names that are looked up in a header or a sample file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eci_provider.api.column_mapping import ColumnMapping, mapping_by_names, mapping_from_header
from eci_provider.api.header_lookup import COLUMN_INDEX, FIELDS
from eci_provider.api.models import validated
from eci_provider.bills.reading import header_of
from eci_provider.core.checks import checked_path
from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import AnyPath

_LONGEST_SHOWN = 60
#: The keys that say where names of columns are looked up.
_HEADERS = ("header", "sample_file")


def mapping_from_file(sample_file: AnyPath, **arguments: Any) -> ColumnMapping:
    """
    Build a column mapping from the names in a sample file's header.

    :param sample_file: a file with the header of the files to import: a local path, a URL that Airflow's
        ObjectStoragePath opens, or such a path.
    :param arguments: as for :func:`~eci_provider.api.column_mapping.mapping_from_header`.
    :raises EciBillFileError: when the file cannot be read.
    :raises EciValidationError: when a field or a name is unknown or missing.
    """
    return mapping_from_header(header_of(sample_file), **arguments)


def column_mapping(value: ColumnMapping | Mapping[str, Any], *, source: str) -> ColumnMapping:
    """
    Return a column mapping, in whatever form it was written.

    :param value: a mapping; or a dict of column numbers, in snake_case or the documented camelCase; or a dict of
        column names, as :func:`~eci_provider.api.column_mapping.mapping_from_header` takes them, with ``header``
        or ``sample_file``.
    :param source: where it comes from, for the message.
    :raises EciBillFileError: when the sample file cannot be read.
    :raises EciValidationError: when a field or a name is wrong.
    """
    if isinstance(value, ColumnMapping):
        return value
    if not isinstance(value, Mapping):
        shown = repr(value)[:_LONGEST_SHOWN]
        raise EciValidationError([f"column_mapping is {shown}: must be a dict of its fields"], source=source)
    names = {str(key): item for key, item in value.items()}
    check_names(names, source=source)
    if not has_names(names):
        return validated(ColumnMapping, names, source=source)
    if "header" in names:
        header = names.pop("header")
    else:
        sample_file = names.pop("sample_file")
        checked_path(sample_file, name="sample_file", description="a bill file", source=source)
        header = header_of(sample_file)
    return mapping_by_names(header, names, source=source)


def has_names(value: Any) -> bool:
    """
    Return whether a column mapping is a dict of column names, with the header or the file to look them up in.

    :param value: the mapping, as :func:`column_mapping` takes it.
    """
    return isinstance(value, Mapping) and not value.keys().isdisjoint(_HEADERS)


def check_names(value: Mapping[str, Any], *, source: str) -> None:
    """
    Refuse column names without the header or the file to look them up in, and those with both.

    :param value: a column mapping as a dict.
    :param source: where it comes from, for the message.
    :raises EciValidationError: when it is one of these.
    """
    if value.keys() >= {*_HEADERS}:
        problem = "column_mapping holds both header and sample_file: must be one of them"
        raise EciValidationError([problem], source=source)
    fields = [field for field in FIELDS if field in value]
    if fields and not has_names(value):
        problem = (
            f"column_mapping names columns ({', '.join(fields)}), and neither header nor sample_file, in which "
            f"they are looked up: give one of them, or numbers ({fields[0]}{COLUMN_INDEX})"
        )
        raise EciValidationError([problem], source=source)
