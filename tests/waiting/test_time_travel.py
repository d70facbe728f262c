"""Waits of hours, restarts, clocks that jump: on turned clocks, so that nothing here sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, BaseOperator

from eci_provider.api import EciClient, errors
from eci_provider.hooks.eci import EciHook
from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciBatchTrigger, EciTaskTrigger
from eci_provider.waiting.events import unpack
from eci_provider.waiting.schedule import MOST_FAILING_SECONDS
from tests.conftest import TurnedClock
from tests.support.run_task import first_event, run, through_serialization
from tests.support.waiting_tasks import KINDS, bill_file, waiting_task

TASK = "/api/v3/task/*"
HOURS = 3600.0
INTERVAL = 120.0
MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "deferred"])
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def looks(sandbox: Sandbox) -> int:
    """Return how often the import was asked for."""
    return sum(request.method == "GET" and "/v3/task/" in request.path for request in sandbox.requests)


def slow_task(kind: str, sandbox: Sandbox, folder: Path, **arguments: Any) -> BaseOperator:
    """Return a task that waits for a good import and looks once in two minutes."""
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
def test_six_hours_cost_little(
    kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 6 * HOURS
    began = turned_clock.moment
    task = slow_task(kind, sandbox, tmp_path, deferrable=deferrable, timeout=7 * HOURS)

    end = run(task)

    assert end.state == "success", end.error
    assert 6 * HOURS <= seconds_since(turned_clock, began) <= 6 * HOURS + 1.1 * INTERVAL
    # One an interval, give or take a tenth, and a few in the quick beginning.
    assert looks(sandbox) < 6 * HOURS / (0.9 * INTERVAL) + 20
    pauses = turned_clock.slept
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
    assert seconds_since(turned_clock, began) == pytest.approx(2 * HOURS)
    if state == "failed":
        assert isinstance(end.error, errors.EciWaitTimeoutError)
        assert end.error.ended_by == "timeout"


@MODES
@EVERY_KIND
def test_a_server_that_asks_for_two_hours_gets_them(
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
def test_what_a_server_asks_for_ends_at_the_deadline(
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
def test_a_server_that_is_down_is_given_up(
    kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 5 * HOURS
    task = slow_task(kind, sandbox, tmp_path, deferrable=deferrable)
    sandbox.fault("GET", TASK, skip=3, times=None, status=503)

    end = run(task)

    assert isinstance(end.error, errors.EciServerError)
    assert end.error.retry_helps
    assert MOST_FAILING_SECONDS - 1.3 * INTERVAL < sum(turned_clock.slept) <= MOST_FAILING_SECONDS + 5


@MODES
def test_pauses_that_were_asked_for_are_not_the_servers_failing(
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
def test_a_clock_that_is_set_back_makes_no_wait_longer(
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


async def _broken_off(path: str, arguments: dict[str, Any], turned: TurnedClock, after: int) -> None:
    """Run a trigger, and stop it as a triggerer that is shut down does, at its n-th pause."""
    module, _, name = path.rpartition(".")
    trigger = getattr(__import__(module, fromlist=[name]), name)(**arguments)
    pauses = 0
    sleep = turned.sleep_async

    async def sleep_or_stop(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == after:
            raise asyncio.CancelledError
        await sleep(seconds)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("eci_provider.core.clock.sleep_async", sleep_or_stop)
        with pytest.raises(asyncio.CancelledError):
            await anext(trigger.run())
        await trigger.cleanup()


@pytest.mark.parametrize("limit", ["deadline", "execution_deadline"])
@pytest.mark.parametrize("restarts", [1, 5])
def test_a_restarted_triggerer_keeps_the_deadline(
    restarts: int, limit: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    guid = submitted(sandbox, tmp_path, 1e9)
    began = turned_clock.moment
    path, arguments = EciTaskTrigger(guid, **{limit: (began + timedelta(hours=2)).isoformat()}).serialize()

    for _ in range(restarts):
        asyncio.run(_broken_off(path, through_serialization(arguments), turned_clock, after=30))
        turned_clock.sleep(300)  # nobody looks until another triggerer takes over
    event = asyncio.run(first_event(path, through_serialization(arguments)))

    assert seconds_since(turned_clock, began) == pytest.approx(2 * HOURS)
    with pytest.raises(errors.EciWaitTimeoutError, match=guid) as caught:
        unpack(event)
    assert caught.value.ended_by == {"deadline": "timeout", "execution_deadline": "execution_timeout"}[limit]


def test_a_triggerer_that_restarts_after_the_deadline_looks_once(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    guids = [submitted(sandbox, tmp_path, delay) for delay in (60, 1e9)]
    deadline = (turned_clock.moment + timedelta(hours=2)).isoformat()
    turned_clock.sleep(3 * HOURS)
    sandbox.clear_requests()

    events = [asyncio.run(first_event(*EciTaskTrigger(guid, deadline=deadline).serialize())) for guid in guids]

    assert [event["status"] for event in events] == ["found", "error"]
    assert events[1]["type"] == "EciWaitTimeoutError"
    assert looks(sandbox) == 2


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Denver"])
@pytest.mark.parametrize(
    "deadline",
    [
        "2026-03-29T03:30:00+02:00",  # half an hour after Berlin's clocks went from two to three
        "2026-03-29T02:30:00+01:00",
        "2026-03-29T01:30:00Z",
        "2026-03-29T01:30:00",
        "2026-03-28T19:30:00.0000000-06:00",
    ],
)
def test_a_deadline_is_one_instant_on_the_night_the_clocks_change(
    deadline: str,
    zone: str,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    guid = submitted(sandbox, tmp_path, 1e9)
    turned_clock.moment = datetime(2026, 3, 29, 0, 30, tzinfo=timezone.utc)

    event = asyncio.run(first_event(*EciTaskTrigger(guid, deadline=deadline).serialize()))
    monkeypatch.undo()
    time.tzset()

    assert event["type"] == "EciWaitTimeoutError"
    assert turned_clock.moment == datetime(2026, 3, 29, 1, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize("first", ["deadline", "execution_deadline"])
def test_the_earlier_of_two_deadlines_ends_a_trigger(
    first: str, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch_id = client.batches.open("mine").batch_id
    began = turned_clock.moment
    ends = {name: (began + timedelta(hours=2)).isoformat() for name in ("deadline", "execution_deadline")}
    ends[first] = (began + timedelta(hours=1)).isoformat()

    event = asyncio.run(first_event(*EciBatchTrigger(batch_id, batch_status="Closed", **ends).serialize()))

    assert event["details"]["ended_by"] == {"deadline": "timeout"}.get(first, "execution_timeout")
    assert event["details"]["deadline"] == ends[first]
    assert seconds_since(turned_clock, began) == pytest.approx(1 * HOURS)


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


def test_a_sensor_ends_at_its_time_out_although_airflows_limit_is_later(
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
