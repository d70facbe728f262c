"""Column mappings: which column of a bill file holds what, by number or by the names in its header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr

from eci_provider.api.header_lookup import COLUMN_INDEX, LONGEST_CAPTION, mapping_values
from eci_provider.api.models import READ_TEXT, Identifier, RequestModel, validated

#: A column's number, counted from 1 (constraints of the official SDK).
ColumnIndex = Identifier
DateFormat = Literal["mm/dd/yyyy", "Month dd yyyy", "dd/mm/yyyy", "dd Month yyyy", "yyyymmdd"]


class Observation(RequestModel):
    """A column that holds a quantity or a cost of the bill."""

    column_index: ColumnIndex
    observation_type_code: Annotated[str, Field(min_length=1), READ_TEXT]
    caption: Annotated[str, Field(max_length=LONGEST_CAPTION), READ_TEXT]
    unit_code: Annotated[str, Field(min_length=1), READ_TEXT]


def _not_empty(observations: tuple[Observation, ...]) -> tuple[Observation, ...]:
    # Not min_length: it would complain as well when the only entry is wrong.
    if not observations:
        raise ValueError("must have at least 1 entry")
    return observations


class ColumnMapping(RequestModel):
    """Which column of a bill file holds what (BillImportProfileColumnMapping); columns count from 1."""

    date_format: DateFormat
    account_code_column_index: ColumnIndex
    start_date_column_index: ColumnIndex
    end_date_column_index: ColumnIndex
    vendor_code_column_index: ColumnIndex | None = None
    pay_amount_column_index: ColumnIndex | None = None
    billing_period_column_index: ColumnIndex | None = None
    account_period_column_index: ColumnIndex | None = None
    statement_date_column_index: ColumnIndex | None = None
    due_date_column_index: ColumnIndex | None = None
    control_code_column_index: ColumnIndex | None = None
    invoice_number_column_index: ColumnIndex | None = None
    meter_code_column_index: ColumnIndex | None = None
    commodity_column_index: ColumnIndex | None = None
    service_charge_column_index: ColumnIndex | None = None
    ace_flag_column_index: ColumnIndex | None = None
    vpr_flag_column_index: ColumnIndex | None = None
    rate_column_index: ColumnIndex | None = None
    serial_number_column_index: ColumnIndex | None = None
    bill_note_column_index: ColumnIndex | None = None
    observations: Annotated[tuple[Observation, ...], AfterValidator(_not_empty)]

    #: The names of mapped columns by number, if the mapping was made from names; never sent.
    _names: dict[int, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_header(cls, header: Sequence[str], **names: Any) -> ColumnMapping:
        """
        Return a mapping made from the names of columns.

        :param header: the file's header, in its order.
        :param names: as :func:`mapping_from_header` takes them.
        :raises EciValidationError: as :func:`mapping_from_header` does.
        """
        return mapping_from_header(header, **names)

    @property
    def names(self) -> Mapping[int, str]:
        """Return the names of mapped columns by number; empty for a mapping that was not made from names."""
        return self._names

    def __eq__(self, other: object) -> bool:
        """Return whether another mapping maps the same columns, by name or by number."""
        return isinstance(other, ColumnMapping) and self.wire() == other.wire()

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in type(self).model_fields))


def mapping_from_header(
    header: Sequence[str],
    *,
    date_format: str,
    observations: Sequence[Mapping[str, Any]],
    source: str = "ColumnMapping.from_header",
    **columns: str | None,
) -> ColumnMapping:
    """
    Return a column mapping made from the names of columns.

    :param header: the names in the file's header, in their order.
    :param date_format: ``mm/dd/yyyy``, ``Month dd yyyy``, ``dd/mm/yyyy``, ``dd Month yyyy`` or ``yyyymmdd``.
    :param observations: the columns of quantities and charges, each a dict of ``column`` (its name),
        ``observation_type_code``, ``unit_code`` and, unless it is the column's name, ``caption``.
    :param source: where the arguments came from, for the message.
    :param columns: the name of the column of each field that the file has: ``account_code``, ``start_date`` and
        ``end_date`` always; ``vendor_code``, ``meter_code`` and further ones of
        :data:`~eci_provider.api.header_lookup.FIELDS`.
    :return: the mapping, columns counted from 1.
    :raises EciValidationError: if the header has a name twice or not at all, or if a field is unknown; the message
        suggests the nearest match.
    """
    names = {**columns, "date_format": date_format, "observations": observations}
    return mapping_by_names(header, names, source=source)


def mapping_by_names(header: Sequence[str], names: Mapping[str, Any], *, source: str) -> ColumnMapping:
    """
    Return a column mapping made from a dict of the names of columns.

    :param header: the names in the file's header, in their order.
    :param names: the arguments of :func:`mapping_from_header` as a dict.
    :param source: where they came from, for the message.
    :raises EciValidationError: as :func:`mapping_from_header` does.
    """
    values = mapping_values(header, names, source=source)
    mapping = validated(ColumnMapping, values, source=source)
    numbers = [number for field, number in values.items() if field.endswith(COLUMN_INDEX)]
    numbers += [observation.column_index for observation in mapping.observations]
    mapping._names = {number: header[number - 1].strip() for number in numbers}
    return mapping
