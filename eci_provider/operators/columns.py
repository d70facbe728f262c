"""Column mappings as arguments of operators: numbers, or names that are looked up when the task runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eci_provider.operators.base import EciOperator
from eci_provider.runtime.arguments import is_template

if TYPE_CHECKING:
    from eci_provider.api.column_mapping import ColumnMapping
    from eci_provider.bills.column_choice import ColumnChoice
    from eci_provider.hooks.eci import EciHook


class EciColumnsOperator(EciOperator):
    """Base class for operators that take a column mapping."""

    def literal_values(self) -> dict[str, Any]:
        """Return the request's arguments as far as they are known when the DAG is parsed."""
        return with_literal_columns(self.request_values(), source=self.source)

    def rendered_values(self) -> dict[str, Any]:
        """Return the request's arguments, with the names of columns looked up."""
        return with_known_columns(self.request_values(), source=self.source)


def with_literal_columns(values: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """
    Return a request's arguments with numbers for the names of columns, when the DAG is parsed.

    A sample file is not read then: each name gets a number of its own, so that everything else can be checked.

    :param values: the arguments, ``column_mapping`` among them.
    :param source: whose arguments they are, for the message.
    :raises EciValidationError: when a field is missing or unknown, or a name is not in a header that is known.
    """
    from eci_provider.bills.mapping import check_names, has_names

    mapping = values["column_mapping"]
    if not isinstance(mapping, Mapping):
        return dict(values)
    check_names(mapping, source=source)
    if not has_names(mapping):
        return dict(values)
    is_known = not is_template(mapping)
    return {**values, "column_mapping": _literal_columns(mapping, is_known=is_known, source=source)}


def with_known_columns(values: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """
    Return a request's arguments with numbers for the names of columns, when the task runs.

    :param values: the arguments, ``column_mapping`` among them.
    :param source: whose arguments they are, for the message.
    :raises EciBillFileError: when the sample file cannot be read.
    :raises EciValidationError: when a field or a name is wrong.
    """
    from eci_provider.bills.mapping import check_names, column_mapping, has_names

    mapping = values["column_mapping"]
    if not isinstance(mapping, Mapping):
        return dict(values)
    check_names(mapping, source=source)
    if not has_names(mapping):
        return dict(values)
    return {**values, "column_mapping": column_mapping(mapping, source=source)}


def chosen_mapping(choice: ColumnChoice, hook: EciHook, *, source: str) -> ColumnMapping | None:
    """
    Return the column mapping of a bill file; None for Advanced format.

    :param choice: a profile, a mapping, or neither.
    :param hook: EnergyCAP is asked only for a profile.
    :param source: whose arguments they are, for the message.
    :raises EciValidationError: when there is no such profile, or its mapping cannot be used.
    """
    from eci_provider.bills.profile_mapping import profile_mapping

    if choice.profile_code is None:
        return choice.column_mapping
    return profile_mapping(hook.get_conn().import_profiles, choice.profile_code, source=source)


def _literal_columns(value: Mapping[str, Any], *, is_known: bool, source: str) -> dict[str, Any]:
    """Return the fields of a column mapping with a number for each name; ``is_known`` says it has no template."""
    from eci_provider.api.header_lookup import FIELDS, is_list, mapping_values

    names = {str(key): item for key, item in value.items()}
    header = names.pop("header", None)
    names.pop("sample_file", None)
    if header is None or not is_known:
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
