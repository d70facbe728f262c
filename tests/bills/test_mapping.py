"""Nobody counts columns: a mapping is built from names, and a wrong name is refused with the nearest one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.bills.checking import check_file
from eci_provider.bills.mapping import column_mapping, mapping_from_file, mapping_from_header
from tests.support.api_data import HEADER, NAMES
from tests.support.bill_files import MAPPING, NYCHA, NYCHA_NAMES


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
    ("line", "words"), [("Account;Start;End;Use", "semicolons"), ("Account\tStart\tEnd\tUse, kWh", "tabs")]
)
def test_a_header_that_is_not_separated_by_commas_is_refused_with_the_separator(
    line: str, words: str, tmp_path: Path
) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text(f"{line}\n1;2;3;4\n")

    with pytest.raises(EciValidationError, match=f"the header is separated by {words}; EnergyCAP reads commas"):
        mapping_from_file(sample, **NAMES)
    found = [str(problem) for mapping in (None, MAPPING) for problem in check_file(sample, mapping=mapping)]
    assert len(found) == 2
    assert all(
        f"column_missing: it is separated by {words}; EnergyCAP reads commas." in problem for problem in found
    )


def test_a_mapping_may_be_written_in_four_ways(tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text(",".join(HEADER) + "\n")
    built = mapping_from_header(HEADER, **NAMES)

    assert column_mapping(built, source="test") is built
    assert column_mapping(built.wire(), source="test") == built
    assert column_mapping({"header": HEADER, **NAMES}, source="test") == built
    assert column_mapping({"sample_file": sample, **NAMES}, source="test") == built


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
