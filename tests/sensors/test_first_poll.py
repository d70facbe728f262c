"""A deferrable sensor polls once in its worker, and defers only if there is something to wait for."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciBatchSensor, EciTaskSensor
from eci_provider.triggers import EciBatchTrigger
from tests.support.hub import imports
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file


def _task_sensor(guid: str, **arguments: Any) -> EciTaskSensor:
    # A template that only a worker can render keeps it from starting in the triggerer.
    return EciTaskSensor(task_id="wait", task_guid="{{ guid }}", **{"deferrable": True, **arguments})


def _batch_sensor(batch_id: int, **arguments: Any) -> EciBatchSensor:
    return EciBatchSensor(
        task_id="wait", batch_id=batch_id, batch_status="Closed", **{"deferrable": True, **arguments}
    )


@pytest.fixture
def batch_id(sandbox: Sandbox) -> int:
    """Open a batch."""
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return int(client.batches.open("2026-01").batch_id or 0)


def _close(sandbox: Sandbox, batch_id: int) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.close(batch_id)


def test_a_batch_that_has_the_status_needs_no_triggerer(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    _close(sandbox, batch_id)
    sandbox.clear_requests()

    end = run(_batch_sensor(batch_id))

    assert end.state == "success", end.error
    assert end.result["batch_id"] == batch_id
    assert end.deferrals == []
    assert [request.method for request in sandbox.requests] == ["GET"]


def test_an_import_that_has_ended_needs_no_triggerer(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    (guid,) = imports(sandbox, 1, last=0)

    end = run(_task_sensor(guid, success_statuses=["failed"]), guid=guid)

    assert end.state == "success", end.error
    assert end.result["task_guid"] == guid
    assert end.deferrals == []


def test_what_runs_is_waited_for_in_the_triggerer_which_pauses_first(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    (guid,) = imports(sandbox, 1, last=3)
    began = turned_clock.moment

    end = run(_task_sensor(guid, success_statuses=["failed"]), guid=guid)

    assert end.state == "success", end.error
    (deferral,) = end.deferrals
    assert deferral[1]["first_poll"] == (began + timedelta(seconds=5)).isoformat()
    assert turned_clock.slept == [5.0]


def test_a_short_poke_interval_is_the_first_pause(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    end = run(_batch_sensor(batch_id, poke_interval=2, timeout=60))

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert turned_clock.slept[0] == 2.0


def test_a_first_poll_that_fails_for_now_leaves_the_wait_to_the_triggerer(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    _close(sandbox, batch_id)
    sandbox.fault("GET", "/api/v3/batch/*", status=429, headers={"Retry-After": "120"})

    end = run(_batch_sensor(batch_id))

    assert end.state == "success", end.error
    assert len(end.deferrals) == 1
    assert 120 <= sum(turned_clock.slept) < 130


def test_a_first_poll_that_no_wait_can_cure_fails_as_in_the_triggerer(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    end, in_a_worker = run(_batch_sensor(77)), run(_batch_sensor(77, deferrable=False))

    assert end.deferrals == []
    assert isinstance(end.error, errors.EciNotFoundError)
    assert str(end.error) == str(in_a_worker.error)


def test_a_timeout_of_zero_polls_once_and_does_not_defer(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    end = run(_batch_sensor(batch_id, timeout=0))

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert end.deferrals == []


def test_the_first_poll_of_a_trigger_waits_no_longer_than_its_deadline(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    began = turned_clock.moment
    trigger = EciBatchTrigger(
        batch_id,
        batch_status="Closed",
        deadline=(began + timedelta(seconds=3)).isoformat(),
        first_poll=(began + timedelta(hours=1)).isoformat(),
    )

    event = asyncio.run(_event(trigger))

    assert event["type"] == "EciWaitTimeoutError"
    assert turned_clock.slept == [3.0]


async def _event(trigger: EciBatchTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("no event")


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_a_sensor_that_pokes_logs_what_it_waits_for(
    mode: str, sandbox: Sandbox, turned_clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    (guid,) = imports(sandbox, 1, last=60)
    sensor = EciTaskSensor(
        task_id="wait", task_guid=guid, mode=mode, success_statuses=["failed"], deferrable=False
    )
    caplog.set_level(logging.INFO)

    if mode == "poke":
        assert run(sensor).state == "success"
    else:
        for _ in range(2):
            assert not sensor.poke({"ti": None, "task": sensor}).is_done

    (task,) = sandbox.tasks()
    waiting = f"Waiting for import {guid} to end: 'In progress' since {task['begin_date']}."
    said = [record.getMessage() for record in caplog.records]
    assert said.count(waiting) == (1 if mode == "poke" else 2)
    assert len([message for message in said if message.startswith("Waiting for")]) == said.count(waiting)


def test_a_wait_for_the_analysis_says_so(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.analysis = 300
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, "A-1"))
    sensor = EciTaskSensor(task_id="wait", task_guid=guid, wait_for_analysis=True, deferrable=False)
    caplog.set_level(logging.INFO)

    run(sensor)

    said = [record.getMessage() for record in caplog.records]
    (task,) = sandbox.tasks()
    waiting = f"Waiting for the analysis of the bills of import {guid}: 'Completed' since {task['end_date']}"
    assert [message for message in said if message.startswith("Waiting for the")] == [f"{waiting}, 1 bills left."]
    assert said.count(f"Import {guid} is 'Completed'.") == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_guid_that_names_no_import_ends_the_wait_after_the_settle_time(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guid = "00000000-0000-4000-8000-000000000001"

    end = run(_task_sensor(guid, deferrable=deferrable), guid=guid)

    assert isinstance(end.error, errors.EciNotFoundError), end.error
    assert end.is_final
    assert end.deferrals == []
    assert guid in str(end.error)
    assert turned_clock.slept == [15.0]


def test_a_poke_reads_an_import_again_before_a_404_is_final(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guid = "00000000-0000-4000-8000-000000000001"
    sensor = EciTaskSensor(task_id="wait", task_guid=guid, mode="reschedule")

    with pytest.raises(errors.EciNotFoundError):
        sensor.poke({})

    assert turned_clock.slept == [15.0]


@pytest.mark.parametrize("lag", [1, 10])
def test_a_poke_waits_for_an_import_whose_reads_lag(
    lag: float, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.settings.task_lag, sandbox.settings.lists_lag = lag, True
    (guid,) = imports(sandbox, 1, last=3600)
    sensor = EciTaskSensor(task_id="wait", task_guid=guid, mode="reschedule")

    assert sensor.poke({}).is_done is False
