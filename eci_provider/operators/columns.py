"""The columns of a bill file as arguments of operators; names of columns are looked up when the task runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.api.header_lookup import FIELDS, is_list, mapping_values
from eci_provider.api.models import validated
from eci_provider.bills.column_choice import ColumnChoice
from eci_provider.bills.mapping import check_names, column_mapping, has_names
from eci_provider.bills.profile_mapping import profile_mapping
from eci_provider.runtime.arguments import check_literals, is_template
from eci_provider.runtime.readers import without_none_texts

if TYPE_CHECKING:
    from eci_provider.hooks.eci import EciHook


class ColumnArguments:
    """
    An import profile, a column mapping, or neither for Advanced format.

    :param profile_code: the profile.
    :param column_mapping: the mapping: numbers, or names with the header or the sample file to look them up in.
    :param source: whose arguments they are, for messages.
    """

    def __init__(self, profile_code: Any, column_mapping: Any, *, source: str) -> None:
        self._values = without_none_texts({"profile_code": profile_code, "column_mapping": column_mapping})
        self._source = source

    @property
    def sample_file(self) -> Any:
        """Return the file that names are looked up in; None if there is none."""
        mapping = self._values["column_mapping"]
        return mapping.get("sample_file") if isinstance(mapping, Mapping) else None

    def check_literals(self) -> None:
        """
        Refuse wrong literals when the DAG is parsed.

        :raises EciValidationError: naming each wrong argument.
        """
        check_literals(ColumnChoice, literal_columns(self._values, source=self._source), source=self._source)

    def mapping(self, hook: EciHook) -> ColumnMapping | None:
        """
        Return the column mapping, all arguments being rendered; None for Advanced format.

        :param hook: EnergyCAP is asked only for a profile.
        :raises EciBillFileError: when the sample file cannot be read.
        :raises EciValidationError: when an argument is wrong, or there is no such profile.
        """
        values = known_columns(self._values, source=self._source)
        choice = validated(ColumnChoice, values, source=self._source)
        if choice.profile_code is None:
            return choice.column_mapping
        return profile_mapping(hook.get_conn().import_profiles, choice.profile_code, source=self._source)


def literal_columns(values: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """
    Return a request's arguments with numbers for the names of columns, when the DAG is parsed.

    A sample file is not read then: each name gets a number of its own, so that everything else can be checked.

    :param values: the arguments, ``column_mapping`` among them.
    :param source: whose arguments they are, for messages.
    :raises EciValidationError: when a field is missing or unknown, or a name is not in a header that is known.
    """
    mapping = _checked_names(values, source)
    return dict(values) if mapping is None else {**values, "column_mapping": _numbered(mapping, source)}


def known_columns(values: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """
    Return a request's arguments with numbers for the names of columns, when the task runs.

    :param values: the arguments, ``column_mapping`` among them.
    :param source: whose arguments they are, for messages.
    :raises EciBillFileError: when the sample file cannot be read.
    :raises EciValidationError: when a field or a name is wrong.
    """
    mapping = _checked_names(values, source)
    return (
        dict(values) if mapping is None else {**values, "column_mapping": column_mapping(mapping, source=source)}
    )


def _checked_names(values: Mapping[str, Any], source: str) -> Mapping[str, Any] | None:
    """Return a mapping by names, after a check of what it says about where to look them up; None for another."""
    mapping = values["column_mapping"]
    if not isinstance(mapping, Mapping):
        return None
    check_names(mapping, source=source)
    return mapping if has_names(mapping) else None


def _numbered(mapping: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the fields of a mapping by names with a number for each name, as far as they are known."""
    names = {str(key): item for key, item in mapping.items()}
    header = names.pop("header", None)
    names.pop("sample_file", None)
    if header is None or is_template(mapping):
        names = {name: _as_text(item) if name in FIELDS else item for name, item in names.items()}
        named = [names.get(field) for field in FIELDS]
        if is_list(names.get("observations")):
            names["observations"] = [_observation_as_text(item) for item in names["observations"]]
            named += [item.get("column") for item in names["observations"] if isinstance(item, Mapping)]
        header = list(dict.fromkeys(name for name in named if isinstance(name, str) and name))
    return mapping_values(header, names, source=source)


def _as_text(name: Any) -> Any:
    """Return a reference to another task's result as a template, which is a text."""
    return name if isinstance(name, str) or not is_template(name) else f"{{{{ {name} }}}}"


def _observation_as_text(item: Any) -> Any:
    if not isinstance(item, Mapping) or not is_template(item.get("column")):
        return item
    # Without a caption the column's name is taken, which is not known either.
    return {**item, "column": _as_text(item["column"]), "caption": item.get("caption") or "{{ column }}"}
