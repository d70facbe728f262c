"""The options of a check are refused when they are wrong, and obeyed when they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import check_file
from tests.support.bill_files import (
    MAPPING,
    check_content,
    problems_in,
    row,
    text,
)


def test_no_rule_is_switched_off_by_none(tmp_path: Path) -> None:
    report = check_content(tmp_path, text(row(meter="")), rules_off=None)

    assert problems_in(report) == [("meter_empty", 2, "Meter")]


def test_a_rule_is_switched_off(tmp_path: Path) -> None:
    report = check_content(tmp_path, text(row(start="never", meter="")), rules_off=["date_unreadable"])

    assert problems_in(report) == [("meter_empty", 2, "Meter")]
    assert report.errors == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rules_off": ["date_unreadible"]}, "Did you mean 'date_unreadable'?"),
        ({"rules_off": 5}, "5 is not a list of rules"),
        ({"rules_off": [["a"]]}, "['a'] is not a rule"),
        ({"accounts": "1001"}, "accounts is '1001': must be a list"),
        ({"accounts": 1001}, "accounts is 1001: must be a list"),
        ({"accounts": [1001.5]}, "accounts holds 1001.5: a code must be a text or a whole number"),
        ({"accounts": {"1001": "M1"}}, "accounts['1001'] is 'M1': must be a list of codes"),
        ({"accounts": {"1001": None}}, "accounts['1001'] is None: must be a list of codes"),
        ({"accounts": {"1001": [True]}}, "accounts['1001'] holds True"),
        ({"accounts": {"1001": ["M2"]}, "meters": ["M1"]}, "meters is given, and accounts is a dict"),
        ({"meters": {"M1": 1}}, "meters is {'M1': 1}: must be a list"),
        ({"longest_period": "62"}, "longest_period is '62': must be a whole number of at least 1"),
        ({"most_rows": None}, "most_rows is None: must be a whole number of at least 1"),
        ({"most_rows": -1}, "most_rows is -1"),
        ({"mapping": {**MAPPING, "dateFormat": "x"}}, "'x'"),
    ],
)
def test_wrong_arguments_are_refused_before_the_file_is_read(
    arguments: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(EciValidationError) as caught:
        check_file(tmp_path / "missing.csv", **{"mapping": MAPPING, **arguments})

    assert words in str(caught.value)
