"""A column mapping that was written with the names of columns, and still knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import PrivateAttr

from eci_provider.api.import_profiles import ColumnMapping
from eci_provider.api.models import validated


class NamedMapping(ColumnMapping):
    """Describe which column is what, and how each is called; on the wire it is as any other mapping."""

    _names: dict[int, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any], names: Mapping[int, str], *, source: str) -> NamedMapping:
        """
        Build a mapping.

        :param values: its fields.
        :param names: the names of columns by their numbers, counted from 1.
        :param source: where they came from, for the message.
        :raises EciValidationError: when a field is wrong.
        """
        mapping = validated(cls, values, source=source)
        mapping._names = dict(names)
        return mapping

    @property
    def names(self) -> Mapping[int, str]:
        """Return the names of mapped columns by their numbers."""
        return self._names

    def __eq__(self, other: object) -> bool:
        """Tell whether another mapping maps the same columns, however it was written."""
        return isinstance(other, ColumnMapping) and self.wire() == other.wire()

    def __hash__(self) -> int:
        """Agree with equality, which would else have taken the hash away."""
        return super().__hash__()
