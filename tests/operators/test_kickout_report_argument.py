"""`kickout_report=`: an operator that imports leaves a report of what was kicked out."""

from __future__ import annotations

import csv
import logging
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.links import KickoutReportLink
from eci_provider.operators import ImportBillsOperator, KickoutReportOperator, RetryKickoutsOperator
from eci_provider.reports import EciReportError
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import archive, workbook
from tests.support.run_task import Tries, run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import ADVANCED, bill_file

GUID = "123e4567-e89b-12d3-a456-426614174000"
UNKNOWN = "Account code 'A-2' was not found."


def _import(file: Path, **arguments: Any) -> ImportBillsOperator:
    return ImportBillsOperator(task_id="import_bills", file=file, **arguments)


def _rows(report: Path) -> list[dict[str, str]]:
    with report.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("on_kickouts", ["fail", "warn", "skip"])
def test_the_report_is_written_whatever_kickouts_make_of_the_task(
    on_kickouts: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.delay = 60
    report = tmp_path / "new" / "kickouts {{ run_id }}.csv"
    written = tmp_path / "new" / "kickouts run.csv"

    end = run(
        _import(
            bill_file(tmp_path, "A-1", "A-2"),
            kickout_report=str(report),
            on_kickouts=on_kickouts,
            deferrable=deferrable,
        )
    )

    assert end.state == {"fail": "failed", "warn": "success", "skip": "skipped"}[on_kickouts], end.error
    assert end.result["kickout_report"] == str(written)
    (row,) = _rows(written)
    assert (row["File"], row["Message"], row["ACCOUNT"], row["COST:USD:Total"]) == (
        "bills.csv",
        UNKNOWN,
        "A-2",
        "100.00",
    )
    assert end.xcoms["kickout_report"] == str(written)
    assert "eci_kickout_report_link" not in end.xcoms
    if on_kickouts == "fail":
        assert str(written) in str(end.error)


def test_an_import_without_kickouts_replaces_an_old_report_by_one_without_rows(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    report = tmp_path / "kickouts.csv"
    report.write_text("last month's")

    end = run(_import(bill_file(tmp_path, "A-1"), kickout_report=report))

    assert end.state == "success", end.error
    assert end.result["kickout_report"] == str(report)
    assert "last month" not in report.read_text()
    assert _rows(report) == []


def test_rows_of_a_zip_are_told_by_file(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    archive = tmp_path / "bills.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name, account in (("north.csv", "A-2"), ("south.csv", "A-1"), ("west.csv", "A-3")):
            packed.writestr(name, f"{ADVANCED}{account},20260101,20260131,C,,100.00\n")

    run(_import(archive, kickout_report=tmp_path / "kickouts.csv", on_kickouts="warn"))

    rows = _rows(tmp_path / "kickouts.csv")
    assert [(row["File"], row["ACCOUNT"]) for row in rows] == [("north.csv", "A-2"), ("west.csv", "A-3")]


def _zip(path: Path, *accounts: str) -> Path:
    """Write a ZIP of files with a bill each: 1.csv, 2.csv and so on."""
    with zipfile.ZipFile(path, "w") as packed:
        for number, account in enumerate(accounts, start=1):
            packed.writestr(f"{number}.csv", f"{ADVANCED}{account},20260101,20260131,C,,100.00\n")
    return path


def test_the_name_that_energycap_is_told_says_whether_it_is_a_zip(sandbox: Sandbox, tmp_path: Path) -> None:
    blob = _zip(tmp_path / "blob", "A-2", "A-3")

    run(_import(blob, file_name="b.zip", kickout_report=tmp_path / "kickouts.csv", on_kickouts="warn"))

    assert [row["File"] for row in _rows(tmp_path / "kickouts.csv")] == ["1.csv", "2.csv"]


def test_a_retry_of_a_zips_kickouts_is_told_by_file_where_the_names_are_given(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    kicked = run(_import(_zip(tmp_path / "bills.zip", "A-1", "A-2", "A-3"), on_kickouts="warn")).result
    sandbox.add_account("A-1")

    end = run(
        RetryKickoutsOperator(
            task_id="retry",
            task_guid=kicked["task_guid"],
            max_rounds=2,
            file_names=["1.csv", "{{ params.second }}", "3.csv"],
            kickout_report=tmp_path / "kickouts.csv",
            on_kickouts="warn",
        ),
        params={"second": "2.csv"},
    )

    assert len(end.result["rounds"]) == 2
    rows = _rows(tmp_path / "kickouts.csv")
    assert [(row["File"], row["ACCOUNT"]) for row in rows] == [("2.csv", "A-2"), ("3.csv", "A-3")]


def test_a_retry_loses_no_row_of_a_workbook_whose_kickouts_are_a_text_file_then(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    names = ADVANCED.strip().split(",")
    book = workbook(names, *([account, "20260101", "20260131", "C", "", "1"] for account in ("A-2", "A-3")))
    (tmp_path / "bills.zip").write_bytes(
        archive([("1.csv", f"{ADVANCED}A-1,20260101,20260131,C,,1\n".encode()), ("2.xlsx", book)])
    )
    kicked = run(_import(tmp_path / "bills.zip", on_kickouts="warn")).result

    run(
        RetryKickoutsOperator(
            task_id="retry",
            task_guid=kicked["task_guid"],
            file_names=["1.csv", "2.xlsx"],
            kickout_report=tmp_path / "kickouts.csv",
            on_kickouts="warn",
        )
    )

    rows = _rows(tmp_path / "kickouts.csv")
    assert sorted(row["ACCOUNT"] for row in rows) == ["A-1", "A-2", "A-3"]


def test_rounds_leave_the_report_of_the_last_one(sandbox: Sandbox, tmp_path: Path) -> None:
    kicked = run(_import(bill_file(tmp_path, "A-1", "A-2"), on_kickouts="warn")).result
    sandbox.add_account("A-1")

    end = run(
        RetryKickoutsOperator(
            task_id="retry",
            task_guid=kicked["task_guid"],
            max_rounds=3,
            on_kickouts="warn",
            kickout_report=tmp_path / "kickouts.csv",
        )
    )

    assert [short["kickouts"] for short in end.result["rounds"]] == [1, 1]
    assert [row["ACCOUNT"] for row in _rows(tmp_path / "kickouts.csv")] == ["A-2"]


def test_a_report_that_cannot_be_written_loses_nothing_and_a_retry_writes_it(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    file = bill_file(tmp_path, "A-1", "A-2")
    tries = Tries(lambda: _import(file, kickout_report=blocked / "kickouts.csv", on_kickouts="warn"))

    first = tries.run()

    assert isinstance(first.error, EciReportError)
    assert not first.is_final
    assert (first.result["imported"], first.result["kickouts"], first.result["kickout_report"]) == (1, 1, None)

    blocked.unlink()
    second = tries.run()

    assert second.state == "success", second.error
    assert second.result["task_guid"] == first.result["task_guid"]
    assert len(_rows(blocked / "kickouts.csv")) == 1
    assert len([request for request in sandbox.requests if request.method == "POST"]) == 1


def test_kickouts_weigh_more_than_a_report_that_cannot_be_written(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")

    end = run(_import(bill_file(tmp_path, "A-1"), kickout_report=tmp_path / "blocked" / "kickouts.csv"))

    assert isinstance(end.error, errors.EciKickoutsError)
    assert f"Its kickout report was not written: {end.result['kickout_report_error']}" in end.error.message
    assert end.result["kickout_report"] is None


@pytest.mark.parametrize("rendered", ["", "None"])
def test_a_template_that_renders_to_nothing_asks_for_no_report(
    rendered: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")

    end = run(
        _import(bill_file(tmp_path, "A-1"), kickout_report="{{ params.report }}"), params={"report": rendered}
    )

    assert end.state == "success", end.error
    assert "kickout_report" not in end.result


@pytest.mark.parametrize("path", ["kickouts.pdf", "kickouts", "folder/"])
def test_a_path_that_cannot_be_a_report_is_refused_before_anything_is_sent(
    path: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    file = bill_file(tmp_path, "A-1")
    with pytest.raises(errors.EciValidationError, match="kickout_report is"):
        _import(file, kickout_report=path)

    end = run(_import(file, kickout_report="{{ params.report }}"), params={"report": path})

    assert isinstance(end.error, errors.EciValidationError)
    assert [request for request in sandbox.requests if request.method == "POST"] == []


def test_a_report_that_nothing_waits_for_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    file, said = bill_file(tmp_path, "A-1"), "wait_for_completion is False, and kickout_report is 'kickouts.csv'"
    with pytest.raises(errors.EciValidationError, match=said):
        _import(file, kickout_report="kickouts.csv", wait_for_completion=False)
    with pytest.raises(errors.EciValidationError, match=said):
        RetryKickoutsOperator(
            task_id="retry", task_guid=GUID, kickout_report="kickouts.csv", wait_for_completion=False
        )

    task = _import(file, kickout_report="{{ params.report }}", wait_for_completion=False)
    end = run(task, params={"report": "kickouts.csv"})

    assert isinstance(end.error, errors.EciValidationError)
    assert [request for request in sandbox.requests if request.method == "POST"] == []

    none = _import(file, kickout_report="{{ params.report }}", wait_for_completion=False)
    assert run(none, params={"report": ""}).state == "success"


def test_names_that_are_none_are_refused_before_anything_is_sent(sandbox: Sandbox) -> None:
    with pytest.raises(errors.EciValidationError, match=r"file_names is 'a\.csv'"):
        RetryKickoutsOperator(task_id="retry", task_guid=GUID, file_names="a.csv")  # type: ignore[arg-type]

    task = RetryKickoutsOperator(task_id="retry", task_guid=GUID, file_names="{{ params.names }}")  # type: ignore[arg-type]
    end = run(task, params={"names": "a.csv"})

    assert isinstance(end.error, errors.EciValidationError)
    assert [request for request in sandbox.requests if request.method == "POST"] == []


def test_a_path_is_kept_as_text_which_every_airflow_renders(sandbox: Sandbox, tmp_path: Path) -> None:
    archive_path, report = _zip(tmp_path / "bills.zip", "A-2"), tmp_path / "kickouts.csv"
    imports = _import(archive_path, kickout_report=report, on_kickouts="warn")
    kicked = run(imports).result
    reports = KickoutReportOperator(
        task_id="report", task_guid=kicked["task_guid"], path=tmp_path / "again.csv", file=archive_path
    )

    end = run(reports)

    assert end.state == "success", end.error
    assert (imports.file, imports.kickout_report) == (str(archive_path), str(report))
    assert (reports.file, reports.path) == (str(archive_path), str(tmp_path / "again.csv"))
    assert end.result["files"] == [{"file": "1.csv", "rows": 1}]


def test_importing_operators_have_the_link(tmp_path: Path) -> None:
    for task in (
        _import(bill_file(tmp_path, "A-1")),
        RetryKickoutsOperator(task_id="retry", task_guid="{{ guid }}"),
    ):
        assert any(isinstance(link, KickoutReportLink) for link in task.operator_extra_links)


def test_a_report_in_the_bill_files_place_is_refused_when_the_dag_is_parsed(tmp_path: Path) -> None:
    said = r"ImportBillsOperator 'import_bills': kickout_report is '.*bills\.csv', where the bill file lies"
    with pytest.raises(errors.EciValidationError, match=said):
        _import(bill_file(tmp_path, "A-1"), kickout_report=f"file://{tmp_path}/bills.csv")


def test_a_report_that_is_rendered_to_the_bill_files_place_is_refused_before_anything_is_sent(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    bills = bill_file(tmp_path, "A-1")
    (tmp_path / "link.csv").symlink_to(bills)
    before = bills.read_bytes()

    end = run(_import(bills, kickout_report=f"{tmp_path}/{{{{ params.name }}}}.csv"), params={"name": "link"})

    assert isinstance(end.error, errors.EciValidationError)
    assert "where the bill file lies: the report would replace it" in str(end.error)
    assert end.is_final
    assert sandbox.requests == []
    assert bills.read_bytes() == before


def test_a_signature_in_a_path_shows_neither_in_the_log_nor_in_the_error(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    bills = bill_file(tmp_path, "A-2").rename(tmp_path / "bills?sig=secret1&x.csv")
    report = tmp_path / "kickouts?sig=secret2&x.csv"

    end = run(_import(bills, file_name="bills.csv", kickout_report=report))

    assert isinstance(end.error, errors.EciKickoutsError)
    assert end.result["kickout_report"] == str(report)
    told = capsys.readouterr().out + caplog.text + str(end.error)
    assert re.search(r"EnergyCAP took file \S*bills\?sig=\*\*\*&x\.csv as import", told)
    assert "1 rows kicked out, see" in told
    assert told.count("kickouts?sig=***&x.csv") >= 2
    assert "secret" not in told


@pytest.mark.parametrize("on_kickouts", ["fail", "warn", "skip"])
def test_the_reasons_are_said_once_though_a_report_is_written(
    on_kickouts: str, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    report = tmp_path / "kickouts.csv"

    end = run(_import(bill_file(tmp_path, "A-2"), on_kickouts=on_kickouts, kickout_report=report))

    said = "\n".join([record.getMessage() for record in caplog.records] + ([str(end.error)] if end.error else []))
    assert said.count("Account code 'A-2' was not found.") == 1
    assert str(report) in said
