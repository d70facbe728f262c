"""Trouble of the server, of the key and of single imports reaches those whom it concerns, and nobody else."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.sandbox import Sandbox
from eci_provider.sandbox.clock import VIRTUAL_START
from eci_provider.triggers import EciTaskTrigger
from eci_provider.triggers.hub.member import Member
from eci_provider.waiting.schedule import MOST_FAILING_SECONDS
from tests.conftest import TurnedClock, connect
from tests.support.hub import LIST, SINGLE, asked, events_of, imports, raw_list, together, until
from tests.support.run_task import first_event


def seconds_of(sandbox: Sandbox, path: str) -> list[float]:
    """Return when requests of a path were made, in seconds since the epoch."""
    moments = [request.at for request in sandbox.requests if request.path.startswith(path)]
    return [datetime.fromisoformat(str(at).replace("Z", "+00:00")).timestamp() for at in moments]


@pytest.fixture
def at_pause(
    turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int, Callable[[], Any]], None]:
    """Return how to let something happen when the hub pauses for the n-th time."""

    def arrange(number: int, act: Callable[[], Any]) -> None:
        async def sleep(seconds: float) -> None:
            if len(turned_clock.slept) == number:
                act()
            turned_clock.sleep(seconds)

        monkeypatch.setattr("eci_provider.core.clock.sleep_async", sleep)

    return arrange


UNREADABLE = [
    {"status": {"not": "a text"}},
    {"beginDate": 7, "batch": "none"},
    {"taskId": "not a number"},
]
BAD_DATES = [
    "0001-01-01T00:00:00",  # what .NET has where nothing was set
    "0001-01-01T12:00:00+14:00",
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999Z",
    "9999-12-31T23:59:59-14:00",
    "2026-01-05T08:00:00+23:59",
    "2026-01-05T08:00:00+99:00",
    "yesterday",
]
ONE_PAGE = {"TotalPages": "1"}
BAD_ITEMS = [*UNREADABLE, *({"beginDate": date} for date in BAD_DATES)]


@pytest.mark.parametrize("spoiled", BAD_ITEMS)
def test_a_bad_item_harms_only_its_own_import(
    spoiled: dict[str, Any], sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 3, last=0)
    shown = raw_list(sandbox)
    shown[1] |= spoiled
    sandbox.fault(
        "GET", LIST, times=None, status=200, headers=ONE_PAGE, body=[None, "text", {}, {"taskGUId": 7}, *shown]
    )

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert [event["found"]["task_guid"] for event in events] == guids
    assert asked(sandbox) == (1, int(spoiled in UNREADABLE))


@pytest.mark.parametrize("spoiled", BAD_ITEMS)
def test_a_bad_item_of_an_import_that_goes_on_makes_nothing_dearer(
    spoiled: dict[str, Any], sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 4, last=60)
    shown = raw_list(sandbox)
    shown[1] |= spoiled
    sandbox.fault("GET", LIST, times=3, status=200, headers=ONE_PAGE, body=shown)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert [event["found"]["task_guid"] for event in events if event["status"] == "found"] == guids
    # The imports began today, or yesterday where that is not known; and one day more is asked for.
    asked_for = {request.query["filter"] for request in sandbox.requests if request.path == LIST}
    assert asked_for <= {f"beginDate greater than equal '2026-01-0{day}'" for day in (3, 4, 5)}


def test_an_import_submitted_before_all_time_is_found(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 3, last=20)

    events = together([EciTaskTrigger(guid, submitted_at="0001-01-01T00:00:00Z") for guid in guids])

    assert [event["status"] for event in events] == ["found"] * 3


def test_a_mistake_of_ours_about_the_list_ends_no_wait(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    note_listed, known = Member.note_listed, []

    def stumble(member: Member, task: Any) -> None:
        if known:
            raise RuntimeError("a mistake")
        known.append(member)
        note_listed(member, task)

    monkeypatch.setattr(Member, "note_listed", stumble)
    guids = imports(sandbox, 3, last=0)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert [event["found"]["task_guid"] for event in events if event["status"] == "found"] == guids
    assert asked(sandbox) == (1, 2)
    assert "RuntimeError: a mistake" in caplog.text


def test_an_import_that_cannot_be_read_at_all_fails_alone(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 3, last=2 * MOST_FAILING_SECONDS)
    shown = raw_list(sandbox)
    shown[1]["status"] = {"not": "a text"}
    sandbox.fault("GET", LIST, times=None, status=200, body=shown)
    sandbox.fault("GET", f"{LIST}/{guids[1]}", times=None, status=200, body=shown[1])

    async def scenario() -> list[dict[str, Any]]:
        running = [asyncio.ensure_future(first_event(*EciTaskTrigger(guid).serialize())) for guid in guids]
        bad = await running[1]
        assert not running[0].done()
        sandbox.clear_faults()
        return [await running[0], bad, await running[2]]

    events = asyncio.run(scenario())

    assert [event["status"] for event in events] == ["found", "error", "found"]
    assert events[1]["type"] == "EciUnreadableResponseError"
    assert guids[1] in events[1]["message"]


def test_what_the_list_never_shows_is_asked_for_alone_and_seldom_looked_for(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 3, last=900)
    shown = raw_list(sandbox)
    listing = sandbox.fault("GET", LIST, times=None, status=200, headers=ONE_PAGE, body=shown[1:])

    async def scenario() -> dict[str, Any]:
        running = [asyncio.ensure_future(first_event(*EciTaskTrigger(guid).serialize())) for guid in guids]
        event = await running[0]
        sandbox.clear_faults()
        await asyncio.gather(*running)
        return event

    event = asyncio.run(scenario())

    assert event["found"]["task_guid"] == guids[0]
    paths = Counter(request.path for request in sandbox.requests)
    assert 900 / 33 <= paths[f"{LIST}/{guids[0]}"] <= 900 / 27 * 2 + 12
    # One that is due alone is asked for alone, which happens.
    assert all(paths[f"{LIST}/{guid}"] <= 5 for guid in guids[1:])
    assert listing.hits > 900 / 33


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


def test_a_pause_that_the_server_asks_for_holds_for_who_comes_when_all_have_left(
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


def test_of_a_pause_without_end_a_day_is_obeyed(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
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


def test_a_pause_that_is_asked_for_at_one_import_holds_for_all_too(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("GET", LIST, times=None, status=403)
    sandbox.fault("GET", SINGLE, skip=12, status=429, headers={"Retry-After": "600"})

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 6, last=30)])

    assert [event["status"] for event in events] == ["found"] * 6
    pauses = [after - before for before, after in pairwise(seconds_of(sandbox, LIST + "/"))]
    assert pauses[12] >= 600


def test_what_the_list_does_not_show_is_looked_for_in_it_more_and_more_seldom(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("GET", LIST, times=None, status=200, body=[])

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 2, last=3000)])

    assert [event["status"] for event in events] == ["found"] * 2
    pages, singles = asked(sandbox)
    assert singles > 2 * 3000 / 33
    assert pages < 5 + singles / 16


def test_a_deadline_is_kept_while_the_server_asks_for_patience(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 2)
    deadline = turned_clock.moment.replace(minute=2).isoformat()
    sandbox.fault("GET", LIST, skip=1, status=503, headers={"Retry-After": "3600"})

    events = together([EciTaskTrigger(guid, deadline=deadline) for guid in guids])

    assert [event["type"] for event in events] == ["EciWaitTimeoutError"] * 2
    assert turned_clock.moment.isoformat() == deadline


def test_a_key_that_is_replaced_is_read_again(
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    monkeypatch: pytest.MonkeyPatch,
    at_pause: Callable[[int, Callable[[], Any]], None],
) -> None:
    new_key = sandbox.add_user("second")

    def replace() -> None:
        sandbox.revoke_key(sandbox.api_key)
        connect(monkeypatch, sandbox.url, new_key)

    at_pause(3, replace)

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 5, last=60)])

    assert [event["status"] for event in events] == ["found"] * 5
    assert sum(request.status == 401 for request in sandbox.requests) == 1


def test_a_key_that_is_revoked_ends_all_waits_with_few_requests(
    sandbox: Sandbox, turned_clock: TurnedClock, at_pause: Callable[[int, Callable[[], Any]], None]
) -> None:
    at_pause(3, lambda: sandbox.revoke_key(sandbox.api_key))

    guids = imports(sandbox, 40)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert {event["type"] for event in events} == {"EciAuthenticationError"}
    assert len(events) == 40
    for guid, event in zip(guids, events, strict=True):
        assert [other for other in guids if other in json.dumps(event)] == [guid]
        assert guid in event["message"]
    # The list and two imports, each with the key as it was and as it is read anew.
    assert sum(request.status == 401 for request in sandbox.requests) <= 6


@pytest.mark.parametrize("number", [0, 2])
def test_an_import_that_may_not_be_read_ends_alone_if_others_may(
    number: int, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 5, last=20)
    sandbox.fault("GET", LIST, times=None, status=401)
    sandbox.fault("GET", f"{LIST}/{guids[number]}", times=None, status=401)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert events[number]["type"] == "EciAuthenticationError"
    assert guids[number] in events[number]["message"]
    assert [event["status"] for event in events] == ["error" if i == number else "found" for i in range(5)]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 307])
def test_a_list_that_is_refused_is_done_without(
    status: int, sandbox: Sandbox, turned_clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("GET", LIST, times=None, status=status)
    began = turned_clock.moment.timestamp()

    with caplog.at_level(logging.WARNING, logger="eci_provider"):
        events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 35, last=20)])

    assert [event["status"] for event in events] == ["found"] * 35
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "one by one" in caplog.text
    moments = seconds_of(sandbox, LIST + "/")
    assert len(moments) >= 2 * 35
    # Ten at once, then ten a second.
    assert all(sum(begin <= one < begin + 1 for one in moments) <= 21 for begin in moments)
    assert len(moments) <= 10 + 10.5 * (turned_clock.moment.timestamp() - began)


def test_who_is_at_the_deadline_is_looked_at_before_those_who_can_wait(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
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
    # Ten a second are looked at, so that many others had waited for longer.
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
def test_what_goes_wrong_once_ends_no_wait(
    fault: dict[str, Any], sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("GET", LIST, skip=1, times=4, **fault)

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 3, last=30)])

    assert [event["status"] for event in events] == ["found"] * 3


def test_a_list_that_never_answers_is_done_without_if_imports_do(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("GET", LIST, times=None, drop="before")

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 5, last=2 * MOST_FAILING_SECONDS)])

    assert [event["status"] for event in events] == ["found"] * 5


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


def test_a_server_that_hangs_holds_up_no_event_loop(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
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


def test_a_missing_import_ends_its_own_wait_only(
    sandbox: Sandbox, turned_clock: TurnedClock, at_pause: Callable[[int, Callable[[], Any]], None]
) -> None:
    guids = imports(sandbox, 3, last=300)
    at_pause(3, lambda: sandbox.delete_task(guids[1]))

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert [event["status"] for event in events] == ["found", "error", "found"]
    assert events[1]["type"] == errors.EciNotFoundError.__name__
    assert len(seconds_of(sandbox, SINGLE[:-1])) <= 2
