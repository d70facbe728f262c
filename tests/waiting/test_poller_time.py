"""Waits of hours and clocks that jump: on turned clocks, so that nothing here sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, BaseOperator

from eci_provider.api import EciClient, errors
from eci_provider.hooks.eci import EciHook
from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from eci_provider.waiting.schedule import MOST_FAILING_SECONDS
from tests.support.run_task import first_event, run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import KINDS, bill_file, waiting_task

TASK = "/api/v3/task/*"


HOURS = 3600.0


INTERVAL = 120.0


MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "deferred"])


EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def polls(sandbox: Sandbox) -> int:
    """Return how often the import was asked for."""
    return sum(request.method == "GET" and "/v3/task/" in request.path for request in sandbox.requests)


def slow_task(kind: str, sandbox: Sandbox, folder: Path, **arguments: Any) -> BaseOperator:
    """Return a task that waits for a good import and polls once in two minutes."""
    task = waiting_task(kind, sandbox, folder, good=True, **arguments)
    setattr(task, "poke_interval" if kind == "sensor" else "poll_interval", INTERVAL)
    return task


def submitted(sandbox: Sandbox, folder: Path, delay: float) -> str:
    """Return an import of one bill that takes so many seconds."""
    sandbox.add_account("A-1")
    sandbox.settings.delay = delay
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.bill_imports.submit(bill_file(folder, "A-1"))


def seconds_since(turned: TurnedClock, began: datetime) -> float:
    return (turned.moment - began).total_seconds()


@pytest.fixture
def jump(turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return how to let the wall clock, and it alone, jump when a wait has gone on for so many seconds."""

    def arrange(by: timedelta, *, after: float) -> None:
        sleep = turned_clock.sleep

        def sleep_and_jump(seconds: float) -> None:
            before = sum(turned_clock.slept)
            sleep(seconds)
            if before < after <= sum(turned_clock.slept):
                turned_clock.moment += by

        turned_clock.sleep = sleep_and_jump  # type: ignore[method-assign]
        monkeypatch.setattr("eci_provider.core.clock.sleep", sleep_and_jump)

    return arrange


@MODES
@EVERY_KIND
def test_six_hours_cost_few_requests(
    kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 6 * HOURS
    began = turned_clock.moment
    task = slow_task(kind, sandbox, tmp_path, deferrable=deferrable, timeout=7 * HOURS)

    end = run(task)

    assert end.state == "success", end.error
    assert 6 * HOURS <= seconds_since(turned_clock, began) <= 6 * HOURS + 1.1 * INTERVAL
    # One an interval, give or take a tenth, and a few in the quick beginning.
    assert polls(sandbox) < 6 * HOURS / (0.9 * INTERVAL) + 20
    pauses = turned_clock.slept
    if kind == "sensor" and deferrable:
        assert pauses[0] == 5.0  # between the worker's poll and the triggerer's
    else:
        assert pauses[0] < 1.2
    assert all(0.9 * INTERVAL <= pause <= 1.1 * INTERVAL for pause in pauses[20:-1])
    assert len(pauses) > 100


@MODES
@EVERY_KIND
@pytest.mark.parametrize(
    ("lasts", "state"), [(2 * HOURS - 0.5, "success"), (2 * HOURS - 0.001, "success"), (7201, "failed")]
)
def test_an_import_that_ends_with_the_deadline_has_ended(
    lasts: float,
    state: str,
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
) -> None:
    sandbox.settings.delay = lasts
    began = turned_clock.moment

    end = run(slow_task(kind, sandbox, tmp_path, deferrable=deferrable, timeout=2 * HOURS))

    assert end.state == state, end.error
    # Pauses are random, so a poll may fall between the end and the deadline.
    assert min(lasts, 2 * HOURS) - 0.01 <= seconds_since(turned_clock, began) <= 2 * HOURS + 0.01
    if state == "failed":
        assert isinstance(end.error, errors.EciWaitTimeoutError)
        assert end.error.ended_by == "timeout"


@MODES
@EVERY_KIND
def test_a_retry_after_of_two_hours_is_obeyed(
    kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 60
    task = slow_task(kind, sandbox, tmp_path, deferrable=deferrable)
    sandbox.fault("GET", TASK, skip=2, status=429, headers={"Retry-After": "7200"})

    end = run(task)

    assert end.state == "success", end.error
    asked = [request.at for request in sandbox.requests if request.path.startswith("/api/v3/task")]
    moments = [datetime.fromisoformat(str(at).replace("Z", "+00:00")).timestamp() for at in asked]
    assert max(after - before for before, after in pairwise(moments)) == pytest.approx(7200, abs=10)


@MODES
@EVERY_KIND
def test_an_endless_retry_after_ends_at_the_deadline(
    kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 2 * HOURS
    began = turned_clock.moment
    task = slow_task(kind, sandbox, tmp_path, deferrable=deferrable, timeout=1 * HOURS)
    sandbox.fault("GET", TASK, skip=2, times=None, status=503, headers={"Retry-After": "9" * 400})

    end = run(task)

    assert isinstance(end.error, errors.EciWaitTimeoutError), repr(end.error)
    assert "The last poll failed: GET" in str(end.error)
    assert seconds_since(turned_clock, began) == pytest.approx(1 * HOURS)


@MODES
@EVERY_KIND
def test_a_server_that_is_down_ends_the_wait_after_half_an_hour(
    kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 5 * HOURS
    task = slow_task(kind, sandbox, tmp_path, deferrable=deferrable)
    sandbox.fault("GET", TASK, skip=3, times=None, status=503)

    end = run(task)

    assert isinstance(end.error, errors.EciServerError)
    assert end.error.retry_helps
    failed = [
        datetime.fromisoformat(str(one.at).replace("Z", "+00:00")) for one in sandbox.requests if one.status == 503
    ]
    failing = (failed[-1] - failed[0]).total_seconds()
    assert MOST_FAILING_SECONDS - 1.3 * INTERVAL < failing <= MOST_FAILING_SECONDS


@MODES
def test_pauses_that_the_server_asks_for_are_no_failures(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 60
    task = slow_task("sensor", sandbox, tmp_path, deferrable=deferrable, timeout=60 * HOURS)
    sandbox.fault("GET", TASK, skip=1, times=20, status=429, headers={"Retry-After": "3600"})

    end = run(task)

    assert end.state == "success", end.error
    assert sum(turned_clock.slept) >= 20 * HOURS


@MODES
@EVERY_KIND
@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(days=-20000)], ids=["an hour", "to the seventies"])
def test_a_clock_that_is_set_back_prolongs_no_wait(
    by: timedelta,
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    jump: Callable[..., None],
    tmp_path: Path,
) -> None:
    sandbox.settings.delay = 1e9
    task = slow_task(kind, sandbox, tmp_path, deferrable=deferrable, timeout=2 * HOURS)
    jump(by, after=1 * HOURS)

    end = run(task)

    assert isinstance(end.error, errors.EciWaitTimeoutError), repr(end.error)
    assert sum(turned_clock.slept) == pytest.approx(2 * HOURS, abs=2)
    assert min(turned_clock.slept) >= 0


@MODES
@EVERY_KIND
@pytest.mark.parametrize(
    ("by", "waited"),
    [(timedelta(minutes=30), 1.5 * HOURS), (timedelta(days=20000), 1 * HOURS)],
    ids=["half an hour", "to the eighties"],
)
def test_a_clock_that_is_set_forward_ends_the_wait_by_the_wall(
    by: timedelta,
    waited: float,
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    jump: Callable[..., None],
    tmp_path: Path,
) -> None:
    sandbox.settings.delay = 1e9
    task = slow_task(kind, sandbox, tmp_path, deferrable=deferrable, timeout=2 * HOURS)
    jump(by, after=1 * HOURS)

    end = run(task)

    assert isinstance(end.error, errors.EciWaitTimeoutError), repr(end.error)
    assert sum(turned_clock.slept) == pytest.approx(waited, abs=1.2 * INTERVAL)


@MODES
def test_an_interval_below_a_second_is_kept(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    guid = submitted(sandbox, tmp_path, 30)
    trigger = EciTaskTrigger(guid, poll_interval=0.25)

    if deferrable:
        event = asyncio.run(first_event(*trigger.serialize()))
        assert event["status"] == "found"
    else:
        with EciHook() as hook:
            assert trigger.poller(hook).run().end_date

    assert all(0.2 < pause < 0.3 for pause in turned_clock.slept)
    assert sum(turned_clock.slept) == pytest.approx(30, abs=0.3)


def test_a_sensor_ends_at_its_timeout_although_airflows_limit_is_later(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 1e9
    task = waiting_task(
        "sensor",
        sandbox,
        tmp_path,
        deferrable=True,
        good=True,
        timeout=1 * HOURS,
        execution_timeout=timedelta(hours=3),
    )

    end = run(task)

    assert isinstance(end.error, AirflowSensorTimeout)
    assert sum(turned_clock.slept) == pytest.approx(1 * HOURS)
