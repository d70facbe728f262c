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
        ({"min_rows": 0}, "min_rows is 0: must be a whole number of at least 1"),
        ({"min_bills": "7"}, "min_bills is '7'"),
        ({"fail_on": ["row_wider"]}, "Did you mean 'row_wide'?"),
        ({"fail_on": ["row_wide"], "rules_off": ["row_wide"]}, "row_wide: in rules_off and in fail_on"),
        ({"mapping": {**MAPPING, "dateFormat": "x"}}, "'x'"),
    ],
)
def test_wrong_arguments_are_refused_before_the_file_is_read(
    arguments: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(EciValidationError) as caught:
        check_file(tmp_path / "missing.csv", **{"mapping": MAPPING, **arguments})

    assert words in str(caught.value)


def test_a_warning_fails_the_check_where_it_is_wanted(tmp_path: Path) -> None:
    content = text([*row(), "more"], row(account="2", meter=""))

    plain = check_content(tmp_path, content)
    raised = check_content(tmp_path, content, fail_on=["row_wide"])

    assert [str(problem).split(": ")[1] for problem in plain] == ["warning row_wide", "warning meter_empty"]
    assert [str(problem).split(": ")[1] for problem in raised] == ["error row_wide", "warning meter_empty"]
    assert (plain.errors, plain.warnings, raised.errors, raised.warnings) == (0, 2, 1, 1)
    assert [kind["severity"] for kind in raised.digest()] == ["error", "warning"]


@pytest.mark.parametrize(
    ("fewest", "found"),
    [
        ({"min_rows": 3, "min_bills": 2}, []),
        ({"min_rows": 4}, ["too_few_rows"]),
        ({"min_bills": 3}, ["too_few_bills"]),
    ],
)
def test_a_file_that_is_too_short(fewest: dict[str, int], found: list[str], tmp_path: Path) -> None:
    rows = [row(), row(meter="M2"), row(account="2")]

    report = check_content(tmp_path, text(*rows), **fewest)

    assert problems_in(report) == [(code, None, None) for code in found]
    assert report.errors == len(found)


def test_bills_of_several_files_are_compared(tmp_path: Path) -> None:
    for name, meter in (("a.csv", "M1"), ("b.csv", "M2")):
        (tmp_path / name).write_text(text(row(meter=meter)))
    files = [tmp_path / "a.csv", tmp_path / "missing.csv", tmp_path / "b.csv"]

    report = check_file(files, mapping=MAPPING, min_bills=3)

    assert [(problem.rule.code, problem.file) for problem in report] == [
        ("file_unreadable", str(files[1])),
        ("bill_torn", "b.csv"),
        ("too_few_bills", "b.csv"),
    ]
    assert (report.rows, report.bills) == (2, 2)
    with pytest.raises(EciValidationError, match="empty list"):
        check_file([], mapping=MAPPING)
