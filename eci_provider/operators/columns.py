"""What operators share that take a column mapping: its columns may be given by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eci_provider.operators.base import EciOperator
from eci_provider.runtime import arguments


class EciColumnsOperator(EciOperator):
    """
    Be the base of operators that take a column mapping.

    :param column_mapping: which column is what: columns counted from 1, in snake_case or the documented camelCase;
        or names of columns as :func:`~eci_provider.api.column_mapping.mapping_from_header` takes them, with the
        ``header`` or a ``sample_file`` that they stand in. The file is read when the task runs.
    """

    column_mapping: Any

    def check_literals(self) -> None:
        """Refuse wrong literals; a sample file is not read, and its names are not looked up."""
        from eci_provider.bills.mapping import check_names, has_names

        values = super().request_values()
        mapping = self.column_mapping
        if isinstance(mapping, Mapping):
            check_names(mapping, source=self.source)
        if has_names(mapping):
            is_known = not arguments.is_template(mapping)
            values["column_mapping"] = literal_columns(mapping, is_known=is_known, source=self.source)
        arguments.check_literals(self.request_model(), values, source=self.source)

    def request_values(self) -> dict[str, Any]:
        """Return the arguments that make up the request, names of columns being looked up."""
        from eci_provider.bills.mapping import check_names, column_mapping, has_names

        values = super().request_values()
        mapping = self.column_mapping
        if isinstance(mapping, Mapping):
            check_names(mapping, source=self.source)
        if has_names(mapping):
            values["column_mapping"] = column_mapping(mapping, source=self.source)
        return values


def literal_columns(value: Mapping[str, Any], *, is_known: bool, source: str) -> dict[str, Any]:
    """
    Return the column numbers of names of columns when a DAG is parsed, to check as much as is known then.

    A sample file is not opened: each name stands for a column of its own, and the task looks up the true numbers.

    :param value: a dict of column names, with ``header`` or ``sample_file`` beside.
    :param is_known: whether it holds no template; names and headers that are templates are not looked up.
    :param source: where it came from, for the message.
    :raises EciValidationError: when a field is missing or unknown, or a name is not in a header that is known.
    """
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
    """Return another task's result, which is not known yet, as the text of a template."""
    return name if isinstance(name, str) or not arguments.is_template(name) else f"{{{{ {name} }}}}"


def _observation_as_text(item: Any) -> Any:
    if not isinstance(item, Mapping) or not arguments.is_template(item.get("column")):
        return item
    # The caption that a column's name gives is not known either.
    return {**item, "column": _as_text(item["column"]), "caption": item.get("caption") or "{{ column }}"}
