"""The arguments of the operators on bill files, their results and their links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from eci_provider.api import EciClient, errors
from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.bills import EciBillFileError
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import (
    MAPPING,
    NYCHA,
    NYCHA_NAMES,
    check_task,
    row,
    split_task,
    text,
)
from tests.support.run_task import run
from tests.support.turned_clock import connect

NAMES = {**NYCHA_NAMES, "sample_file": str(NYCHA)}

NAMED = {
    **{key: value for key, value in NYCHA_NAMES.items() if key != "observations"},
    "observations": [{"column": "L" * 33, "observation_type_code": "USE", "unit_code": "kWh"}],
}


def test_errors_fail_the_task_at_once_and_their_counts_are_in_xcom(
    faulty: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    end = run(check_task(file=str(faulty), column_mapping=MAPPING))

    assert isinstance(end.error, EciBillFileError)
    assert end.is_final
    assert "1 x date_other_format; 1 x number_unreadable" in str(end.error)
    assert {name: end.result[name] for name in ("rows", "bills", "errors", "warnings")} == {
        "rows": 3,
        "bills": 3,
        "errors": 2,
        "warnings": 0,
    }
    assert [kind["code"] for kind in end.result["problems"]] == ["date_other_format", "number_unreadable"]
    assert (
        "First: bills.csv, row 4, column 'End': error date_other_format" in capsys.readouterr().out + caplog.text
    )


@pytest.mark.parametrize(
    "changed", [{"on_problems": "warn"}, {"rules_off": ["date_other_format", "number_unreadable"]}]
)
def test_errors_need_not_fail_the_task(changed: dict[str, Any], faulty: Path) -> None:
    end = run(check_task(file=str(faulty), column_mapping=MAPPING, **changed))

    assert end.state == "success", end.error
    assert end.result["rows"] == 3


def test_lists_of_codes_may_be_templates(faulty: Path) -> None:
    end = run(
        check_task(file=str(faulty), column_mapping=MAPPING, on_problems="warn", accounts=["{{ params.code }}"]),
        params={"code": "2"},
    )

    first = end.result["problems"][0]
    assert (first["code"], first["rows"]) == ("account_unknown", 2)


def test_lists_of_codes_may_be_templates_and_are_checked_once_rendered(faulty: Path) -> None:
    codes = {"{{ params.code }}": ["M1"]}

    end = run(
        check_task(file=str(faulty), column_mapping=MAPPING, accounts=codes, rules_off=None), params={"code": "2"}
    )
    wrong = run(
        check_task(file=str(faulty), column_mapping=MAPPING, accounts="{{ params.codes }}"), params={"codes": 2}
    )

    assert "account_unknown" in {kind["code"] for kind in end.result["problems"]}
    assert "CheckBillFileOperator 'check': accounts is '2': must be a list of codes" in str(wrong.error)


def test_a_list_that_was_rendered_to_text_is_refused_with_a_hint(faulty: Path) -> None:
    end = run(
        check_task(file=str(faulty), column_mapping=MAPPING, accounts="{{ params.codes }}"),
        params={"codes": ["2"]},
    )

    assert "must be a list of codes; a template renders to text: pass a task's .output, or set" in str(end.error)


def test_the_file_and_the_report_can_be_passed_on(faulty: Path, tmp_path: Path) -> None:
    report = str(tmp_path / "report.csv")

    end = run(check_task(file=str(faulty), column_mapping=MAPPING, on_problems="warn", report=report))

    assert (end.xcoms["file"], end.xcoms["report"]) == (str(faulty), report)
    assert "report" not in run(check_task(file=str(faulty), column_mapping=MAPPING, on_problems="warn")).xcoms


def test_a_mapping_may_be_a_model(faulty: Path) -> None:
    mapping = ColumnMapping.model_validate(MAPPING)

    assert run(check_task(file=str(faulty), column_mapping=mapping, on_problems="warn")).result["errors"] == 2


def test_the_result_stays_small_whatever_the_file_holds(tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    header = [*"ABCD", "M" * 9000, *[str(number) * 9000 for number in range(12)]]
    file.write_text(text(["1", "x", "y", "", "", *["z" * 9000] * 12], header=header))
    observations = [
        {"column_index": number, "observation_type_code": "USE", "caption": "c", "unit_code": "kWh"}
        for number in range(6, 18)
    ]

    end = run(
        check_task(file=str(file), column_mapping={**MAPPING, "observations": observations}, on_problems="warn")
    )

    assert end.result["errors"] == 14
    assert len(json.dumps(end.result)) < 16 * 1024


@pytest.mark.parametrize(
    ("make", "arguments", "words"),
    [
        (check_task, {"on_problems": "skip"}, "'fail', 'warn'"),
        (check_task, {"rules_off": ["no_such"]}, "'no_such' is not a rule"),
        (check_task, {"profile_code": "p", "column_mapping": MAPPING}, "must be one of them"),
        (check_task, {"column_mapping": {**MAPPING, "dateFormat": "x"}}, "column_mapping.dateFormat"),
        (check_task, {"column_mapping": {**NAMED, "header": [1]}}, "header is [1]: must be a list of texts"),
        (
            check_task,
            {"column_mapping": {**NAMED, "sample_file": "{{ x }}"}},
            "observations.0.caption is required",
        ),
        (check_task, {"column_mapping": {**NAMES, "account_code": 3}}, "account_code is 3: must be the name"),
        (split_task, {"destination": "d", "rows_per_file": 0}, "rows_per_file is 0"),
        (split_task, {"destination": "d", "profile_code": ""}, "profile_code is ''"),
        (split_task, {"destination": "d", "sort": "False"}, "sort is 'False': must be True or False"),
        (check_task, {"longest_period": "62"}, "longest_period is '62': must be a whole number of at least 1"),
        (check_task, {"most_rows": None}, "most_rows is None: must be a whole number"),
        (check_task, {"most_rows": -1}, "most_rows is -1"),
        (check_task, {"accounts": {"1001": "M1"}}, "accounts['1001'] is 'M1'"),
        (check_task, {"accounts": {"1001": ["M1"]}, "meters": ["M2"]}, "meters is given"),
        (split_task, {"destination": ""}, "destination is '': must name the folder of the parts"),
        (split_task, {"destination": None}, "destination is '': must name the folder of the parts"),
        (split_task, {"destination": "d", "file": None}, "file is '': must name the bill file"),
        (check_task, {"file": " "}, "file is ' ': must name the bill file"),
        (
            check_task,
            {"column_mapping": NYCHA_NAMES},
            "and neither header nor sample_file, in which they are looked up",
        ),
        (
            check_task,
            {"column_mapping": {**NAMES, "end_date": "Service Start Date"}},
            "start_date and end_date both name column 'Service Start Date'",
        ),
        (check_task, {"report": "bills.csv"}, "report is 'bills.csv', where the bill file lies: the report would"),
        (check_task, {"report": "file://HERE/x/../bills.csv"}, "where the bill file lies: the report"),
        (
            check_task,
            {"file": "s3://b/bills.csv", "report": "s3://b/bills.csv"},
            "where the bill file lies: the report",
        ),
        (check_task, {"column_mapping": NAMES, "report": str(NYCHA)}, "where the bill file lies: the report"),
    ],
)
def test_wrong_literals_are_refused_when_the_dag_is_parsed(
    make: Any, arguments: dict[str, Any], words: str
) -> None:
    if "HERE" in str(arguments.get("report")):
        arguments = {**arguments, "report": arguments["report"].replace("HERE", str(Path.cwd()))}
    with pytest.raises(errors.EciValidationError, match="Operator '") as caught:
        make(**{"file": "bills.csv", **arguments})

    assert words in str(caught.value)


def test_a_report_never_replaces_the_bill_file_under_any_name(tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(text(row(charge="x"), line_end="\n"))
    (tmp_path / "newest.csv").symlink_to("bills.csv")

    for report in (file, f"file://{file}", tmp_path / "newest.csv"):
        end = run(
            check_task(file=str(file), column_mapping=MAPPING, report="{{ params.report }}"),
            params={"report": str(report)},
        )

        assert isinstance(end.error, errors.EciValidationError)
        assert "where the bill file lies: the report would replace it" in str(end.error)
    assert file.read_text() == text(row(charge="x"), line_end="\n")
    assert (tmp_path / "newest.csv").is_symlink()


@pytest.mark.parametrize("on_problems", ["fail", "warn"])
def test_the_link_leads_to_the_report_in_every_state_of_the_task(
    on_problems: str, faulty: Path, sandbox: Sandbox, memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(
        monkeypatch, sandbox.url, sandbox.api_key, report_url_template="https://files.example.com/{bucket}/{path}"
    )
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.import_profiles.create("P", MAPPING)
    report = "memory://reports/check.md"
    operator = check_task(file=str(faulty), profile_code="P", report=report, on_problems=on_problems)
    assert [link.name for link in operator.operator_extra_links] == ["Kickout report"]

    end = run(operator)

    assert end.xcoms["report"] == report
    assert end.xcoms["eci_kickout_report_link"] == "https://files.example.com/reports/check.md"


def test_a_report_in_a_folder_has_no_link(faulty: Path, tmp_path: Path) -> None:
    report = str(tmp_path / "report.md")

    end = run(check_task(file=str(faulty), column_mapping=MAPPING, report=report, on_problems="warn"))

    assert end.xcoms["report"] == report
    assert "eci_kickout_report_link" not in end.xcoms


@pytest.mark.parametrize("rendered", ["", "None"])
def test_paths_that_render_to_nothing_are_refused(rendered: str, faulty: Path) -> None:
    params = {"nothing": rendered, "file": str(faulty)}
    ends = [
        run(
            split_task(file=str(faulty), destination="{{ params.nothing }}", column_mapping=MAPPING), params=params
        ),
        run(split_task(file="{{ params.nothing }}", destination="d", column_mapping=MAPPING), params=params),
        run(check_task(file="{{ params.nothing }}", column_mapping=MAPPING), params=params),
    ]

    assert all(end.is_final and "must name the" in str(end.error) for end in ends)
