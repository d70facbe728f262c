"""Texts of any length, and values that Airflow cannot store, come out of an event within bounds."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci_provider.api import errors
from eci_provider.core.text import storable
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from eci_provider.triggers import EciTaskTrigger
from eci_provider.waiting.events import error_event, found_event, unpack
from tests.support.hub import LIST, imports
from tests.support.run_task import as_passed_on, as_stored, first_event, run
from tests.support.turned_clock import TurnedClock

SINGLE = "/api/v3/task/*"


LONG = "R" * 300_000
#: When the sandbox's clock starts.
END = "2026-01-05T08:00:00Z"


#: How many bytes the parts of Airflow pass to each other without trouble.
MOST = 16 * 1024


ANSWERS = pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 200, "body": {"status": LONG}}, "EciWaitTimeoutError"),
        ({"status": 200, "body": {"status": "é" * 100_000}}, "EciWaitTimeoutError"),
        ({"status": 200, "body": {"status": "s", "endDate": LONG}}, "EciWaitTimeoutError"),
        ({"status": 200, "body": {"status": "s", "endDate": END, "message": LONG, "taskNote": LONG}}, None),
        ({"status": 403, "body": LONG, "headers": {"X-Request-Id": "r" * 30_000}}, "EciPermissionError"),
        ({"status": 503, "body": LONG, "headers": {"X-Request-Id": "r" * 30_000}}, "EciWaitTimeoutError"),
    ],
)


@ANSWERS
def test_an_event_is_short_whatever_the_server_sends(
    answer: dict[str, Any],
    error: str | None,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (guid,) = imports(sandbox, 1)
    sandbox.fault("GET", SINGLE, times=None, **answer)
    sandbox.fault("GET", LIST, times=None, status=403)
    deadline = (turned_clock.moment + timedelta(seconds=10)).isoformat()

    with caplog.at_level("INFO", logger="eci_provider"):
        event = asyncio.run(first_event(*EciTaskTrigger(guid, deadline=deadline).serialize()))

    assert event.get("type") == error
    assert len(json.dumps(event)) < MOST
    assert guid in event.get("message", guid)
    assert all(len(record.getMessage()) < 2000 for record in caplog.records if record.name.startswith("eci"))


def test_an_error_in_a_worker_is_short(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    (guid,) = imports(sandbox, 1)
    sandbox.fault("GET", SINGLE, times=None, status=200, body={"status": LONG})
    sensor = EciTaskSensor(task_id="wait", task_guid=guid, timeout=10)

    end = run(sensor)

    assert "RRRR" in str(end.error)
    assert len(str(end.error)) < 1000


@settings(deadline=None)
@given(
    st.text(min_size=1, max_size=50),
    st.dictionaries(st.text(max_size=9), st.text(max_size=9) | st.lists(st.text(max_size=9)), max_size=5),
    st.sampled_from([1, 100, 2000]),
)
def test_an_error_of_any_length_is_restored_from_an_event(said: str, details: dict[str, Any], times: int) -> None:
    longer = {name: fact * times for name, fact in details.items()}
    error = errors.EciServerError(said * times, status=503, method="GET", path="/p" * times, body=said * times)
    error.details |= longer

    event = as_stored(error_event(error, task_guid="guid"))

    assert len(json.dumps(event)) < MOST
    with pytest.raises(errors.EciServerError) as caught:
        unpack(event)
    assert caught.value.status == 503
    assert caught.value.retry_helps


#: Any JSON, and more than that: what Python reads of a server that sends NaN or halves of pairs.
TEXTS = st.text(st.characters() | st.sampled_from("\x00\ud800\udfff\U0001f600\\u"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_whatever_the_server_sent_can_be_stored(value: Any) -> None:
    assert as_stored(storable(value)) == storable(value)
    for event in (
        found_event({"value": value}, task_guid="g"),
        error_event(errors.EciError("m", value=value), batch_id=1),
    ):
        as_stored(event)
        assert as_passed_on(event) == event
