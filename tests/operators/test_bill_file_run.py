"""A check and a split, run as Airflow runs them, and what becomes of their result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.bills import EciBillFileError
from eci_provider.operators import CreateImportProfileOperator, ImportBillsOperator
from eci_provider.reports.errors import EciReportError
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import (
    HEADER,
    MAPPING,
    NYCHA,
    NYCHA_NAMES,
    check_task,
    damaged_far_down,
    part_name,
    row,
    split_task,
    text,
    workbook,
)
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock

NAMES = {**NYCHA_NAMES, "sample_file": str(NYCHA)}


def test_a_file_whose_columns_have_other_names_is_neither_good_nor_split(tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(NYCHA.read_text().replace("Consumption (KWH),KWH Charges", "KWH Charges,Consumption (KWH)", 1))

    checked = run(check_task(file=str(file), column_mapping=NAMES))
    split = run(split_task(file=str(file), column_mapping=NAMES, destination=f"{tmp_path}/parts"))

    assert [kind["code"] for kind in checked.result["problems"]] == ["column_missing"]
    for end in (checked, split):
        assert isinstance(end.error, EciBillFileError)
    assert "column 10 must be 'Consumption (KWH)' and is 'KWH Charges'" in str(split.error)


def test_a_profile_is_read_from_energycap(sandbox: Sandbox, faulty: Path) -> None:
    run(CreateImportProfileOperator(task_id="create", profile_code="vendor", column_mapping=MAPPING))

    end = run(check_task(file=str(faulty), profile_code="vendor", on_problems="warn"))
    unknown = run(check_task(file=str(faulty), profile_code="vendors"))

    assert end.result["errors"] == 2
    assert unknown.is_final
    assert "Did you mean 'vendor'?" in str(unknown.error)


def test_a_damaged_workbook_has_a_report_and_a_result(tmp_path: Path) -> None:
    file, report = tmp_path / "bills.xlsx", tmp_path / "report.csv"
    rows = [row(account=str(number)) for number in range(10_000, 10_600)]
    file.write_bytes(damaged_far_down(workbook(HEADER, *rows)))

    end = run(check_task(file=str(file), column_mapping=MAPPING, report=str(report)))

    assert isinstance(end.error, EciBillFileError)
    assert end.is_final
    assert [kind["code"] for kind in end.result["problems"]] == ["file_unreadable"]
    assert "it cannot be read as an Excel workbook (Error -3 while decompressing" in report.read_text()


def test_parts_cannot_go_where_a_file_is(faulty: Path) -> None:
    for destination in (faulty, faulty / "parts"):
        end = run(split_task(file=str(faulty), destination=str(destination), column_mapping=MAPPING))

        assert isinstance(end.error, errors.EciValidationError)
        assert "there is a file of that name" in str(end.error)


def test_a_long_file_is_split_and_each_part_imported(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    for number in range(5):
        sandbox.add_account(str(number), ["M1"])
    file = tmp_path / "bills.csv"
    file.write_text(text(*[row(account=str(number)) for number in range(5)]))
    run(CreateImportProfileOperator(task_id="create", profile_code="vendor", column_mapping=MAPPING))
    arguments = {"file": "{{ params.file }}", "destination": f"{tmp_path}/{{{{ params.parts }}}}"}
    params = {"file": str(file), "parts": "parts"}

    end = run(split_task(**arguments, rows_per_file=2, profile_code="vendor"), params=params)
    imports = [
        run(ImportBillsOperator(task_id="import", file=part, profile_code="vendor"), instance={"map_index": index})
        for index, part in enumerate(end.result)
    ]

    assert end.result == [f"{tmp_path}/parts/{part_name(file, number)}" for number in (1, 2, 3)]
    assert [done.result["imported"] for done in imports] == [2, 2, 1]
    assert sorted(bill["account"] for bill in sandbox.bills()) == ["0", "1", "2", "3", "4"]


def test_files_of_one_name_are_split_into_one_folder_and_each_bill_is_imported_once(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    run(CreateImportProfileOperator(task_id="create", profile_code="vendor", column_mapping=MAPPING))
    cities = ["north", "south"]
    for city in cities:
        sandbox.add_account(city, ["M1"])
        (tmp_path / city).mkdir()
        (tmp_path / city / "bills.csv").write_text(text(row(account=city)))

    parts = [
        part
        for index, city in enumerate(cities)
        for part in run(
            split_task(
                file=f"{tmp_path}/{city}/bills.csv", destination=f"{tmp_path}/parts", profile_code="vendor"
            ),
            instance={"map_index": index},
        ).result
    ]
    for index, part in enumerate(parts):
        run(ImportBillsOperator(task_id="import", file=part, profile_code="vendor"), instance={"map_index": index})

    assert [bill["account"] for bill in sandbox.bills()] == cities


def test_sorting_brings_a_torn_bill_together(tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(text(row(account="1"), row(account="2"), row(account="1", meter="M2")))
    before = run(check_task(file=str(file), column_mapping=MAPPING))

    parts = run(
        split_task(file=str(file), destination=f"{tmp_path}/parts", sort=True, column_mapping=MAPPING)
    ).result
    after = run(check_task(file=parts[0], column_mapping=MAPPING))

    assert [kind["code"] for kind in before.result["problems"]] == ["bill_torn", "out_of_order"]
    assert (after.result["errors"], after.result["warnings"], after.result["bills"]) == (0, 0, 2)


def test_warnings_fail_the_task_by_the_rules_that_are_named() -> None:
    task = check_task(file=str(NYCHA), column_mapping=NAMES, fail_on=["period_overlap"], min_bills="{{ 7 * 7 }}")

    end = run(task)

    assert end.state == "failed"
    assert (end.result["errors"], end.result["warnings"]) == (2, 5)
    assert [kind["code"] for kind in end.result["problems"][:2]] == ["period_overlap", "too_few_bills"]


def test_warnings_never_fail_the_task() -> None:
    end = run(check_task(file="{{ params.file }}", column_mapping=NAMES), params={"file": str(NYCHA)})

    assert end.state == "success", end.error
    assert (end.result["rows"], end.result["warnings"]) == (59, 6)


@pytest.mark.parametrize("on_problems", ["fail", "warn"])
@pytest.mark.parametrize("name", ["plain/report.csv", "report.csv"])
def test_the_result_is_kept_if_the_report_cannot_be_written(
    name: str, on_problems: str, faulty: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    # A file where a folder should be, and a folder where the file should be.
    (tmp_path / "plain").write_text("")
    (tmp_path / "report.csv").mkdir()

    end = run(
        check_task(file=str(faulty), column_mapping=MAPPING, report=str(tmp_path / name), on_problems=on_problems)
    )

    assert isinstance(end.error, EciBillFileError if on_problems == "fail" else EciReportError)
    assert {key: end.result[key] for key in ("rows", "bills", "errors", "warnings", "report")} == {
        "rows": 3,
        "bills": 3,
        "errors": 2,
        "warnings": 0,
        "report": None,
    }
    log = caplog.text + capfd.readouterr().out
    assert "was not written: Report" in log
    assert "First: bills.csv, row 4, column 'End': error date_other_format" in log
