"""The list of imports: read for many waits at once, and done without where it is of no use."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any

import pytest

from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from eci_provider.waiting.schedule import MOST_FAILING_SECONDS
from tests.support.hub import LIST, asked, imports, raw_list, seconds_of, together
from tests.support.run_task import first_event
from tests.support.turned_clock import TurnedClock


def test_two_thousand_waits_cost_two_pages_an_interval(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 2000, last=150)
    began = turned_clock.moment

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert [event["found"]["task_guid"] for event in events] == guids
    assert all(event["found"]["end_date"] for event in events)
    assert (turned_clock.moment - began).total_seconds() < 150 + 1.1 * 30
    pages, singles = asked(sandbox)
    assert singles == 0
    assert pages <= 2 * (10 + 5)  # ten quick polls during the ramp-up, then one in 27 to 30 seconds
    assert len({request.connection for request in sandbox.requests}) == 1
    # Two pages are not asked for every second, even while the imports are young.
    assert min(turned_clock.slept) > 1.99


def test_one_wait_polls_its_import_singly(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    (guid,) = imports(sandbox, 1, last=60)

    (event,) = together([EciTaskTrigger(guid)])

    assert event["found"]["task_guid"] == guid
    assert asked(sandbox)[0] == 0


def test_an_old_import_is_read_from_the_list_if_its_trigger_says_when_it_began(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    guids = imports(sandbox, 3, last=5 * 86400)
    submitted_at = turned_clock.moment.isoformat()
    turned_clock.sleep(5 * 86400 - 20)

    events = together([EciTaskTrigger(guid, submitted_at=submitted_at) for guid in guids])

    assert all(event["status"] == "found" for event in events)
    assert asked(sandbox)[1] == 0


def test_without_that_one_single_poll_is_enough_to_learn_it(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 3, last=5 * 86400)
    turned_clock.sleep(5 * 86400 - 300)

    events = together([EciTaskTrigger(guid) for guid in guids])

    assert all(event["status"] == "found" for event in events)
    pages, singles = asked(sandbox)
    assert singles == 3
    assert pages > 10


def test_one_old_import_does_not_lengthen_the_list_for_the_others(
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
    # Once the list was too long; the imports that it did not show were polled singly, ten a second.
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


def test_an_import_that_the_list_never_shows_is_polled_singly(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guids = imports(sandbox, 3, last=900)
    shown = raw_list(sandbox)
    listing = sandbox.fault("GET", LIST, times=None, status=200, headers={"TotalPages": "1"}, body=shown[1:])

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


def test_a_list_that_shows_nothing_is_read_more_and_more_rarely(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("GET", LIST, times=None, status=200, body=[])

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 2, last=3000)])

    assert [event["status"] for event in events] == ["found"] * 2
    pages, singles = asked(sandbox)
    assert singles > 2 * 3000 / 33
    assert pages < 5 + singles / 16


@pytest.mark.parametrize("status", [400, 401, 403, 404, 307])
def test_a_list_that_is_refused_is_replaced_by_single_polls(
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


def test_a_list_that_never_answers_is_replaced_by_single_polls(
    sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("GET", LIST, times=None, drop="before")

    events = together([EciTaskTrigger(guid) for guid in imports(sandbox, 5, last=2 * MOST_FAILING_SECONDS)])

    assert [event["status"] for event in events] == ["found"] * 5
