"""Failures of single polls and of the server reach the waits that they concern, with few requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from eci_provider.waiting.schedule import MOST_FAILING_SECONDS
from tests.support.hub import LIST, SINGLE, asked, imports, seconds_of, together
from tests.support.run_task import first_event
from tests.support.turned_clock import TurnedClock


def test_waits_at_their_deadline_are_polled_first(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 60)
    deadline = turned_clock.moment.replace(second=3).isoformat()
    sandbox.fault("GET", LIST, times=None, status=403)

    async def scenario() -> dict[str, Any]:
        others = [asyncio.ensure_future(first_event(*EciTaskTrigger(guid).serialize())) for guid in guids[:-1]]
        await asyncio.sleep(0)  # they come first
        event = await first_event(*EciTaskTrigger(guids[-1], deadline=deadline).serialize())
        for one in others:
            one.cancel()
        return event

    event = asyncio.run(scenario())

    assert event["type"] == "EciWaitTimeoutError"
    # Ten a second are polled, so many others had waited longer.
    own = [request.at for request in sandbox.requests if request.path == f"{LIST}/{guids[-1]}"]
    assert own[0] == "2026-01-05T08:00:03.000Z"


def test_a_server_that_is_down_gets_fewer_requests_than_it_has_waits(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 50)
    sandbox.fault("GET", "/api/*", skip=4, times=None, status=503)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert {event["type"] for event in events} == {"EciServerError"}
    for guid, event in zip(guids, events, strict=True):
        assert [other for other in guids if other in event["message"]] == [guid]
    assert MOST_FAILING_SECONDS - 100 < sum(turned_clock.slept) < MOST_FAILING_SECONDS + 100
    assert len(sandbox.requests) < 150


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"garbage": True}, {"truncate": 10}, {"status": 500}])
def test_a_failure_now_and_then_ends_no_wait(
    fault: dict[str, Any], sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("GET", LIST, skip=1, times=4, **fault)

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 3, last=30)])

    assert [event["status"] for event in events] == ["found"] * 3


def test_an_import_whose_path_is_broken_does_not_hold_up_the_others(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 12, last=[1e9, *range(100, 1200, 100)])
    sandbox.fault("GET", LIST, times=None, status=403)
    sandbox.fault("GET", f"{LIST}/{guids[0]}", times=None, drop="before")
    ends: dict[str, float] = {}
    began = turned_clock.moment

    async def noted(guid: str) -> dict[str, Any]:
        event = await first_event(*EciTaskTrigger(guid).serialize())
        ends[guid] = (turned_clock.moment - began).total_seconds()
        return event

    async def scenario() -> list[dict[str, Any]]:
        return await asyncio.gather(*map(noted, guids))

    events = asyncio.run(scenario())

    assert [event["status"] for event in events] == ["error", *["found"] * 11]
    assert events[0]["type"] == "EciConnectionError"
    for guid, lasted in zip(guids[1:], range(100, 1200, 100), strict=True):
        assert lasted <= ends[guid] <= lasted + 40


def test_a_missing_import_ends_its_own_wait_only(
    sandbox: Sandbox, turned_clock: TurnedClock, at_pause: Callable[[int, Callable[[], Any]], None]
) -> None:
    guids = imports(sandbox, 3, last=300)
    at_pause(3, lambda: sandbox.delete_task(guids[1]))

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert [event["status"] for event in events] == ["found", "error", "found"]
    assert events[1]["type"] == errors.EciNotFoundError.__name__
    assert len(seconds_of(sandbox, SINGLE[:-1])) <= 2


def test_a_404_on_single_polls_ends_no_wait_that_the_list_shows(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 20, last=600)
    sandbox.fault("GET", SINGLE, times=None, status=404)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert [event["status"] for event in events] == ["found"] * 20


@pytest.mark.parametrize("shown_before", [False, True])
def test_imports_that_are_gone_end_their_waits_after_the_settle_time_with_few_lists(
    shown_before: bool, sandbox: Sandbox, turned_clock: TurnedClock, at_pause: Callable[..., None]
) -> None:
    guids = imports(sandbox, 20)

    def vanish() -> None:
        sandbox.clear_requests()
        for guid in guids:
            sandbox.delete_task(guid)

    if shown_before:
        at_pause(3, vanish)
    else:
        vanish()

    events = together([EciTaskTrigger(guid, poll_interval=30) for guid in guids])

    assert {event["type"] for event in events} == {"EciNotFoundError"}
    pages, singles = asked(sandbox)
    assert singles == 2 * 20
    assert pages <= (8 if shown_before else 30)


def test_a_wait_at_its_deadline_asks_the_list_after_a_404(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    (guid,) = imports(sandbox, 1, last=9)
    sandbox.fault("GET", SINGLE, times=None, status=404)
    deadline = turned_clock.moment.replace(second=10).isoformat()

    (event,) = together([EciTaskTrigger(guid, deadline=deadline)])

    assert event["status"] == "found"
