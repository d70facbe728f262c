"""A pause for which the server asks holds for all waits of its host and key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from eci_provider.sandbox import Sandbox
from eci_provider.sandbox.clock import VIRTUAL_START
from eci_provider.triggers import EciTaskTrigger
from tests.support.hub import LIST, SINGLE, events_of, imports, seconds_of, together
from tests.support.run_task import first_event
from tests.support.turned_clock import TurnedClock, connect


def test_a_pause_that_the_server_asks_for_holds_for_all(
    sandbox: Sandbox, turned_clock: TurnedClock, at_pause: Callable[[int, Callable[[], Any]], None]
) -> None:
    guids = imports(sandbox, 4, last=[30, 30, 30, 0])
    late: list[asyncio.Future[Any]] = []
    at_pause(2, lambda: late.append(asyncio.ensure_future(first_event(*EciTaskTrigger(guids[3]).serialize()))))
    sandbox.fault("GET", LIST, skip=2, status=429, headers={"Retry-After": "600"})

    async def scenario() -> list[dict[str, Any]]:
        running = [first_event(*EciTaskTrigger(guid).serialize()) for guid in guids[:3]]
        return [*await asyncio.gather(*running), await late[0]]

    events = asyncio.run(scenario())

    assert all(event["status"] == "found" for event in events)
    moments = seconds_of(sandbox, LIST)
    assert max(after - before for before, after in pairwise(moments)) >= 600
    assert moments[3] - moments[2] >= 600  # the fourth who joined meanwhile did not ask either


def test_a_pause_that_the_server_asks_for_holds_for_the_next_hub(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 3, last=30)
    sandbox.fault("GET", LIST, status=429, headers={"Retry-After": "600"})
    deadline = turned_clock.moment.replace(second=20).isoformat()

    async def scenario() -> dict[str, Any]:
        leaving = [first_event(*EciTaskTrigger(guid, deadline=deadline).serialize()) for guid in guids[:2]]
        assert {event["type"] for event in await asyncio.gather(*leaving)} == {"EciWaitTimeoutError"}
        sandbox.clear_requests()
        return await first_event(*EciTaskTrigger(guids[2]).serialize())

    event = asyncio.run(scenario())

    assert event["status"] == "found"
    first, *_ = seconds_of(sandbox, LIST)
    # The pause was asked for at the beginning, and twenty seconds of it were over.
    assert first >= VIRTUAL_START.timestamp() + 600


def test_an_endless_pause_is_cut_to_a_day(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    sandbox.fault("GET", LIST, status=429, headers={"Retry-After": "9" * 400})

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 3, last=30)])

    assert [event["status"] for event in events] == ["found"] * 3
    first, second, *_ = seconds_of(sandbox, LIST)
    assert 86400 <= second - first < 86500


@pytest.mark.parametrize("changed", ["host", "key"])
@pytest.mark.parametrize("all_leave", [True, False])
def test_a_pause_does_not_hold_for_another_host_or_key(
    all_leave: bool,
    changed: str,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    monkeypatch: pytest.MonkeyPatch,
    at_pause: Callable[[int, Callable[[], Any]], None],
) -> None:
    began = turned_clock.moment
    sandbox.fault("GET", LIST, status=429, headers={"Retry-After": "3000"})
    new_key = sandbox.add_user("second")
    running: list[asyncio.Future[dict[str, Any]]] = []

    def change(host: str, key: str) -> None:
        connect(monkeypatch, host, key)
        for one in running if all_leave else ():
            one.cancel()

    async def scenario(guids: list[str]) -> list[dict[str, Any]]:
        running.extend(asyncio.ensure_future(first_event(*EciTaskTrigger(guid).serialize())) for guid in guids)
        events = await asyncio.gather(*running, return_exceptions=all_leave)
        return await events_of([EciTaskTrigger(guid) for guid in guids]) if all_leave else events  # type: ignore[return-value]

    with Sandbox(clock="virtual") as other:
        server, key = (sandbox, new_key) if changed == "key" else (other, other.api_key)
        at_pause(0, lambda: change(server.url, key))
        events = asyncio.run(scenario(imports(server, 3, last=0)))

    assert [event["status"] for event in events] == ["found"] * 3
    assert (turned_clock.moment - began).total_seconds() < 310


def test_a_pause_that_is_asked_for_one_import_holds_for_all(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    sandbox.fault("GET", LIST, times=None, status=403)
    sandbox.fault("GET", SINGLE, skip=12, status=429, headers={"Retry-After": "600"})

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 6, last=30)])

    assert [event["status"] for event in events] == ["found"] * 6
    pauses = [after - before for before, after in pairwise(seconds_of(sandbox, LIST + "/"))]
    assert pauses[12] >= 600


def test_a_deadline_is_kept_in_a_pause(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 2)
    deadline = turned_clock.moment.replace(minute=2).isoformat()
    sandbox.fault("GET", LIST, skip=1, status=503, headers={"Retry-After": "3600"})

    events = together([EciTaskTrigger(guid, deadline=deadline) for guid in guids])

    assert [event["type"] for event in events] == ["EciWaitTimeoutError"] * 2
    assert turned_clock.moment.isoformat() == deadline
