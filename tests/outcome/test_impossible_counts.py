"""Counts of EnergyCAP that cannot be are not known, and decide nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.operators import ImportBillsOperator, OpenBatchOperator
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciBatchSensor, EciTaskSensor
from tests.conftest import TurnedClock
from tests.support.run_task import Finished, run
from tests.support.waiting_tasks import bill_file

MODES = pytest.mark.parametrize("deferrable", [False, True])
COUNTS = ("currentSuccessCount", "unresolvedFlagCount", "analyzingCount")


def waited_for(sandbox: Sandbox, folder: Path, task: dict[str, Any], **arguments: Any) -> Finished:
    """Wait for an import whose task has these fields."""
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(folder, "A-1"))
    ended = {"taskGUId": guid, "endDate": "2026-01-05T08:00:00Z", "beginDate": "2026-01-05T08:00:00Z", **task}
    sandbox.fault("GET", "/api/v3/task/*", times=None, status=200, body=ended)
    sandbox.fault("GET", "/api/v3/task", times=None, status=200, body=[ended])
    return run(EciTaskSensor(task_id="wait", task_guid=guid, **arguments))


@MODES
@pytest.mark.parametrize("count", [-5, -1, -(2**31)])
def test_a_count_below_zero_is_not_known(
    count: int, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    task = {"status": "Completed", **dict.fromkeys(COUNTS, count)}

    end = waited_for(sandbox, tmp_path, task, deferrable=deferrable)

    assert end.state == "success", end.error
    assert (end.result["imported"], end.result["unresolved_flags"], end.result["analyzing"]) == (None, None, None)


@MODES
def test_kickouts_beside_a_count_below_zero_are_not_tolerated(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    task = {"status": "Completed with kickouts", "currentSuccessCount": -1000}

    end = waited_for(sandbox, tmp_path, task, deferrable=deferrable, max_kickouts=0.9)

    assert isinstance(end.error, errors.EciKickoutsError)


@MODES
def test_an_analysis_of_less_than_no_bills_has_not_ended(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    task = {"status": "Completed", "currentSuccessCount": 1, "analyzingCount": -1}
    limits = {"timeout": 60, "poke_interval": 20, "wait_for_analysis": True}

    end = waited_for(sandbox, tmp_path, task, deferrable=deferrable, **limits)

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert "had ended, but its bills were not analysed" in str(end.error)


def test_a_failed_import_of_less_than_no_bills_is_not_sent_again(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    task = {"status": "Failed", "currentSuccessCount": -1, "endDate": "2026-01-05T08:00:00Z"}
    sandbox.fault("GET", "/api/v3/task/*", times=None, status=200, body=task)

    end = run(ImportBillsOperator(task_id="import", file=str(bill_file(tmp_path, "A-1"))))

    assert isinstance(end.error, errors.EciImportFailedError)
    assert end.is_final
    assert end.xcoms["return_value"]["imported"] is None


def test_a_batch_of_less_than_no_bills_has_a_number_that_is_not_known(sandbox: Sandbox) -> None:
    opened = run(OpenBatchOperator(task_id="open", batch_code="B"))
    counts = {"billCount": -1, "flagCount": -2, "analyzingCount": -3}
    body = {"batchId": opened.result["batch_id"], "batchCode": "B", "batchStatus": "open", **counts}
    sandbox.fault("GET", "/api/v3/batch/*", times=None, status=200, body=body)

    end = run(EciBatchSensor(task_id="wait", batch_id=opened.result["batch_id"], batch_status="Open"))

    assert end.state == "success", end.error
    assert {end.result[name] for name in ("bill_count", "flag_count", "analyzing_count")} == {None}
