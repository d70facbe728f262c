"""Triggers: plain arguments in, one event out, whatever happens."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciBatchTrigger, EciTaskTrigger
from eci_provider.waiting.events import unpack
from tests.support.docstrings import explained_arguments, explanation
from tests.support.hub import imports
from tests.support.run_task import first_event, through_serialization
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

GUID = "123e4567-e89b-12d3-a456-426614174000"


DEADLINE = "2026-01-05T08:00:00+00:00"


@pytest.mark.parametrize(
    "trigger",
    [
        EciTaskTrigger(GUID),
        EciTaskTrigger(GUID, "other", 5.5, DEADLINE, True, DEADLINE, True, "void_batch", DEADLINE, 60.0, 30.0),
        EciBatchTrigger(7),
        EciBatchTrigger(7, "other", 5.5, DEADLINE, "Closed", True, DEADLINE),
    ],
)
def test_a_trigger_survives_what_airflow_does_to_it(trigger: EciTaskTrigger | EciBatchTrigger) -> None:
    path, arguments = trigger.serialize()

    again = type(trigger)(**through_serialization(arguments))

    assert path == f"{type(trigger).__module__}.{type(trigger).__name__}"
    assert again.serialize() == (path, arguments)
    assert json.loads(json.dumps(arguments)) == arguments


def test_the_defaults_are_the_documented_ones() -> None:
    assert EciTaskTrigger(GUID).serialize()[1] == {
        "task_guid": GUID,
        "eci_conn_id": "eci_default",
        "poll_interval": 30.0,
        "deadline": None,
        "wait_for_analysis": False,
        "execution_deadline": None,
        "reattached": False,
        "on_kill": "detach",
        "submitted_at": None,
        "timeout": None,
        "execution_timeout": None,
        "reattach": True,
        "first_poll": None,
    }


def test_a_trigger_brings_the_task_without_its_output(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.output_bytes = 100_000
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, "A-1"))

    event = asyncio.run(first_event(*EciTaskTrigger(guid).serialize()))

    assert event["status"] == "found"
    assert event["found"]["task_guid"] == guid
    assert len(json.dumps(event)) < 4000


def test_an_error_that_is_not_ours_reaches_the_task_by_its_name(
    turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_ECI_DEFAULT", raising=False)

    event = asyncio.run(first_event(*EciTaskTrigger(GUID, eci_conn_id="eci_missing").serialize()))

    with pytest.raises(errors.EciError, match="eci_missing"):
        unpack(event)


def test_an_event_says_whether_an_earlier_try_started_the_import(sandbox: Sandbox) -> None:
    (guid,) = imports(sandbox, 1, last=0)

    events = [
        asyncio.run(first_event(*EciTaskTrigger(guid, reattached=reattached).serialize()))
        for reattached in (True, False)
    ]

    assert [event["reattached"] for event in events] == [True, False]


def test_a_trigger_stored_by_an_older_version_still_starts(sandbox: Sandbox) -> None:
    (guid,) = imports(sandbox, 1, last=0)
    stored = {
        "task_guid": guid,
        "wait_for_analysis": False,
        "eci_conn_id": "eci_default",
        "poll_interval": 30.0,
        "deadline": None,
    }

    event = asyncio.run(first_event("eci_provider.triggers.task.EciTaskTrigger", stored))

    assert event["status"] == "found"


@pytest.mark.parametrize("kind", [EciTaskTrigger, EciBatchTrigger])
def test_every_argument_is_named_typed_and_explained(kind: type[Any]) -> None:
    parameters = inspect.signature(kind).parameters

    assert explained_arguments(kind) == list(parameters)
    for entry in parameters.values():
        assert entry.annotation is not entry.empty, entry.name
        has_default = entry.default is not entry.empty
        assert ("Default:" in explanation(kind, entry.name)) is has_default, entry.name
    assert [base.__name__ for base in kind.__mro__[:3]] == [kind.__name__, "EciTrigger", "BaseTrigger"]


def test_the_first_trigger_loads_the_models_without_blocking_the_event_loop() -> None:
    """Another process, because this one has loaded them."""
    script = """
import asyncio, sys, threading
from eci_provider.triggers import EciTaskTrigger

class Loads:
    threads = {}
    def find_spec(self, name, path=None, target=None):
        self.threads[name] = threading.current_thread() is threading.main_thread()

async def main():
    sys.meta_path.insert(0, Loads())
    async for event in EciTaskTrigger("not-a-guid").run():
        print(event.payload["type"])

asyncio.run(main())
heavy = [name for name in Loads.threads if name.split(".")[0] in ("eci_provider", "requests", "pydantic")]
print("eci_provider.api.models" in heavy, [name for name in heavy if Loads.threads[name]])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)

    assert done.stdout.splitlines() == ["EciValidationError", "True []"], done.stderr[-3000:]
