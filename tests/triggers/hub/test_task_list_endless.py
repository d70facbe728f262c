"""A list of imports that has no end, or is so slow that it might as well have none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from tests.support.gateway import EndlessLists
from tests.support.hub import imports, together
from tests.support.turned_clock import TurnedClock, connect


@pytest.mark.parametrize("total", [None, "999999999"])
def test_waits_end_though_the_list_does_not(
    total: str | None, sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    guids = imports(sandbox, 3, last=[20, 1e9, 1e9])
    deadline = (turned_clock.moment + timedelta(seconds=120)).isoformat()

    with EndlessLists(sandbox.url, total).serving() as gateway:
        connect(monkeypatch, gateway.url, sandbox.api_key)
        events = together([EciTaskTrigger(guid, deadline=deadline) for guid in guids])

    assert events[0]["found"]["task_guid"] == guids[0]
    assert [event["type"] for event in events[1:]] == ["EciWaitTimeoutError"] * 2
    # Twenty pages at once, and the more rarely the less they show.
    assert 20 <= gateway.pages["task"] <= 20 * 8
    assert len(sandbox.requests) < 3 * 20


def test_a_slow_list_is_left_after_two_timeouts_and_replaced_by_single_polls(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    guids = imports(sandbox, 2, last=[100, 1e9])
    began = turned_clock.moment
    deadline = (began + timedelta(seconds=300)).isoformat()

    with EndlessLists(sandbox.url, None, lambda: turned_clock.sleep(30)).serving() as gateway:
        connect(monkeypatch, gateway.url, sandbox.api_key, timeout=20)
        events = together([EciTaskTrigger(guid, deadline=deadline) for guid in guids])

    assert events[0]["found"]["task_guid"] == guids[0]
    assert events[1]["type"] == "EciWaitTimeoutError"
    assert (turned_clock.moment - began).total_seconds() <= 300 + 2 * 30
    # The second page ends beyond two timeouts. Then the list is left alone for a minute, and longer each time.
    assert 2 <= gateway.pages["task"] <= 2 * 4
    assert "Imports are polled one by one" in caplog.text
