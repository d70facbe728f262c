"""The arguments of a report, checked as literals and once rendered."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.core.errors import EciValidationError
from eci_provider.reports.arguments import check_apart, check_kickout_report, check_report, checked_names


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"path": "report.pdf"}, r"to is 'report\.pdf': must end in \.csv, \.xlsx or \.md"),
        ({"path": "report.csv", "format": "md"}, r"format is 'md', but to is 'report\.csv'"),
        ({"path": "{{ ds }}", "format": "pdf"}, "format is 'pdf': must be one of"),
        ({"path": "./bills.csv", "file": "bills.csv"}, "where the bill file lies: the report would replace it"),
        ({"path": None}, "to is '': must name the file"),
    ],
)
def test_a_wrong_report_is_refused_by_the_name_of_its_argument(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(EciValidationError, match=f"^here: .*{problem}"):
        check_report(**arguments, name="to", source="here")


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "{{ ds }}.pdf"},
        {"path": "{{ ds }}", "format": "csv"},
        {"path": "report.csv", "format": "{{ params.format }}"},
        {"path": "report.csv", "file": "{{ params.file }}"},
        {"path": "report.csv", "file": "bills.csv"},
    ],
)
def test_templates_are_left_for_later(arguments: dict[str, Any]) -> None:
    check_report(**arguments, source="here")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"kickout_report": "report"}, "kickout_report is 'report': must end in"),
        ({"kickout_report": "a.csv", "file": "a.csv"}, r"kickout_report is 'a\.csv', where the bill file lies"),
        (
            {"kickout_report": "a.csv", "wait_for_completion": False},
            "wait_for_completion is False, and",
        ),
        ({"kickout_report": None, "file_names": "a.csv"}, "file_names is 'a.csv': must be a list of names"),
    ],
)
def test_a_wrong_kickout_report_is_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(EciValidationError, match=f"^here: {problem}"):
        check_kickout_report(**arguments, source="here")


@pytest.mark.parametrize("kickout_report", [None, "None", "", "{{ params.report }}"])
def test_without_a_report_nothing_needs_to_be_waited_for(kickout_report: str | None) -> None:
    check_kickout_report(kickout_report, source="here", wait_for_completion=False)


def test_a_report_is_kept_apart_from_each_file() -> None:
    check_apart("report.csv", [None, "{{ ds }}", "bills.csv"], source="here")
    with pytest.raises(EciValidationError, match="where the bill file lies"):
        check_apart("report.csv", [None, "bills.csv", "report.csv"], source="here")


@pytest.mark.parametrize("names", ["a.csv", ["a.csv", 1], [" "], {"a.csv": 1}, 5])
def test_names_that_are_no_list_of_texts_are_refused(names: Any) -> None:
    with pytest.raises(EciValidationError, match=r"^here: file_names is .*: must be a list of names"):
        checked_names(names, source="here")


def test_names_are_a_list() -> None:
    assert checked_names(("a.csv", "b.csv"), source="here") == ["a.csv", "b.csv"]
    assert checked_names(None, source="here") is None
