"""Triggers that wait together cost few requests, and each gets its own end."""

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
from tests.conftest import TurnedClock, connect
from tests.support.hub import LIST, SINGLE, asked, assert_all_is_closed, events_of, imports, together, until
from tests.support.run_task import first_event


def test_two_thousand_waits_cost_two_pages_an_interval(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 2000, last=150)
    began = turned_clock.moment

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert [event["found"]["task_guid"] for event in events] == guids
    assert all(event["found"]["end_date"] for event in events)
    assert (turned_clock.moment - began).total_seconds() < 150 + 1.1 * 30
    pages, singles = asked(sandbox)
    assert singles == 0
    assert pages <= 2 * (10 + 5)  # ten quick looks at the young, and one in 27 to 30 seconds from then on
    assert len({request.connection for request in sandbox.requests}) == 1
    # Two pages are not asked for every second, even while the imports are young.
    assert min(turned_clock.slept) > 1.99


def test_one_wait_asks_for_its_import_alone(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    (guid,) = imports(sandbox, 1, last=60)

    (event,) = together([EciTaskTrigger(guid)])

    assert event["found"]["task_guid"] == guid
    assert asked(sandbox)[0] == 0


def test_waits_that_begin_apart_come_together(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
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


def test_an_import_begun_long_ago_is_in_the_list_if_its_trigger_says_when(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 3, last=5 * 86400)
    submitted_at = turned_clock.moment.isoformat()
    turned_clock.sleep(5 * 86400 - 20)

    events = together([EciTaskTrigger(guid, submitted_at=submitted_at) for guid in guids])

    assert all(event["status"] == "found" for event in events)
    assert asked(sandbox)[1] == 0


def test_without_it_one_single_look_tells_for_the_rest_of_the_wait(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 3, last=5 * 86400)
    turned_clock.sleep(5 * 86400 - 300)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert all(event["status"] == "found" for event in events)
    pages, singles = asked(sandbox)
    assert singles == 3
    assert pages > 10


def test_an_old_import_makes_the_list_dearer_for_nobody(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eci_provider.triggers.hub.task_list._MOST_PAGES", 2)
    old_from = turned_clock.moment.isoformat()
    old = imports(sandbox, 2, last=13 * 86400 + 900)
    turned_clock.sleep(10 * 86400)
    imports(sandbox, 2500, last=0)
    turned_clock.sleep(3 * 86400)
    young_from = turned_clock.moment.isoformat()
    young = imports(sandbox, 40, last=600)

    events = together(
        [EciTaskTrigger(guid, submitted_at=old_from) for guid in old]
        + [EciTaskTrigger(guid, submitted_at=young_from) for guid in young]
    )

    assert [event["found"]["task_guid"] for event in events] == old + young
    paths = [request.path.rpartition("/")[2] for request in sandbox.requests]
    # Once the list was too long; what was not seen then is looked at singly at once, ten a second.
    assert sum(paths.count(guid) for guid in young) <= 10
    assert paths.count("task") <= 2 + 10 + 600 / 27
    for guid in old:
        assert 900 / 33 <= paths.count(guid) <= 10 + 900 / 27


@pytest.mark.parametrize("key", ["taskGUId", "taskGuid", "TASKGUID"])
def test_guids_are_compared_without_regard_to_case(key: str, sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    sandbox.settings.guid_key = key
    guids = imports(sandbox, 2, last=10)

    events = together([EciTaskTrigger(guid.upper()) for guid in guids])

    assert [event["found"]["task_guid"] for event in events] == guids
    assert asked(sandbox)[1] == 0


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


def test_a_line_about_a_wait_is_in_its_own_triggers_log(
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
        assert f"Import {guid} is 'In progress'." in said
        assert f"Import {guid} is 'Failed'." in said
        assert not any(other in message for other in guids if other != guid for message in said)
    assert sum("retrying" in message for owner, message in lines if owner in guids) == 1
    (shared,) = [message for owner, message in lines if owner == "nobody's"]
    assert "one by one" in shared


def test_the_last_one_out_closes_and_the_next_one_in_opens(
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


def test_two_connections_share_nothing_and_a_hanging_server_holds_up_only_its_own(
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


@pytest.mark.parametrize("leaves", ["one is cancelled", "the event loop ends"])
def test_who_leaves_disturbs_nobody(leaves: str, sandbox: Sandbox, turned_clock: TurnedClock) -> None:
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


def test_what_two_threads_clear_up_at_once_is_cleared_up_once(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
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
