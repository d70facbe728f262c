"""Wait for a batch's status, or for its bills' analysis, in every mode."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciBatchSensor
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file


def _sensor(batch_id: Any, **arguments: Any) -> EciBatchSensor:
    return EciBatchSensor(task_id="wait_for_batch", **{"batch_id": batch_id, "poke_interval": 10, **arguments})


def _waits(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log lines that say what is waited for."""
    return [text for record in caplog.records if (text := record.getMessage()).startswith("Waiting for")]


@pytest.mark.parametrize("deferrable", [False, True])
def test_it_waits_until_the_batch_has_the_status(
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch_id = client.batches.open("mine").batch_id
        turn = turned_clock.sleep

        def sleep(seconds: float) -> None:
            turn(seconds)
            if sum(turned_clock.slept) > 100 and sandbox.batches()[0]["batch_status"].lower() == "open":
                client.batches.update_status(batch_id, "Closed")

        async def sleep_async(seconds: float) -> None:
            sleep(seconds)

        monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)
        monkeypatch.setattr("eci_provider.core.clock.sleep_async", sleep_async)
        end = run(_sensor(batch_id, batch_status="Closed", deferrable=deferrable))

    assert end.state == "success", end.error
    assert end.result["batch_status"].lower() == "closed"
    assert 100 < sum(turned_clock.slept) < 120
    waiting = f"Waiting for batch {batch_id} ('mine') to be 'Closed': 'open'."
    # A deferred sensor polls in the worker and in the triggerer, each of which has a log of its own.
    assert _waits(caplog) == [waiting] * (2 if deferrable else 1)


@pytest.mark.parametrize("deferrable", [False, True])
def test_it_waits_until_all_bills_were_analysed(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sandbox.add_account("A-1")
    sandbox.settings.analysis = 300
    with EciClient(sandbox.url, sandbox.api_key) as client:
        task = client.bill_imports.submit(bill_file(tmp_path, "A-1"))
        batch_id = client.tasks.get(task).batch.batch_id

    end = run(_sensor(str(batch_id), wait_for_analysis=True, deferrable=deferrable))

    assert end.state == "success", end.error
    assert end.result["analyzing_count"] == 0
    assert 300 <= sum(turned_clock.slept) < 325
    assert _waits(caplog)
    for waiting in _waits(caplog):
        assert waiting.startswith(f"Waiting for the analysis of the bills in batch {batch_id} ")
        assert waiting.endswith(", 1 bills under analysis.")


@pytest.mark.parametrize("deferrable", [False, True])
def test_at_the_deadline_it_says_what_it_waited_for(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch_id = client.batches.open("mine").batch_id

    end = run(_sensor(batch_id, batch_status="Closed", deferrable=deferrable, timeout=60))

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert end.is_final
    assert f"Batch {batch_id} had not reached status 'Closed' by 2026-01-05T08:01:00" in str(end.error)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_batch_that_does_not_exist_ends_the_wait_after_the_settle_time(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    end = run(_sensor(77, batch_status="Closed", deferrable=deferrable))

    assert isinstance(end.error, errors.EciNotFoundError)
    assert end.deferrals == []
    assert turned_clock.slept == [15.0]


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_batch_whose_reads_lag_is_waited_for(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.settings.batch_lag = 10
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch_id = int(client.batches.open("2026-01").batch_id or 0)
        client.batches.update_status(batch_id, "Closed")

    end = run(_sensor(batch_id, batch_status="Closed", deferrable=deferrable))

    assert end.state == "success", end.error


def test_a_sensor_that_waits_for_nothing_is_refused() -> None:
    with pytest.raises(errors.EciValidationError, match="nothing to wait for"):
        _sensor(1)


@pytest.mark.parametrize("status", ["closed", "Gone"])
def test_an_unknown_status_is_refused(status: str) -> None:
    with pytest.raises(errors.EciValidationError, match=f"batch_status is '{status}'"):
        _sensor(1, batch_status=status)
