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
        or names of columns as :func:`~eci_provider.bills.mapping.mapping_from_header` takes them, with the
        ``header`` or a ``sample_file`` that they stand in. The file is read when the task runs.
    """

    column_mapping: Any

    def check_literals(self) -> None:
        """Refuse wrong literals; a sample file is not read, and its names are not looked up."""
        from eci_provider.bills.mapping import has_names, literal_columns, refuse_names_alone

        values = super().request_values()
        mapping = self.column_mapping
        if has_names(mapping):
            is_known = not arguments.is_template(mapping)
            values["column_mapping"] = literal_columns(mapping, is_known=is_known, source=self.source)
        elif isinstance(mapping, Mapping):
            refuse_names_alone(mapping, source=self.source)
        arguments.check_literals(self.request_model(), values, source=self.source)

    def request_values(self) -> dict[str, Any]:
        """Return the arguments that make up the request, names of columns being looked up."""
        from eci_provider.bills.mapping import column_mapping, has_names, refuse_names_alone
        from eci_provider.operators.bill_import import located

        values = super().request_values()
        mapping = self.column_mapping
        if has_names(mapping):
            if "sample_file" in mapping:
                mapping = {**mapping, "sample_file": located(mapping["sample_file"])}
            values["column_mapping"] = column_mapping(mapping, source=self.source)
        elif isinstance(mapping, Mapping):
            refuse_names_alone(mapping, source=self.source)
        return values
