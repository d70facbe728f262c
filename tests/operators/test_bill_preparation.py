"""PrepareBillFileOperator: what it writes, what it reports, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import EciBillFileError
from eci_provider.operators import ImportBillsOperator, PrepareBillFileOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import Finished, run

RECIPE: dict[str, Any] = {
    "source": {"delimiter": ";"},
    "dates": "dd.mm.yyyy",
    "numbers": {"decimal": ","},
    "account_code": "Account",
    "start_date": "From",
    "end_date": "To",
    "leave_out": {"column": "Account", "equals": "Total"},
    "amounts": {"COST:USD:Gas": "Charges"},
}
VENDOR = "Account;From;To;Charges\nA-1;01.01.2026;31.01.2026;12,50\n"


def _prepare(folder: Path, text: str = VENDOR, **arguments: Any) -> Finished:
    (folder / "vendor.csv").write_text(text)
    arguments = {"recipe": RECIPE, "report": str(folder / "report.csv"), **arguments}
    target = str(folder / "bills.csv")
    return run(PrepareBillFileOperator(task_id="prepare", file=str(folder / "vendor.csv"), to=target, **arguments))


def test_the_prepared_file_is_imported(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")

    prepared = _prepare(tmp_path, VENDOR + "Total;;;12,50\n")
    imported = run(ImportBillsOperator(task_id="import_bills", file=prepared.xcoms["file"]))

    assert (imported.state, imported.result["imported"]) == ("success", 1)
    assert prepared.result == {
        "source": str(tmp_path / "vendor.csv"),
        "file": str(tmp_path / "bills.csv"),
        "rows_in": 2,
        "rows_out": 1,
        "rows_left_out": 1,
        "rows_written": 1,
        "bills": 1,
        "first_day": "2026-01-01",
        "last_day": "2026-01-31",
        "money_in": "12.50",
        "money_out": "12.50",
        "sums": {"COST:USD:Gas": {"read": "12.50", "written": "12.50", "rounding": "0.00", "left_out": "12.50"}},
        "reasons": {"left_out": 1},
        "left_out": [
            {"row": 3, "code": "left_out", "column": None, "reason": "its column 'Account' equals 'Total'"}
        ],
        "unused_columns": [],
        "report": str(tmp_path / "report.csv"),
    }


def test_the_report_has_each_row_that_is_left_out_also_if_the_task_fails(tmp_path: Path) -> None:
    failed = _prepare(tmp_path, VENDOR + "A-2;01.01.2026;never;=1+1\n")

    assert failed.state == "failed"
    assert isinstance(failed.error, Exception)
    assert "row 3, column 'Charges'" in str(failed.error)
    assert not (tmp_path / "bills.csv").exists()
    (row,) = csv.DictReader((tmp_path / "report.csv").open(newline=""))
    assert (row["Row"], row["Column"], row["Account"], row["Charges"]) == ("3", "Charges", "A-2", "'=1+1")
    assert row["Message"] == "error number_unreadable: '=1+1' is not a number."


def test_unreadable_rows_may_be_left_out(tmp_path: Path) -> None:
    done = _prepare(
        tmp_path, VENDOR + "A-2;01.01.2026;never;1,00\n", recipe={**RECIPE, "unreadable_rows": "leave_out"}
    )

    assert done.state == "success"
    assert done.result["reasons"] == {"date_unreadable": 1}
    assert done.result["sums"]["COST:USD:Gas"]["left_out"] == "1.00"


def test_the_result_fits_into_xcom_whatever_the_file_has(tmp_path: Path) -> None:
    amounts = {f"COST:USD:{'x' * 25}{number}": "Charges" for number in range(500)}
    wide = VENDOR.replace("Charges", "Charges;" + ";".join("é" * 500 + str(number) for number in range(300)))
    rows = "".join(f"{'é' * 5000}{number};01.01.2026;{'é' * 500};1,00\n" for number in range(30))

    done = _prepare(tmp_path, wide + rows, recipe={**RECIPE, "amounts": amounts, "unreadable_rows": "leave_out"})

    assert done.state == "success"
    assert len(json.dumps(done.result)) < 16 * 1024


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"to": "bills.xlsx"}, "its name must end in .csv, .dat, .txt"),
        ({"to": "vendor.csv"}, "must not be the file that is prepared"),
        ({"report": "bills.csv"}, "the report would replace it"),
        ({"recipe": {**RECIPE, "date": "iso"}}, "date is not a field"),
        ({"recipe": {**RECIPE, "dates": "mm/dd"}}, "names no year"),
        ({"recipe": "recipe.txt"}, "must end in .json, .yaml or .yml"),
    ],
)
def test_wrong_arguments_are_refused_when_the_dag_is_parsed(arguments: dict[str, Any], problem: str) -> None:
    given: dict[str, Any] = {"file": "vendor.csv", "to": "bills.csv", "recipe": RECIPE, **arguments}

    with pytest.raises(EciValidationError, match=problem):
        PrepareBillFileOperator(task_id="prepare", **given)


def test_templates_inside_a_recipe_are_rendered_before_it_is_checked(tmp_path: Path) -> None:
    recipe = {**RECIPE, "account_code": {"constant": "{{ '0042' }}"}}
    (tmp_path / "vendor.csv").write_text(VENDOR)
    task = PrepareBillFileOperator(
        task_id="prepare",
        file=str(tmp_path / "vendor.csv"),
        to=str(tmp_path / "bills.csv"),
        recipe=recipe,
    )

    assert run(task).state == "success"
    assert "\n0042,20260101," in (tmp_path / "bills.csv").read_text()


def test_a_file_that_is_missing_fails_the_task_for_good(tmp_path: Path) -> None:
    task = PrepareBillFileOperator(task_id="prepare", file="none.csv", to=str(tmp_path / "b.csv"), recipe=RECIPE)

    failed = run(task)

    assert failed.state == "failed"
    assert isinstance(failed.error, EciBillFileError)
    assert isinstance(failed.error, AirflowFailException)
    assert "there is no such file" in str(failed.error)
