"""A key that is replaced, revoked, or lacks a permission."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from tests.support.hub import LIST, imports, together
from tests.support.turned_clock import TurnedClock, connect


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
    # The list and two imports, each with the old key and with the key as it is read again.
    assert sum(request.status == 401 for request in sandbox.requests) <= 6


@pytest.mark.parametrize("number", [0, 2])
def test_an_import_without_permission_ends_only_its_own_wait(
    number: int, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 5, last=20)
    sandbox.fault("GET", LIST, times=None, status=401)
    sandbox.fault("GET", f"{LIST}/{guids[number]}", times=None, status=401)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert events[number]["type"] == "EciAuthenticationError"
    assert guids[number] in events[number]["message"]
    assert [event["status"] for event in events] == ["error" if i == number else "found" for i in range(5)]
