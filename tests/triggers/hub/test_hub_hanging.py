"""A server that hangs takes one thread, and moves no deadline."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from eci_provider.triggers.hub.hub import PollHub, open_hubs
from tests.support.hub import (
    LIST,
    assert_all_is_closed,
    events_of,
    imports,
    until,
)
from tests.support.run_task import first_event
from tests.support.turned_clock import TurnedClock, connect


def waiting(*guids: str, **arguments: Any) -> list[asyncio.Future[dict[str, Any]]]:
    """Let triggers begin to wait."""
    return [asyncio.ensure_future(first_event(*EciTaskTrigger(guid, **arguments).serialize())) for guid in guids]


async def gone(triggers: list[asyncio.Future[dict[str, Any]]]) -> None:
    """Let triggers leave, as those do that a triggerer hands on."""
    for one in triggers:
        one.cancel()
    await asyncio.wait(triggers)


def poll_threads() -> int:
    return sum(thread.name.startswith("eci-poll-") for thread in threading.enumerate())


def test_triggers_that_come_and_go_while_a_cycle_hangs_take_no_more_threads(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 3, last=[1e9, 1e9, 0])
    hangs = sandbox.fault("GET", LIST, times=None, hang=True)

    async def scenario() -> dict[str, Any]:
        first = waiting(*guids[:2])
        await until(lambda: hangs.hits == 1)
        await gone(first)
        for _ in range(20):
            coming = waiting(*guids[:2])
            await asyncio.sleep(0)
            await gone(coming)
        (last,) = waiting(guids[2])
        await asyncio.sleep(0)
        assert poll_threads() == 1
        assert hangs.hits == 1
        assert not last.done()
        sandbox.clear_faults()
        return await last

    assert asyncio.run(scenario())["found"]["task_guid"] == guids[2]
    assert_all_is_closed()


def test_a_trigger_that_comes_after_all_have_left_uses_the_connection_as_it_is_now(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = sandbox.fault("GET", LIST, hang=True)

    async def scenario(other: Sandbox) -> dict[str, Any]:
        first = waiting(*imports(sandbox, 2))
        await until(lambda: hangs.hits == 1)
        await gone(first)
        connect(monkeypatch, other.url, other.api_key)
        (last,) = waiting(*imports(other, 1, last=0))
        await asyncio.sleep(0)
        sandbox.clear_faults()
        return await last

    with Sandbox(clock="virtual") as other:
        event = asyncio.run(scenario(other))
        assert event["status"] == "found", event
        assert other.requests


def test_a_hub_without_members_ends_after_its_cycle(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    hangs = sandbox.fault("GET", LIST, hang=True)

    async def scenario() -> None:
        first = waiting(*imports(sandbox, 2))
        await until(lambda: hangs.hits == 1)
        await gone(first)
        sandbox.clear_faults()
        await until(lambda: not open_hubs())
        await asyncio.to_thread(assert_all_is_closed)

    asyncio.run(scenario())


def test_a_deadline_is_kept_although_a_cycle_hangs(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eci_provider.triggers.hub.hub._WATCH_INTERVAL", 0.01)
    give_up, watched = PollHub._end_late_waits, []

    async def watching(hub: PollHub, began: datetime) -> None:
        await give_up(hub, began)
        watched.append(began)

    monkeypatch.setattr(PollHub, "_end_late_waits", watching)
    connect(monkeypatch, sandbox.url, sandbox.api_key, timeout=300)
    guids = imports(sandbox, 3, last=0)
    hangs = sandbox.fault("GET", LIST, hang=True)
    deadline = (turned_clock.moment + timedelta(seconds=30)).isoformat()
    later = (turned_clock.moment + timedelta(seconds=600)).isoformat()

    async def scenario() -> list[dict[str, Any]]:
        (late,), others = waiting(guids[0], deadline=deadline), waiting(*guids[1:], deadline=later)
        await until(lambda: hangs.hits == 1)
        turned_clock.moment += timedelta(seconds=629)
        watched.clear()
        await until(lambda: len(watched) > 1)
        assert not late.done()
        turned_clock.moment += timedelta(seconds=2)
        event = await late
        assert not any(one.done() for one in others)
        sandbox.clear_faults()
        return [event, *await asyncio.gather(*others)]

    events = asyncio.run(scenario())

    assert events[0]["type"] == "EciWaitTimeoutError"
    assert "The last poll failed: There was no complete answer within 600 s." in events[0]["message"]
    assert events[0]["details"]["ended_by"] == "timeout"
    assert [event["status"] for event in events[1:]] == ["found"] * 2
    assert_all_is_closed()


def test_a_server_that_hangs_does_not_block_the_event_loop(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 3, last=0)
    hangs = sandbox.fault("GET", "/api/*", hang=True)

    async def scenario() -> list[dict[str, Any]]:
        running = asyncio.gather(*[first_event(*EciTaskTrigger(guid).serialize()) for guid in guids])
        await until(lambda: hangs.hits == 1)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not running.done()
        sandbox.clear_faults()
        return await running

    assert [event["status"] for event in asyncio.run(scenario())] == ["found"] * 3


def test_a_server_that_hangs_delays_no_other_connection(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(clock="virtual") as other:
        connect(monkeypatch, other.url, other.api_key)
        monkeypatch.setenv("AIRFLOW_CONN_ECI_OTHER", __import__("os").environ["AIRFLOW_CONN_ECI_DEFAULT"])
        connect(monkeypatch, sandbox.url, sandbox.api_key)
        held, free = imports(sandbox, 2, last=0), imports(other, 2, last=0)
        hangs = sandbox.fault("GET", LIST, hang=True)

        async def scenario() -> list[dict[str, Any]]:
            waiting = asyncio.ensure_future(events_of([EciTaskTrigger(guid) for guid in held]))
            await until(lambda: hangs.hits == 1)
            passed = await events_of([EciTaskTrigger(guid, "eci_other") for guid in free])
            assert not waiting.done()
            sandbox.clear_faults()
            return passed + await waiting

        events = asyncio.run(scenario())

    assert [event["found"]["task_guid"] for event in events] == free + held
    assert_all_is_closed()
