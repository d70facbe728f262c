"""Rows that an earlier version has left in Airflow's database are read by today's, and their work is finished."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version

from eci_provider.api import EciClient, errors
from eci_provider.sandbox import Sandbox
from tests.recorded import record
from tests.recorded.dag import GUID, serialized
from tests.recorded.replay import RECORDED, Replay, recorded_lives
from tests.support.run_task import first_event
from tests.support.turned_clock import TurnedClock

LIVES = recorded_lives()
#: How a recorded task goes on, how many requests that sends, and how it ends: an error, or facts of its result.
ENDS: list[tuple[str, str, int, type[Exception] | dict[str, Any]]] = [
    ("intent recorded, nothing sent", "retry", 1, {"imported": 1, "reattached": False}),
    ("intent recorded, import runs", "retry", 0, {"imported": 1, "reattached": True}),
    ("GUID recorded, worker died", "retry", 0, {"imported": 1, "reattached": True}),
    ("GUID recorded, worker died", "clear", 0, {"imported": 1, "reattached": True}),
    ("second attempt after a failure", "retry", 0, {"imported": 1, "reattached": True}),
    ("succeeded", "retry", 1, {"imported": 1, "reattached": False}),
    ("succeeded", "clear", 1, {"imported": 1, "reattached": False}),
    ("succeeded twice", "clear", 1, {"imported": 1, "reattached": False}),
    ("kicked out", "clear", 0, errors.EciKickoutsError),
    ("sent with reattach=False", "retry", 0, {"imported": 1, "reattached": True}),
    ("rounds have ended", "clear", 0, errors.EciKickoutsError),
    ("batch code recorded, nothing sent", "retry", 1, {"batch_code": "January", "batch_id": 1}),
    ("batch is open", "retry", 0, {"batch_code": "January", "batch_id": 1}),
    ("deferred", "wake", 0, {"imported": 2, "reattached": False}),
    ("deferred with everything set", "wake", 0, {"imported": 1, "reattached": False}),
    ("second round deferred", "wake", 1, errors.EciKickoutsError),
    ("sensor of an import deferred", "wake", 0, {"imported": 1}),
    ("sensor of a batch's status deferred", "wake", 0, {"batch_status": "closed"}),
    ("sensor of a batch's analysis deferred", "wake", 0, {"batch_status": "closed"}),
    ("import ended", "wake", 0, {"imported": 1, "kickouts": 0, "reattached": False}),
    ("import ended with kickouts", "wake", 0, {"imported": 1, "kickouts": 1}),
    ("import ended with kickouts, reported", "wake", 0, {"kickouts": 1}),
    ("deadline passed", "wake", 0, errors.EciWaitTimeoutError),
    ("import vanished", "wake", 0, errors.EciNotFoundError),
    ("second round ended", "wake", 1, errors.EciKickoutsError),
    ("sensor's import ended", "wake", 0, {"imported": 1}),
    ("sensor's batch closed", "wake", 0, {"batch_status": "closed"}),
]


@pytest.fixture
def replayed(
    sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Replay]:
    """Return what brings the sandbox to where it was when a row was recorded."""
    return lambda name: Replay(LIVES[name], sandbox, turned_clock, monkeypatch)


def test_every_recorded_task_is_finished_below() -> None:
    assert {name for name, *_ in ENDS} == set(LIVES)


@pytest.mark.parametrize(("name", "way", "sent", "expected"), ENDS, ids=[f"{end[0]}-{end[1]}" for end in ENDS])
def test_a_recorded_task_is_finished(
    name: str,
    way: str,
    sent: int,
    expected: type[Exception] | dict[str, Any],
    replayed: Callable[[str], Replay],
    sandbox: Sandbox,
) -> None:
    replay = replayed(name)
    if name.startswith("sensor of a batch"):
        with EciClient(sandbox.url, sandbox.api_key) as client:
            client.batches.update_status(1, "Closed")

    end = getattr(replay, way)()

    if isinstance(expected, dict):
        assert end.error is None, end.error
        assert {key: end.result[key] for key in expected} == expected
    else:
        assert isinstance(end.error, expected), end.error
    assert replay.sent == sent


def test_the_rounds_of_an_earlier_version_are_carried_on(
    replayed: Callable[[str], Replay], sandbox: Sandbox
) -> None:
    replay = replayed("second round deferred")

    replay.wake()

    assert [short["imported"] for short in replay.xcoms["return_value"]["rounds"]] == [1, 1, 0]
    assert len(sandbox.bills()) == 2


def test_a_report_is_written_for_an_event_of_an_earlier_version(replayed: Callable[[str], Replay]) -> None:
    replayed("import ended with kickouts, reported").wake()

    assert "A-2" in Path("kickouts.csv").read_text()


# What is written today is what was written then.

MASKED = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"  # times
    r"|sandbox \d{8}-\d{6} [0-9a-f]{8}"  # batch codes that the sandbox makes
)


#: A record that says that nothing was sent; the earlier version had one only for a first round.
NOTHING_SENT = {"generation": 0}


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        value = {key: kept for key, kept in value.items() if kept != NOTHING_SENT}
    return json.loads(MASKED.sub("*", json.dumps(value)))


@pytest.fixture(scope="module")
def today() -> dict[str, Any]:
    before = dict(os.environ)
    try:
        return record.lives()
    finally:
        assert dict(os.environ) == before


@pytest.mark.parametrize("name", LIVES)
@pytest.mark.parametrize("part", ["steps", "task_state"])
def test_requests_and_states_are_the_same_today(part: str, name: str, today: dict[str, Any]) -> None:
    assert _masked(today[name][part]) == _masked(LIVES[name][part])


@pytest.mark.parametrize("name", LIVES)
def test_xcoms_are_the_same_today(name: str, today: dict[str, Any]) -> None:
    then, now = _masked(LIVES[name]["xcoms"]), _masked(today[name]["xcoms"])

    assert {key: now[key] for key in then} == then
    assert set(now) - set(then) <= {"batch_id", "batch_code"}  # which later versions push too


@pytest.mark.parametrize("name", [name for name, life in LIVES.items() if life["deferral"]])
def test_trigger_rows_are_the_same_today(name: str, today: dict[str, Any]) -> None:
    then, now = _masked(LIVES[name]["deferral"]), _masked(today[name]["deferral"])

    assert now["trigger"][0] == then["trigger"][0]
    assert then["trigger"][1].items() <= now["trigger"][1].items()
    assert (now["method"], now["kwargs"]) == (then["method"], then["kwargs"])


@pytest.mark.parametrize("name", [name for name, life in LIVES.items() if life["event"]])
def test_events_are_the_same_today_but_for_their_words(name: str, today: dict[str, Any]) -> None:
    then, now = _masked(LIVES[name]["event"]), _masked(today[name]["event"])

    assert {**now, "message": None} == {**then, "message": None}


# The serialized DAG

MINOR = ".".join(airflow_version.split(".")[:2])
FILE = RECORDED / f"dag-airflow-{MINOR}.json"


@pytest.fixture
def recorded_dag() -> dict[str, Any]:
    if not FILE.exists():
        pytest.skip(f"no DAG was recorded with Airflow {MINOR}")
    dag: dict[str, Any] = json.loads(FILE.read_text())["dag"]
    return dag


def _by_task(dag: dict[str, Any]) -> dict[str, dict[str, Any]]:
    tasks = [task.get("__var", task) for task in dag["dag"]["tasks"]]
    return {task["task_id"]: task for task in tasks}


def test_airflow_reads_the_recorded_dag_with_todays_package(recorded_dag: dict[str, Any]) -> None:
    try:
        from airflow.serialization.serialized_objects import DagSerialization as Serialization
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as Serialization

    dag = Serialization.from_dict(recorded_dag)

    assert {task.task_id for task in dag.tasks} == set(_by_task(recorded_dag))
    for task in dag.tasks:
        assert task.task_type in vars(import_module(task._task_module)) or task.is_mapped


def test_every_recorded_argument_is_still_one(recorded_dag: dict[str, Any]) -> None:
    then, now = _by_task(recorded_dag), _by_task(serialized())

    assert then.keys() == now.keys()
    for name, task in then.items():
        fields = set(task["template_fields"])
        assert fields <= set(now[name]["template_fields"])
        assert {field: task[field] for field in fields & task.keys()} == {
            field: now[name][field] for field in fields & task.keys()
        }
        for fact in ("_operator_extra_links", "start_trigger_args", "start_from_trigger", "partial_kwargs"):
            assert task.get(fact) == now[name].get(fact), (name, fact)


def test_a_task_that_starts_in_the_triggerer_does_so_from_the_recorded_dag(
    recorded_dag: dict[str, Any], sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    task = _by_task(recorded_dag)["wait_in_triggerer"]
    if not task.get("start_from_trigger"):
        pytest.skip(f"no task starts in the triggerer with Airflow {MINOR}")
    guid = sandbox.start_import("", seconds=30)
    row = json.loads(json.dumps(task["start_trigger_args"]).replace(GUID, guid))
    arguments = row["trigger_kwargs"]["__var"] if "__var" in row["trigger_kwargs"] else row["trigger_kwargs"]

    event = asyncio.run(first_event(row["trigger_cls"], arguments))

    assert (event["status"], event["task_guid"]) == ("found", guid)
