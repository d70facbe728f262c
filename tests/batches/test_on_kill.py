"""What a user's kill makes of an import: nothing but words, or a batch whose bills are void."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

STATUS = "/api/v202206/batch/*/status"


@pytest.fixture
def guid(sandbox: Sandbox, tmp_path: Path) -> str:
    """Submit an import of one bill that takes a minute."""
    sandbox.add_account("A-1")
    sandbox.settings.delay = 60
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.bill_imports.submit(bill_file(tmp_path, "A-1"))


def kill(guid: str, caplog: pytest.LogCaptureFixture, **arguments: Any) -> tuple[str, str]:
    """Kill the trigger as Airflow does, and return the level and text of what the person on call can read."""
    with caplog.at_level(logging.INFO):
        caplog.clear()
        asyncio.run(EciTaskTrigger(guid, **{"on_kill": "void_batch", **arguments}).on_kill())
    lines = [
        (one.levelname, one.getMessage()) for one in caplog.records if one.name == "eci_provider.batches.on_kill"
    ]
    assert len(lines) == 1, lines
    return lines[0]


def only_batch(sandbox: Sandbox) -> str:
    (batch,) = sandbox.batches()
    return batch["batch_status"].lower()


def test_detached_it_goes_on(sandbox: Sandbox, guid: str, caplog: pytest.LogCaptureFixture) -> None:
    sandbox.clear_requests()

    level, said = kill(guid, caplog, on_kill="detach")

    assert level == "INFO"
    for words in (guid, "continues in EnergyCAP", "reattaches"):
        assert words in said
    assert sandbox.requests == []


def test_detached_from_a_task_that_would_import_again_it_says_what_to_do(
    guid: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, said = kill(guid, caplog, on_kill="detach", reattach=False)

    for words in (guid, "continues in EnergyCAP", "would import again", f"adopt_task_guid to '{guid}'"):
        assert words in said
    assert "reattaches" not in said


@pytest.mark.parametrize("ended", [False, True])
def test_its_batch_is_voided(
    ended: bool, sandbox: Sandbox, guid: str, turned_clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    if ended:
        sandbox.advance(61)

    level, said = kill(guid, caplog)

    assert only_batch(sandbox) == "pending"
    assert level == "WARNING"
    assert guid in said
    assert "was set to Pending" in said


def test_a_batch_that_shows_late_is_waited_for(
    sandbox: Sandbox, guid: str, turned_clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.settings.batch_visible = "at_end"
    sandbox.advance(59)

    level, _ = kill(guid, caplog)

    assert (only_batch(sandbox), level) == ("pending", "WARNING")
    assert 1 <= sum(turned_clock.slept) < 4


def test_an_import_without_a_batch_is_left_to_a_person(
    sandbox: Sandbox, guid: str, turned_clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.settings.batch_visible = "at_end"

    level, said = kill(guid, caplog)

    assert only_batch(sandbox) == "open"
    assert level == "ERROR"
    assert "has none yet" in said
    assert "UpdateBatchStatusOperator" in said
    assert sum(turned_clock.slept) < 4


@pytest.mark.parametrize(
    ("status", "level", "words"), [("Pending", "WARNING", "was Pending already"), ("Closed", "ERROR", "is Closed")]
)
def test_a_batch_that_is_not_open_stays_as_it_is(
    status: Any,
    level: str,
    words: str,
    sandbox: Sandbox,
    guid: str,
    turned_clock: TurnedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.advance(61)
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.update_status(sandbox.batches()[0]["batch_id"], status)
    sandbox.clear_requests()

    told = kill(guid, caplog)

    assert only_batch(sandbox) == status.lower()
    assert told[0] == level
    assert words in told[1]
    assert {request.method for request in sandbox.requests} == {"GET"}


@pytest.mark.parametrize(
    ("method", "path", "fault"),
    [
        ("PUT", STATUS, {"drop": "after"}),
        ("PUT", STATUS, {"drop": "before"}),
        ("PUT", STATUS, {"status": 502}),
        ("GET", "/api/v3/task/*", {"status": 503}),
        ("GET", "/api/v3/task/*", {"status": 404}),
        ("GET", "/api/v3/batch/*", {"drop": "before"}),
        ("GET", "/api/v3/batch/*", {"status": 404}),
        ("PUT", STATUS, {"status": 404}),
    ],
)
def test_a_stumble_does_not_keep_the_batch_from_being_voided(
    method: str,
    path: str,
    fault: dict[str, Any],
    sandbox: Sandbox,
    guid: str,
    turned_clock: TurnedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.fault(method, path, **fault)

    level, said = kill(guid, caplog)

    assert (only_batch(sandbox), level) == ("pending", "WARNING")
    assert "was set to Pending" in said


@pytest.mark.parametrize(
    ("method", "path", "fault", "words"),
    [
        ("PUT", STATUS, {"status": 403}, "403"),
        ("GET", "/api/v3/task/*", {"status": 404}, "404"),
        ("GET", "/api/v3/task/*", {"hang": True}, "no complete answer"),
    ],
)
def test_what_cannot_be_done_is_said_and_raises_nothing(
    method: str,
    path: str,
    fault: dict[str, Any],
    words: str,
    sandbox: Sandbox,
    guid: str,
    turned_clock: TurnedClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eci_provider.triggers.kill.KILL_SECONDS", 1.0)
    sandbox.fault(method, path, times=None, **fault)

    level, said = kill(guid, caplog)
    sandbox.clear_faults()

    assert level == "ERROR"
    for expected in (guid, words, "could not be set to Pending", "UpdateBatchStatusOperator"):
        assert expected in said


def test_a_connection_that_is_gone_is_said_too(guid: str, caplog: pytest.LogCaptureFixture) -> None:
    level, said = kill(guid, caplog, eci_conn_id="eci_missing")

    assert level == "ERROR"
    assert "AirflowNotFoundException" in said
    assert guid in said
