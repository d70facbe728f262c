"""Triggers that wait together share requests, and each gets its own end."""

from __future__ import annotations

import asyncio
import gc
import logging
import tracemalloc
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciBatchTrigger, EciTaskTrigger
from eci_provider.triggers.hub.hub import _hubs, open_hubs
from tests.support.hub import LIST, SINGLE, assert_all_is_closed, events_of, imports, together, until
from tests.support.run_task import first_event
from tests.support.turned_clock import TurnedClock


def test_waits_that_begin_apart_come_to_poll_together(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 40, last=600)

    async def one_after_another() -> list[dict[str, Any]]:
        running = []
        for guid in guids:
            running.append(asyncio.ensure_future(first_event(*EciTaskTrigger(guid).serialize())))
            moment = turned_clock.moment
            await until(lambda moment=moment: turned_clock.moment > moment)  # type: ignore[misc]
        return await asyncio.gather(*running)

    events = asyncio.run(one_after_another())

    assert all(event["status"] == "found" for event in events)
    recent = (sandbox.now() - timedelta(seconds=270)).isoformat()
    late = [request for request in sandbox.requests if str(request.at) > recent]
    # Nine intervals; by themselves they would be 40 requests each.
    assert len(late) <= 2 * 9 + 2


def test_two_may_wait_for_the_same_import(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 2, last=10)

    events = together([EciTaskTrigger(guid) for guid in (*guids, guids[0])])

    assert [event["found"]["task_guid"] for event in events] == [*guids, guids[0]]


def test_batches_are_waited_for_in_the_same_session(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch_ids = [client.batches.open(code).batch_id or 0 for code in ("one", "two")]
        for batch_id in batch_ids:
            client.batches.close(batch_id)
    sandbox.clear_requests()
    guids = imports(sandbox, 2)

    events = together([EciBatchTrigger(batch_id, batch_status="Closed") for batch_id in batch_ids] + [])
    assert [event["found"]["batch_id"] for event in events] == batch_ids

    deadline = (turned_clock.moment + timedelta(seconds=30)).isoformat()
    events = together(
        [EciBatchTrigger(batch_id, batch_status="Open", deadline=deadline) for batch_id in batch_ids]
        + [EciTaskTrigger(guid, deadline=deadline) for guid in guids]
    )

    assert [event["type"] for event in events] == ["EciWaitTimeoutError"] * 4
    assert len({request.connection for request in sandbox.requests}) == 2  # one for each event loop


def test_each_deadline_is_kept_exactly(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    spans = [7.5, 33.0, 33.25, 60.0, 90.0]
    guids = imports(sandbox, len(spans) + 1)
    began, ended = turned_clock.moment, []

    async def noted(guid: str, span: float) -> dict[str, Any]:
        deadline = (began + timedelta(seconds=span)).isoformat()
        event = await first_event(*EciTaskTrigger(guid, deadline=deadline).serialize())
        ended.append((turned_clock.moment - began).total_seconds())
        return event

    async def all_of_them() -> list[dict[str, Any]]:
        endless = asyncio.ensure_future(first_event(*EciTaskTrigger(guids[-1]).serialize()))
        events = await asyncio.gather(*map(noted, guids, spans))
        endless.cancel()
        return events

    events = asyncio.run(all_of_them())

    assert [event["type"] for event in events] == ["EciWaitTimeoutError"] * len(spans)
    assert ended == pytest.approx(spans, abs=0.01)
    assert all(end >= span - 1e-3 for end, span in zip(ended, spans, strict=True))
    assert_all_is_closed()


def test_a_log_line_about_a_wait_belongs_to_its_own_trigger(
    sandbox: Sandbox, turned_clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    guids = imports(sandbox, 3, last=[5, 40, 70])
    current: ContextVar[str] = ContextVar("current", default="nobody's")
    lines: list[tuple[str, str]] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append((current.get(), record.getMessage()))

    async def in_its_context(guid: str) -> None:
        current.set(guid)
        await first_event(*EciTaskTrigger(guid).serialize())

    async def all_of_them() -> None:
        await asyncio.gather(*map(in_its_context, guids))

    sandbox.fault("GET", LIST, skip=2, status=403)
    sandbox.fault("GET", SINGLE, skip=2, status=503)
    listener = Listener()
    logging.getLogger("eci_provider").addHandler(listener)
    try:
        with caplog.at_level(logging.INFO, logger="eci_provider"):
            asyncio.run(all_of_them())
    finally:
        logging.getLogger("eci_provider").removeHandler(listener)

    for guid in guids:
        said = [message for owner, message in lines if owner == guid]
        assert any(m.startswith(f"Waiting for import {guid} to end: 'In progress' since 2026-") for m in said)
        assert f"Import {guid} is 'Failed'." in said
        assert not any(other in message for other in guids if other != guid for message in said)
    assert sum("retrying" in message for owner, message in lines if owner in guids) == 1
    (shared,) = [message for owner, message in lines if owner == "nobody's"]
    assert "one by one" in shared


def test_the_last_trigger_closes_the_client_and_the_next_one_opens_another(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, closed = EciClient.close, []
    monkeypatch.setattr(EciClient, "close", lambda client: closed.append(close(client)))
    guids = imports(sandbox, 4, last=[5, 8, 11, 14])

    async def twice() -> None:
        for pair in (guids[:2], guids[2:]):
            await events_of([EciTaskTrigger(guid) for guid in pair])
            await until(lambda: not open_hubs())
            await asyncio.to_thread(assert_all_is_closed)
        assert len(closed) == 2

    asyncio.run(twice())

    assert len({request.connection for request in sandbox.requests}) == 2


@pytest.mark.parametrize("leaves", ["one is cancelled", "the event loop ends"])
def test_a_trigger_that_leaves_disturbs_no_other(leaves: str, sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 3, last=[1e9, 120, 240])

    async def scenario() -> list[dict[str, Any]]:
        running = [asyncio.ensure_future(first_event(*EciTaskTrigger(guid).serialize())) for guid in guids]
        await until(lambda: len(turned_clock.slept) > 3)
        if leaves == "the event loop ends":
            return []
        running[0].cancel()
        return await asyncio.gather(*running[1:])

    events = asyncio.run(scenario())

    assert [event["found"]["task_guid"] for event in events] == (guids[1:] if "one" in leaves else [])
    assert_all_is_closed()


def test_two_threads_may_clear_up_the_same_closed_loop(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    class ClearedUpMeanwhile(asyncio.SelectorEventLoop):
        """Stand in for a loop that another thread finds closed at the same moment."""

        def is_closed(self) -> bool:
            _hubs.pop(self, None)
            return super().is_closed()

    loop = ClearedUpMeanwhile()
    loop.close()
    _hubs[loop] = {}
    (guid,) = imports(sandbox, 1, last=0)

    (event,) = together([EciTaskTrigger(guid)])

    assert event["found"]["task_guid"] == guid


def test_a_mistake_of_ours_reaches_every_task(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("eci_provider.triggers.hub.runner.CycleRunner.finish_cycle", break_down)

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 2)])

    assert [event["message"] for event in events] == ["RuntimeError: a mistake"] * 2


def test_a_wait_takes_little_memory(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    count = 500
    guids = imports(sandbox, count)
    hangs = sandbox.fault("GET", LIST, hang=True)
    deadline = "2026-03-01T00:00:00+00:00"

    async def bytes_of(make: Callable[[str], Awaitable[Any]], ready: Callable[[], bool]) -> float:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        running = [asyncio.ensure_future(make(guid)) for guid in guids]
        await until(ready)
        gc.collect()
        used = tracemalloc.get_traced_memory()[0] - before
        for one in running:
            one.cancel()
        await asyncio.wait(running)
        return used / count

    async def scenario() -> float:
        # What any trigger costs: a task in which a generator waits.
        async def any_event(guid: str) -> Any:
            async for event in _waits_for_ever():
                return event
            return None

        any_trigger = await bytes_of(any_event, lambda: True)
        ours = await bytes_of(
            lambda guid: first_event(*EciTaskTrigger(guid, deadline=deadline).serialize()), lambda: hangs.hits == 1
        )
        sandbox.clear_faults()
        return ours - any_trigger

    asyncio.run(events_of([EciTaskTrigger(guid, deadline="2026-01-05T00:00:00Z") for guid in guids[:1]]))
    tracemalloc.start()
    try:
        assert asyncio.run(scenario()) < 4096
    finally:
        tracemalloc.stop()
    assert_all_is_closed()


async def _waits_for_ever() -> Any:
    await asyncio.get_running_loop().create_future()
    yield
