"""Conclude an import that has ended: what goes wrong then hides neither the import nor what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, AirflowTaskTimeout

from eci_provider.api import EciClient, errors
from eci_provider.operators import ImportBillsOperator
from eci_provider.outcome import conclusion
from eci_provider.outcome.result import KickoutDigest
from eci_provider.reports.errors import EciReportError
from eci_provider.reports.kickouts import KickoutReportWriter
from eci_provider.runtime.context import RETURN_VALUE
from eci_provider.sandbox import Sandbox
from tests.support.run_task import TaskInstanceDouble, Tries, run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

TIME_OUT = "Timeout, PID: 7"


def _submits(sandbox: Sandbox) -> int:
    return len([request for request in sandbox.requests if request.path == "/api/v3/import/bill"])


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize(("step", "imported"), [("kickouts", None), ("report", 1)])
def test_an_execution_timeout_names_the_import_and_a_retry_concludes_it(
    step: str,
    imported: int | None,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.delay = 60
    is_over = [True]
    digest = conclusion.kickout_digest

    def slow_digest(*arguments: Any) -> KickoutDigest:
        if is_over[0] and step == "kickouts":
            raise AirflowTaskTimeout(TIME_OUT)
        return digest(*arguments)

    add_report = KickoutReportWriter.add_report

    def slow_report(*arguments: Any, **named: Any) -> Any:
        if is_over[0] and step == "report":
            raise AirflowTaskTimeout(TIME_OUT)
        return add_report(*arguments, **named)

    monkeypatch.setattr(conclusion, "kickout_digest", slow_digest)
    monkeypatch.setattr(KickoutReportWriter, "add_report", slow_report)
    path, report = bill_file(tmp_path, "A-1", "A-2"), tmp_path / "kickouts.csv"
    tries = Tries(
        lambda: ImportBillsOperator(
            task_id="import_bills",
            file=str(path),
            on_kickouts="warn",
            deferrable=deferrable,
            kickout_report=str(report),
        )
    )
    cut = tries.run()

    assert isinstance(cut.error, errors.EciWaitTimeoutError)
    assert (cut.error.ended_by, cut.is_final) == ("execution_timeout", False)
    guid = cut.xcoms["task_guid"]
    assert f"Import {guid} has ended as 'Completed with kickouts'" in cut.error.message
    facts = ("task_guid", "outcome", "imported")
    assert [cut.result[name] for name in facts] == [guid, "completed_with_kickouts", imported]

    is_over[0] = False
    end = tries.run()

    assert end.state == "success", end.error
    assert [end.result[name] for name in facts] == [guid, "completed_with_kickouts", 1]
    assert report.exists()
    assert _submits(sandbox) == 1


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("skip", [0, 1])
def test_a_batch_that_a_kill_may_have_voided_is_read_again_after_a_404(
    skip: int, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.fault("GET", "/api/v3/batch/*", skip=skip, status=404)
    task = ImportBillsOperator(
        task_id="import_bills",
        file=str(bill_file(tmp_path, "A-1")),
        on_kill="void_batch",
        deferrable=deferrable,
    )

    end = run(task)

    assert end.state == "success", end.error
    assert (end.result["imported"], end.result["batch_status"]) == (1, "open")


@pytest.mark.parametrize(("status", "is_final"), [(403, True), (503, False), (404, False)])
def test_a_batch_that_a_kill_may_have_voided_and_that_cannot_be_read_hides_no_result(
    status: int, is_final: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    path = bill_file(tmp_path, "A-1")
    tries = Tries(lambda: ImportBillsOperator(task_id="import_bills", file=str(path), on_kill="void_batch"))
    sandbox.fault("GET", "/api/v3/batch/*", times=None, status=status)
    sandbox.fault("GET", "/api/v3/batch", times=None, status=200, body=[])
    end = tries.run()

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert end.is_final is is_final
    assert f"Import {end.result['task_guid']} ended as 'Completed'" in end.error.message
    assert "it cannot be read whether a kill has voided its batch (on_kill='void_batch')" in end.error.message

    sandbox.clear_faults()
    assert tries.run().state == "success"
    assert _submits(sandbox) == 1


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize(
    ("on_kickouts", "ends_as"), [("fail", errors.EciKickoutsError), ("skip", AirflowSkipException)]
)
def test_a_result_that_cannot_be_pushed_hides_no_kickouts(
    on_kickouts: str,
    ends_as: type[Exception],
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.delay = 60
    path = bill_file(tmp_path, "A-1", "A-2")
    _refuse_results(monkeypatch)

    end = run(
        ImportBillsOperator(task_id="import_bills", file=str(path), on_kickouts=on_kickouts, deferrable=deferrable)
    )

    assert isinstance(end.error, ends_as), end.error
    assert "1 rows kicked out" in str(end.error)
    assert end.is_final is (on_kickouts == "fail")
    told = [record for record in caplog.records if "cannot be pushed to XCom (API server: 500)" in record.message]
    assert [record.levelname for record in told] == ["WARNING"]


def test_a_result_that_cannot_be_pushed_hides_no_missing_report(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.add_account("A-1")
    path, report = bill_file(tmp_path, "A-1"), tmp_path / "bills.csv" / "kickouts.csv"
    _refuse_results(monkeypatch)

    end = run(ImportBillsOperator(task_id="import_bills", file=str(path), kickout_report=str(report)))

    assert isinstance(end.error, EciReportError), end.error


def _refuse_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Airflow refuse to keep a result, and nothing else."""
    push = TaskInstanceDouble.xcom_push

    def refused(self: TaskInstanceDouble, key: str, value: Any, **others: Any) -> None:
        if key == RETURN_VALUE:
            raise RuntimeError("API server: 500")
        push(self, key, value, **others)

    monkeypatch.setattr(TaskInstanceDouble, "xcom_push", refused)


def test_a_resume_without_a_connection_names_the_import(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.add_account("A-1")
    path = bill_file(tmp_path, "A-1")
    guid = run(ImportBillsOperator(task_id="import_bills", file=str(path))).result["task_guid"]
    with EciClient(sandbox.url, sandbox.api_key) as client:
        found = client.tasks.get(guid).documented()
    task = ImportBillsOperator(task_id="import_bills", file=str(path), deferrable=True)
    context: dict[str, Any] = {"ti": TaskInstanceDouble(task), "task": task}
    event = {"status": "found", "found": found, "task_guid": guid}
    monkeypatch.delenv("AIRFLOW_CONN_ECI_DEFAULT")

    with pytest.raises(errors.EciUnknownOutcomeError, match=f"import {guid}.*'eci_default'") as caught:
        task.resume_execution("execute_complete", {"event": event}, context)
    assert caught.value.retry_helps
