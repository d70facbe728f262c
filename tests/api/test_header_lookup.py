"""Columns are looked up by name, and a wrong name is refused with the nearest one."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.api.errors import EciValidationError
from eci_provider.bills.mapping import mapping_from_header
from tests.support.api_data import HEADER, NAMES


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"account_code": "account"},
            "account_code is 'account': the header has no such name. Did you mean 'Account'?",
        ),
        ({"account_code": "zzz"}, "It has 'Account', 'Start', 'End', 'Use', 'Charge', 'Charge'"),
        ({"account_code": ""}, "account_code is '': the header has no such name"),
        ({"account_code": 1}, "account_code is 1: must be the name of a column"),
        ({"pay_amount": "Charge"}, "pay_amount is 'Charge': the header has this name in columns 5 and 6"),
        ({"acount_code": "Account"}, "acount_code is not a field. Did you mean 'account_code'?"),
        ({"end_date": None}, "end_date is required"),
        ({"date_format": "dd.mm.yyyy"}, "'dd.mm.yyyy'"),
        ({"observations": []}, "at least 1"),
        ({"observations": "Use"}, "observations is 'Use'"),
        ({"observations": [{"unit_code": "kWh"}]}, "observations.0.column is required"),
        ({"observations": NAMES["observations"] * 2}, "observations name column 'Use' twice"),
        ({"observations": [{**NAMES["observations"][0], "column": "Uses"}]}, "Did you mean 'Use'?"),
        (
            {"observations": [{"column": "Use", "unit_code": "kWh"}]},
            "observations.0.observation_type_code is required (observationTypeCode in EnergyCAP's documentation)",
        ),
        ({"dateFormat": "yyyymmdd"}, "dateFormat is not a field. Did you mean 'date_format'?"),
        ({"observation": []}, "observation is not a field. Did you mean 'observations'? Allowed: account_code,"),
        ({"end_date": "Start"}, "start_date and end_date both name column 'Start': name two columns"),
        (
            {"observations": [{**NAMES["observations"][0], "column": "Account"}]},
            "account_code and observations.0 both name column 'Account': name two columns",
        ),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest_match(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(EciValidationError) as caught:
        mapping_from_header(HEADER, **{**NAMES, **changed})

    assert words in str(caught.value)


def test_optional_fields_may_share_a_column() -> None:
    mapping = mapping_from_header(HEADER, **NAMES, pay_amount="Use", billing_period="Start")

    assert (mapping.pay_amount_column_index, mapping.billing_period_column_index) == (4, 2)


@pytest.mark.parametrize("header", [[1, 2], "Account,Start", None, ["Account", None]])
def test_a_header_is_a_list_of_names(header: Any) -> None:
    with pytest.raises(
        EciValidationError, match=r"^ColumnMapping.from_header: header is .*: must be a list of texts"
    ):
        ColumnMapping.from_header(header, **NAMES)


LONG = "Total Consumption in Kilowatt Hours (KWH)"


def test_the_name_of_a_column_may_be_too_long_for_a_caption() -> None:
    use = {**NAMES["observations"][0], "column": LONG}

    with pytest.raises(EciValidationError) as caught:
        mapping_from_header([*HEADER, LONG], **{**NAMES, "observations": [use]})
    captioned = mapping_from_header([*HEADER, LONG], **{**NAMES, "observations": [{**use, "caption": "Energy"}]})

    assert caught.value.details["problems"] == [
        f"observations.0.caption is required, because the column's name {LONG!r} has 41 characters and "
        "EnergyCAP takes 32"
    ]
    assert [item.caption for item in captioned.observations] == ["Energy"]


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(EciValidationError) as caught:
        mapping_from_header(HEADER, **{**NAMES, "start_date": "Begin", "end_date": "Stop"})

    assert len(caught.value.details["problems"]) == 2
