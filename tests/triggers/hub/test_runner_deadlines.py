"""At its deadline each wait has a last poll of its own, whatever became of the list and of other polls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from tests.support.hub import LIST, SINGLE, imports, together
from tests.support.turned_clock import TurnedClock

#: When imports end, and when waits do: so close that no poll falls between the two.
ENDED, DEADLINE = 44.999, 45.0


@pytest.fixture
def at_deadline(turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], str]:
    """Return how to let something happen as the deadline comes; that returns the deadline."""

    def arrange(act: Callable[[], Any]) -> str:
        end, acted = turned_clock.moment + timedelta(seconds=DEADLINE), []

        async def sleep(seconds: float) -> None:
            turned_clock.sleep(seconds)
            # The pause before the deadline ends within a tick of it.
            if not acted and turned_clock.moment >= end - timedelta(milliseconds=1):
                acted.append(act())

        monkeypatch.setattr("eci_provider.core.clock.sleep_async", sleep)
        return end.isoformat()

    return arrange


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths that were asked for; the list times out, as a request does that gets no answer."""
    paths: list[str] = []
    send = HTTPAdapter.send

    def send_or_time_out(adapter: HTTPAdapter, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        paths.append(request.path_url.partition("?")[0])
        if paths[-1] == LIST:
            raise requests.exceptions.ReadTimeout("the read timed out", request=request)
        return send(adapter, request, **how)

    monkeypatch.setattr(HTTPAdapter, "send", send_or_time_out)
    return paths


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "before"},
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "600"}},
        {"garbage": True},
        {"truncate": 10},
        {"status": 200, "body": {"not": "a list"}},
    ],
)
def test_an_import_that_ended_in_time_is_found_although_the_list_fails(
    fault: dict[str, Any], sandbox: Sandbox, at_deadline: Callable[[Callable[[], Any]], str]
) -> None:
    guids = imports(sandbox, 3, last=ENDED)
    deadline = at_deadline(lambda: sandbox.fault("GET", LIST, times=None, **fault))

    events = together([EciTaskTrigger(guid, deadline=deadline) for guid in guids])

    assert [event["status"] for event in events] == ["found"] * 3
    assert sandbox.requests[-4].path == LIST


def test_an_import_that_ended_in_time_is_found_although_the_list_hangs(
    sandbox: Sandbox, turned_clock: TurnedClock, sent: list[str]
) -> None:
    guids = imports(sandbox, 3, last=599.999)
    deadline = (turned_clock.moment + timedelta(seconds=600)).isoformat()

    events = together([EciTaskTrigger(guid, deadline=deadline) for guid in guids])

    assert [event["status"] for event in events] == ["found"] * 3
    # After one timeout all are polled singly, and the list is tried more and more rarely.
    assert sorted(sent[1:4]) == sorted(f"{LIST}/{guid}" for guid in guids)
    assert 2 <= sent.count(LIST) <= 5


def test_a_server_that_hangs_gets_two_requests_a_cycle(
    sandbox: Sandbox, turned_clock: TurnedClock, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eci_provider.waiting.schedule.MOST_FAILURES", 5)
    sandbox.fault("GET", SINGLE, times=None, drop="before")
    guids = imports(sandbox, 50)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert {event["type"] for event in events} == {"EciConnectionError"}
    assert len(sent) <= 5 * 2 * 2
    for guid, event in zip(guids, events, strict=True):
        assert [other for other in guids if other in event["message"]] == [guid]


def test_an_import_that_ended_in_time_is_found_although_others_cannot_be_polled(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    broken, fine = imports(sandbox, 3), imports(sandbox, 2, last=ENDED)
    sandbox.fault("GET", LIST, times=None, status=403)
    for guid in broken:
        sandbox.fault("GET", f"{LIST}/{guid}", times=None, status=503)
    deadline = (turned_clock.moment + timedelta(seconds=DEADLINE)).isoformat()

    events = together([EciTaskTrigger(guid, deadline=deadline) for guid in (*broken, *fine)])

    assert [event.get("type") for event in events] == ["EciWaitTimeoutError"] * 3 + [None] * 2


@pytest.mark.parametrize(
    ("fault", "most"),
    [({"status": 503}, 4), ({"drop": "before"}, 2), ({"status": 429, "headers": {"Retry-After": "600"}}, 2)],
)
def test_a_server_that_is_down_at_many_deadlines_gets_few_requests(
    fault: dict[str, Any], most: int, sandbox: Sandbox, at_deadline: Callable[[Callable[[], Any]], str]
) -> None:
    def break_down() -> None:
        sandbox.clear_requests()
        sandbox.fault("GET", "/api/*", times=None, **fault)

    guids = imports(sandbox, 50, last=ENDED)
    deadline = at_deadline(break_down)

    events = together([EciTaskTrigger(guid, deadline=deadline) for guid in guids])

    assert {event["type"] for event in events} == {"EciWaitTimeoutError"}
    assert [request.path for request in sandbox.requests].count(LIST) == 1
    assert len(sandbox.requests) == 1 + most
    for guid, event in zip(guids, events, strict=True):
        assert event["message"].startswith(f"Import {guid} ")
