"""A column mapping is the same, by name or by number."""

from __future__ import annotations

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.bills.mapping import mapping_from_header
from tests.support.api_data import HEADER, NAMES


def test_a_mapping_by_name_equals_the_same_mapping_by_number() -> None:
    by_name = mapping_from_header(HEADER, **NAMES)
    by_number = ColumnMapping.model_validate(by_name.wire())
    other = by_number.model_copy(update={"end_date_column_index": 2})

    assert (by_name == by_number, by_number == by_name, hash(by_name) == hash(by_number)) == (True, True, True)
    assert (by_name == other, other == by_name, by_name == 1) == (False, False, False)


def test_the_model_itself_takes_names() -> None:
    header = ["Account", "From", "To", "kWh"]
    names = {
        "date_format": "mm/dd/yyyy",
        "account_code": "Account",
        "start_date": "From",
        "end_date": "To",
        "observations": [{"column": "kWh", "observation_type_code": "USE", "unit_code": "KWH"}],
    }

    mapping = ColumnMapping.from_header(header, **names)

    assert (mapping.account_code_column_index, mapping.end_date_column_index) == (1, 3)
    assert [item.column_index for item in mapping.observations] == [4]
