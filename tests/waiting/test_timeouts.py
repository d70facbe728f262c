"""Airflow's limit for a try ends a wait, which names what was waited for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowTaskTimeout

from eci_provider.api import errors
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock

TASK = "/api/v3/task/*"


@pytest.fixture
def end_the_try(turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return how to let Airflow's alarm go off in a worker, after so many seconds."""

    def arm(limit: float) -> None:
        end = turned_clock.moment + timedelta(seconds=limit)

        def sleep(seconds: float) -> None:
            left = (end - turned_clock.moment).total_seconds()
            turned_clock.sleep(min(seconds, left))
            if seconds >= left:
                raise AirflowTaskTimeout("Timeout, PID: 7")

        monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

    return arm


def sensor(guid: str, **arguments: Any) -> EciTaskSensor:
    return EciTaskSensor(task_id="wait", task_guid=guid, poke_interval=10, **arguments)


# A trigger ends a tenth of the limit before it, and at most a minute, so that the task can still say so.
@pytest.mark.parametrize(
    ("deferrable", "lasts", "moment"),
    [(False, 120, "08:02:00"), (True, 108, "08:01:48")],
    ids=["worker", "deferred"],
)
def test_an_expired_execution_timeout_names_the_import_and_a_retry_helps(
    deferrable: bool,
    lasts: float,
    moment: str,
    guid: str,
    turned_clock: TurnedClock,
    end_the_try: Callable[[float], None],
) -> None:
    end_the_try(120)

    end = run(sensor(guid, deferrable=deferrable, execution_timeout=timedelta(seconds=120)))

    assert isinstance(end.error, errors.EciWaitTimeoutError), repr(end.error)
    assert end.error.ended_by == end.error.details["ended_by"] == "execution_timeout"
    assert end.error.retry_helps
    assert not end.is_final
    assert sum(turned_clock.slept) == pytest.approx(lasts)
    for words in (guid, "'In progress'", f"2026-01-05T{moment}", "execution_timeout", "retry", "do not send"):
        assert words in str(end.error)


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_sensors_own_timeout_is_final(deferrable: bool, guid: str, turned_clock: TurnedClock) -> None:
    limits = {"timeout": 60, "execution_timeout": timedelta(seconds=120)}

    end = run(sensor(guid, deferrable=deferrable, **limits))

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert isinstance(end.error, AirflowSensorTimeout)
    assert end.error.ended_by == end.error.details["ended_by"] == "timeout"
    assert not end.error.retry_helps
    for words in (
        guid,
        "'In progress'",
        "2026-01-05T08:01:00",
        "Raise the sensor's `timeout`",
        "continue the wait",
    ):
        assert words in str(end.error)


@pytest.mark.parametrize(("deferrable", "limit"), [(False, 3600), (True, 3660)], ids=["worker", "deferred"])
def test_an_import_that_ended_when_the_try_did_counts_as_ended(
    deferrable: bool,
    limit: float,
    sandbox: Sandbox,
    guid: str,
    turned_clock: TurnedClock,
    end_the_try: Callable[[float], None],
) -> None:
    end_the_try(limit)

    end = run(sensor(guid, deferrable=deferrable, execution_timeout=timedelta(seconds=limit)))

    assert end.state == "success", end.error
    assert end.result["outcome"] == "completed"
    assert sum(turned_clock.slept) == pytest.approx(3600)


def test_a_try_that_ends_while_the_server_is_down_says_why_the_last_poll_failed(
    sandbox: Sandbox, guid: str, turned_clock: TurnedClock, end_the_try: Callable[[float], None]
) -> None:
    sandbox.fault("GET", TASK, times=None, status=503)
    end_the_try(120)

    end = run(sensor(guid, deferrable=False))

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert isinstance(end.error.__cause__, errors.EciServerError)
    assert "Its status is not known. The last poll failed: GET" in str(end.error)


def test_a_final_poll_that_hangs_does_not_hold_the_task(
    sandbox: Sandbox,
    guid: str,
    turned_clock: TurnedClock,
    end_the_try: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eci_provider.waiting.timeouts.FINAL_POLL_SECONDS", 0.2)
    sandbox.fault("GET", TASK, skip=2, times=None, hang=True)
    end_the_try(2)

    end = run(sensor(guid, deferrable=False))
    sandbox.clear_faults()

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert "no complete answer within 0.2 s" in str(end.error)
    assert end.error.details["status"] == "In progress"


def test_soft_fail_skips_at_the_execution_timeout(
    guid: str, turned_clock: TurnedClock, end_the_try: Callable[[float], None]
) -> None:
    end_the_try(120)

    end = run(sensor(guid, deferrable=False, soft_fail=True))

    assert end.state == "skipped"
    assert guid in str(end.error)
