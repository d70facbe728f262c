"""A trigger's deadlines are instants that outlive the triggerer."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciBatchTrigger, EciTaskTrigger
from eci_provider.waiting.events import unpack
from tests.support.run_task import first_event, through_serialization
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

HOURS = 3600.0


def polls(sandbox: Sandbox) -> int:
    """Return how often the import was asked for."""
    return sum(request.method == "GET" and "/v3/task/" in request.path for request in sandbox.requests)


def submitted(sandbox: Sandbox, folder: Path, delay: float) -> str:
    """Return an import of one bill that takes so many seconds."""
    sandbox.add_account("A-1")
    sandbox.settings.delay = delay
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.bill_imports.submit(bill_file(folder, "A-1"))


def seconds_since(turned: TurnedClock, began: datetime) -> float:
    return (turned.moment - began).total_seconds()


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
        turned_clock.sleep(300)  # no poll until another triggerer takes over
    event = asyncio.run(first_event(path, through_serialization(arguments)))

    assert seconds_since(turned_clock, began) == pytest.approx(2 * HOURS)
    with pytest.raises(errors.EciWaitTimeoutError, match=guid) as caught:
        unpack(event)
    assert caught.value.ended_by == {"deadline": "timeout", "execution_deadline": "execution_timeout"}[limit]


def test_a_triggerer_that_restarts_after_the_deadline_polls_once(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    guids = [submitted(sandbox, tmp_path, delay) for delay in (60, 1e9)]
    deadline = (turned_clock.moment + timedelta(hours=2)).isoformat()
    turned_clock.sleep(3 * HOURS)
    sandbox.clear_requests()

    events = [asyncio.run(first_event(*EciTaskTrigger(guid, deadline=deadline).serialize())) for guid in guids]

    assert [event["status"] for event in events] == ["found", "error"]
    assert events[1]["type"] == "EciWaitTimeoutError"
    assert polls(sandbox) == 2


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
