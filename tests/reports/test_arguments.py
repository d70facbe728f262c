"""The arguments of a report."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.core.errors import EciValidationError
from eci_provider.reports.arguments import check_apart, check_kickout_report, check_report


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"path": "report.pdf"}, r"to is 'report\.pdf': must end in \.csv, \.xlsx or \.md"),
        ({"path": "report.csv", "format": "md"}, r"format is 'md', but to is 'report\.csv'"),
        ({"path": "report", "format": "pdf"}, "format is 'pdf': must be one of"),
        ({"path": "{{ ds }}.csv"}, "must name the file"),
        ({"path": "./bills.csv", "file": "bills.csv"}, "where the bill file lies: the report would replace it"),
        ({"path": None}, "to is '': must name the file"),
    ],
)
def test_a_wrong_report_is_refused_by_the_name_of_its_argument(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(EciValidationError, match=f"^here: .*{problem}"):
        check_report(**arguments, name="to", source="here")


def test_a_right_report_is_not_refused() -> None:
    check_report("report.csv", file="bills.csv", source="here")
    check_report("report", "csv", source="here")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"kickout_report": "report"}, "kickout_report is 'report': must end in"),
        ({"kickout_report": "a.csv", "file": "a.csv"}, r"kickout_report is 'a\.csv', where the bill file lies"),
        (
            {"kickout_report": "a.csv", "wait_for_completion": False},
            "wait_for_completion is False, and",
        ),
    ],
)
def test_a_wrong_kickout_report_is_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(EciValidationError, match=f"^here: {problem}"):
        check_kickout_report(**arguments, source="here")


def test_without_a_report_nothing_needs_to_be_waited_for() -> None:
    check_kickout_report(None, source="here", wait_for_completion=False)


def test_a_report_is_kept_apart_from_each_file() -> None:
    check_apart("report.csv", [None, "{{ ds }}", "bills.csv"], source="here")
    with pytest.raises(EciValidationError, match="where the bill file lies"):
        check_apart("report.csv", [None, "bills.csv", "report.csv"], source="here")
