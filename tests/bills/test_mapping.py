"""Nobody counts columns: a mapping is built from names, and a wrong name is refused with the nearest one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.api.errors import EciValidationError
from eci_provider.bills.checking import check_file
from eci_provider.bills.mapping import column_mapping, mapping_from_file, mapping_from_header
from tests.support.bill_files import MAPPING, NYCHA, NYCHA_NAMES

HEADER = ["Account", "Start", "End", "Use", "Charge", "Charge", ""]
NAMES: dict[str, Any] = {
    "date_format": "yyyymmdd",
    "account_code": "Account",
    "start_date": " Start ",
    "end_date": "End",
    "observations": [{"column": "Use", "observation_type_code": "USE", "unit_code": "kWh"}],
}


def test_columns_are_found_by_name_in_the_real_bills() -> None:
    wire = mapping_from_file(NYCHA, **NYCHA_NAMES).wire()

    assert wire == {
        "dateFormat": "mm/dd/yyyy",
        "accountCodeColumnIndex": 3,
        "startDateColumnIndex": 5,
        "endDateColumnIndex": 6,
        "meterCodeColumnIndex": 8,
        "billingPeriodColumnIndex": 4,
        "observations": [
            {"columnIndex": 11, "observationTypeCode": "CHG", "caption": "KWH Charges", "unitCode": "USD"},
            {"columnIndex": 13, "observationTypeCode": "CHG", "caption": "KW Charges", "unitCode": "USD"},
            {"columnIndex": 14, "observationTypeCode": "CHG", "caption": "Other charges", "unitCode": "USD"},
            {"columnIndex": 10, "observationTypeCode": "USE", "caption": "Energy", "unitCode": "kWh"},
        ],
    }


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
def test_what_is_wrong_is_refused_with_the_nearest_match(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(EciValidationError) as caught:
        mapping_from_header(HEADER, **{**NAMES, **changed})

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"), [("Account;Start;End;Use", "semicolons"), ("Account\tStart\tEnd\tUse, kWh", "tabs")]
)
def test_a_header_that_commas_do_not_separate_is_told_as_such(line: str, words: str, tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text(f"{line}\n1;2;3;4\n")

    with pytest.raises(EciValidationError, match=f"the header is separated by {words}; EnergyCAP reads commas"):
        mapping_from_file(sample, **NAMES)
    found = [str(problem) for mapping in (None, MAPPING) for problem in check_file(sample, mapping=mapping)]
    assert len(found) == 2
    assert all(f"column_missing: it is separated by {words}; EnergyCAP reads commas." in told for told in found)


def test_fields_may_share_a_column_that_tell_no_bill_apart() -> None:
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


def test_a_mapping_may_be_written_in_four_ways(tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text(",".join(HEADER) + "\n")
    built = mapping_from_header(HEADER, **NAMES)

    assert column_mapping(built, source="test") is built
    assert column_mapping(built.wire(), source="test") == built
    assert column_mapping({"header": HEADER, **NAMES}, source="test") == built
    assert column_mapping({"sample_file": sample, **NAMES}, source="test") == built


def test_a_mapping_by_names_equals_the_same_one_by_numbers_both_ways() -> None:
    by_name = mapping_from_header(HEADER, **NAMES)
    by_number = ColumnMapping.model_validate(by_name.wire())
    other = by_number.model_copy(update={"end_date_column_index": 2})

    assert (by_name == by_number, by_number == by_name, hash(by_name) == hash(by_number)) == (True, True, True)
    assert (by_name == other, other == by_name, by_name == 1) == (False, False, False)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({**MAPPING, "dateFormat": "dots"}, "dots"),
        ([MAPPING], "column_mapping is [{"),
        ({"header": HEADER, "sample_file": "a.csv", **NAMES}, "both header and sample_file"),
        ({"header": HEADER, **NAMES, "source": "x"}, "source is not a field"),
        (NAMES, "names columns (account_code, start_date, end_date), and neither header nor sample_file"),
    ],
)
def test_a_wrong_one_is_refused_with_where_it_came_from(value: dict[str, Any], words: str) -> None:
    with pytest.raises(EciValidationError, match=r"^mine: ") as caught:
        column_mapping(value, source="mine")

    assert words in str(caught.value)


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
