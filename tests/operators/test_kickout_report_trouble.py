"""`kickout_report=` in trouble: what is known of the import is never lost, and no report is empty by mistake."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from eci_provider.api import EciClient, errors
from eci_provider.operators import ImportBillsOperator, KickoutReportOperator
from eci_provider.reports import EciReportError
from eci_provider.sandbox import Sandbox
from tests.support.run_task import Tries, run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import ADVANCED, bill_file

KICKOUTS = "/api/v202401/import/bill/task/*"
HEADER = ["File", "Row", "Column", "Message"]


def _import(file: Any, **arguments: Any) -> ImportBillsOperator:
    return ImportBillsOperator(task_id="import_bills", file=file, **arguments)


def _read(report: Path) -> list[list[str]]:
    with report.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def _posts(sandbox: Sandbox) -> int:
    return len([request for request in sandbox.requests if request.method == "POST"])


def _zip(path: Path, *accounts: str) -> Path:
    """Write a ZIP of files with a bill each: 1.csv, 2.csv and so on."""
    with zipfile.ZipFile(path, "w") as packed:
        for number, account in enumerate(accounts, start=1):
            packed.writestr(f"{number}.csv", f"{ADVANCED}{account},20260101,20260131,C,,100.00\n")
    return path


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """Return where no report can be written while a file stands where its folder should be."""
    (tmp_path / "blocked").write_text("a file where a folder should be")
    return tmp_path / "blocked" / "kickouts.csv"


# EnergyCAP knows no kickouts


@pytest.mark.parametrize("deferrable", [False, True])
def test_after_kickouts_a_404_is_trouble_and_no_report_without_rows(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.fault("GET", KICKOUTS, times=50, status=404)
    report = tmp_path / "kickouts.csv"

    end = run(
        _import(
            str(bill_file(tmp_path, "A-1", "A-2")),
            kickout_report=str(report),
            on_kickouts="warn",
            deferrable=deferrable,
        )
    )

    assert isinstance(end.error, EciReportError)
    assert isinstance(end.error.__cause__, errors.EciNotFoundError)
    assert not report.exists()
    assert (end.result["outcome"], end.result["imported"]) == ("completed_with_kickouts", 1)
    assert end.result["kickout_report"] is None
    assert "404" in end.result["kickout_report_error"]


def test_without_kickouts_a_404_is_a_report_without_rows(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    sandbox.fault("GET", KICKOUTS, times=50, status=404)

    end = run(_import(str(bill_file(tmp_path, "A-1")), kickout_report=str(tmp_path / "kickouts.csv")))

    assert end.state == "success", end.error
    assert _read(tmp_path / "kickouts.csv") == [HEADER]
    assert "kickout_report_error" not in end.result


@pytest.mark.parametrize("status", ["Completed with kickouts", "Something new"])
def test_a_report_by_itself_finds_out_whether_there_may_be_none(
    status: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.settings.statuses = {**sandbox.settings.statuses, "kickouts": status}
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, "A-2"))
    sandbox.fault("GET", KICKOUTS, times=50, status=404)

    end = run(KickoutReportOperator(task_id="report", task_guid=guid, path=str(tmp_path / "kickouts.csv")))

    assert isinstance(end.error, errors.EciNotFoundError)
    assert not (tmp_path / "kickouts.csv").exists()


def test_no_rows_after_kickouts_are_not_called_none(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.fault("GET", f"{KICKOUTS}/summary", times=50, status=200, body={})
    sandbox.fault("GET", f"{KICKOUTS}/detail", times=50, status=200, body={})

    run(_import(str(bill_file(tmp_path, "A-2")), kickout_report=str(tmp_path / "kickouts.csv")))

    said = capsys.readouterr().out + caplog.text
    assert "EnergyCAP returned no kickout rows of import" in said
    assert "has no kickouts" not in said


# A report that cannot be written


def test_the_error_says_what_became_of_the_import_and_a_clear_writes_the_report(
    sandbox: Sandbox, turned_clock: TurnedClock, blocked: Path, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    file = str(bill_file(tmp_path, "A-1", "A-2"))
    tries = Tries(lambda: _import(file, kickout_report=str(blocked), on_kickouts="warn"))

    first = tries.run()

    assert isinstance(first.error, EciReportError)
    assert first.error.path == str(blocked)
    said = str(first.error)
    assert f"Import {first.result['task_guid']} ended as 'Completed with kickouts': 1 bills imported" in said
    assert "Not a directory" in said or "File exists" in said
    assert "A retry or a clear of this task sends nothing again and writes the report" in said
    assert first.result["kickout_report_error"] in said

    blocked.parent.unlink()
    tries.clear()
    second = tries.run()

    assert second.state == "success", second.error
    assert [row[4] for row in _read(blocked)[1:]] == ["A-2"]
    assert "kickout_report_error" not in second.result
    assert _posts(sandbox) == 1


def test_where_a_retry_would_import_again_there_is_none(sandbox: Sandbox, blocked: Path, tmp_path: Path) -> None:
    sandbox.add_account("A-1")

    end = run(_import(str(bill_file(tmp_path, "A-1")), kickout_report=str(blocked), reattach=False))

    assert isinstance(end.error, EciReportError)
    assert end.is_final
    assert f"KickoutReportOperator with task_guid={end.result['task_guid']!r}" in str(end.error)
    assert "sends nothing again" not in str(end.error)


@pytest.mark.parametrize(("on_kickouts", "state"), [("fail", "failed"), ("skip", "skipped")])
def test_where_kickouts_weigh_more_the_result_says_why_there_is_no_report(
    on_kickouts: str, state: str, sandbox: Sandbox, blocked: Path, tmp_path: Path
) -> None:
    end = run(_import(str(bill_file(tmp_path, "A-2")), kickout_report=str(blocked), on_kickouts=on_kickouts))

    assert end.state == state
    assert not isinstance(end.error, EciReportError)
    assert end.result["kickout_report"] is None
    assert end.result["kickout_report_error"].startswith("it could not be written (")


# Names that cannot be found


@pytest.fixture
def store(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> MemoryFileSystem:
    """Attach a store at memory:// whose client raises errors of its own once anything was sent to EnergyCAP."""
    try:
        from airflow.sdk.io.store import attach
    except ImportError:
        from airflow.io.store import attach
    attach("memory", fs=MemoryFileSystem())
    open_whole = MemoryFileSystem._open

    def opened(self: MemoryFileSystem, *arguments: Any, **more: Any) -> Any:
        if _posts(sandbox):
            raise RuntimeError("a store's client has errors of its own")
        return open_whole(self, *arguments, **more)

    monkeypatch.setattr(MemoryFileSystem, "_open", opened)
    return MemoryFileSystem()


def test_a_stores_own_errors_cost_only_the_names(
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    store: MemoryFileSystem,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # After a deferral another process has to open the file for its names.
    sandbox.settings.delay = 60
    store.pipe_file("/closing/bills.zip", _zip(tmp_path / "bills.zip", "A-2", "A-3").read_bytes())

    end = run(
        _import(
            "memory://closing/bills.zip",
            kickout_report=str(tmp_path / "kickouts.csv"),
            on_kickouts="warn",
            deferrable=True,
        )
    )

    assert end.state == "success", end.error
    assert [row[0] for row in _read(tmp_path / "kickouts.csv")[1:]] == ["bills.zip", "bills.zip"]
    said = capsys.readouterr().out + caplog.text
    assert "does not tell rows apart by file" in said
    assert "a store's client has errors of its own" in said


@pytest.mark.parametrize("file", ["nosuchstore://closing/bills.zip", "memory://closing/bills.zip"])
def test_a_zip_that_cannot_be_found_any_more_costs_only_the_names(
    file: str, sandbox: Sandbox, store: MemoryFileSystem, tmp_path: Path
) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(_zip(tmp_path / "bills.zip", "A-2", "A-3"))

    end = run(KickoutReportOperator(task_id="report", task_guid=guid, path=str(tmp_path / "k.md"), file=file))

    assert end.state == "success", end.error
    assert end.result["files"] == [{"file": "bills.zip", "rows": 2}]
