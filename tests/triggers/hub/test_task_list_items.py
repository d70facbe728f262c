"""Items of the list that cannot be read, and mistakes about it, harm no other wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from eci_provider.triggers.hub.member import Member
from eci_provider.waiting.schedule import MOST_FAILING_SECONDS
from tests.support.hub import LIST, asked, imports, raw_list, together
from tests.support.run_task import first_event
from tests.support.turned_clock import TurnedClock

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
def test_a_bad_item_of_a_running_import_costs_no_more_requests(
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


def test_an_import_submitted_in_the_year_1_is_found(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 3, last=20)

    events = together([EciTaskTrigger(guid, submitted_at="0001-01-01T00:00:00Z") for guid in guids])

    assert [event["status"] for event in events] == ["found"] * 3


def test_a_mistake_of_ours_about_the_list_ends_no_wait(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    note_listed, known = Member.note_listed, []

    def fail(member: Member, task: Any) -> None:
        if known:
            raise RuntimeError("a mistake")
        known.append(member)
        note_listed(member, task)

    monkeypatch.setattr(Member, "note_listed", fail)
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
