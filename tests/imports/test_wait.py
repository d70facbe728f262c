"""Wait for an import: its pace, and what is known meanwhile."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

GUID = "123e4567-e89b-12d3-a456-426614174000"


def _import(path: Path | str, **arguments: Any) -> ImportBillsOperator:
    return ImportBillsOperator(task_id="import_bills", file=str(path), **arguments)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_wait_logs_a_line_for_each_change_of_state_and_none_for_each_look(
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="eci_provider")
    sandbox.add_account("A-1")
    sandbox.settings.delay = 3600
    sandbox.fault("GET", "/api/v3/task/*", skip=5, times=4, status=503)

    run(_import(bill_file(tmp_path, "A-1"), deferrable=deferrable))

    told = [record.getMessage() for record in caplog.records if record.name == "eci_provider.waiting.poller"]
    assert len([request for request in sandbox.requests if "/task/" in request.path]) > 100
    assert len(told) == 3, told
    assert "'In progress'" in told[0]
    assert "503" in told[1]
    assert "'Completed'" in told[2]


def test_the_guid_is_known_while_the_task_waits(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 1e9

    end = run(_import(bill_file(tmp_path, "A-1"), timeout=60))

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert end.xcoms["task_guid"] in str(end.error)


@pytest.mark.parametrize("deferrable", [False, True])
def test_short_imports_end_fast_and_long_ones_cost_little(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.delay = 3
    run(_import(bill_file(tmp_path, "A-1"), deferrable=deferrable))
    short = list(turned_clock.slept)
    turned_clock.slept.clear()
    sandbox.settings.delay = 3600

    run(_import(bill_file(tmp_path, "A-1"), deferrable=deferrable))

    assert sum(short) <= 2 * 3
    assert len(turned_clock.slept) < 3600 / 30 * 1.2 + 10
    assert max(turned_clock.slept) <= 30 * 1.1


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("poll_interval", [timedelta(seconds=20), 20, 20.0])
def test_a_pace_may_be_given_as_a_timedelta(
    poll_interval: Any, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.delay = 300

    end = run(_import(bill_file(tmp_path, "A-1"), poll_interval=poll_interval, deferrable=deferrable))

    assert end.state == "success", end.error
    assert 18 <= turned_clock.slept[-1] <= 22 or turned_clock.slept[-1] < 20
