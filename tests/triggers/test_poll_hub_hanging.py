"""A server that hangs holds up one thread, no deadline, and not the end of the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from eci_provider.triggers.hub.hub import PollHub, open_hubs
from eci_provider.triggers.hub.thread import PollThread
from tests.conftest import TurnedClock, connect
from tests.support.hub import LIST, assert_all_is_closed, imports, until
from tests.support.run_task import first_event


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


def test_who_comes_and_goes_while_a_round_hangs_takes_no_more_threads(
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


def test_who_comes_after_all_have_left_finds_the_connection_as_it_is_now(
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


def test_a_hub_that_nobody_waits_for_ends_with_its_round(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    hangs = sandbox.fault("GET", LIST, hang=True)

    async def scenario() -> None:
        first = waiting(*imports(sandbox, 2))
        await until(lambda: hangs.hits == 1)
        await gone(first)
        sandbox.clear_faults()
        await until(lambda: not open_hubs())
        await asyncio.to_thread(assert_all_is_closed)

    asyncio.run(scenario())


def test_a_deadline_holds_though_a_round_hangs(
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


def test_a_thread_does_one_piece_of_work_after_the_other_and_ends() -> None:
    thread, done = PollThread("eci-poll-test"), []

    def fail() -> None:
        raise ValueError("a mistake")

    pieces: list[Callable[[], Any]] = [lambda: done.append(1), fail, lambda: done.append(2)]
    futures = [thread.submit(piece) for piece in pieces]
    assert isinstance(futures[1].exception(60), ValueError)
    assert futures[2].result(60) is None
    assert done == [1, 2]
    thread.shutdown()
    with pytest.raises(RuntimeError, match="no more work"):
        thread.submit(fail)
    assert_all_is_closed()


def test_a_process_ends_though_a_round_hangs() -> None:
    script = (
        "import threading\n"
        "from eci_provider.triggers.hub.thread import PollThread\n"
        "begun = threading.Event()\n"
        "PollThread('eci-poll-test').submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "begun.wait()\n"
    )

    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
