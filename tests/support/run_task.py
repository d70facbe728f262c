"""Run a task as Airflow does, without its database: render, execute, defer, trigger, resume."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseOperator,
    TaskDeferred,
)


@dataclass
class TaskInstanceDouble:
    """Stand in for the task instance, which needs Airflow's API server: it keeps what is pushed."""

    task: BaseOperator
    xcoms: dict[str, Any] = field(default_factory=dict)
    task_id: str = field(init=False)
    dag_id: str = "dag"
    run_id: str = "run"
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 0
    #: The state that Airflow has recorded when the callbacks run.
    state: str = "success"
    #: What all instances of a mapped task pushed, by key and map index.
    shared: dict[tuple[str, int], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.task_id = self.task.task_id

    def xcom_pull(self, task_ids: str | list[str], key: str, **_: Any) -> Any:
        """Return what this task itself pushed; asked for a list of tasks, what all its instances did."""
        if isinstance(task_ids, list):
            return [value for (name, _index), value in self.shared.items() if name == key]
        return self.xcoms.get(key)

    def get_task_states(
        self, dag_id: str, *, map_index: int, task_ids: list[str], run_ids: list[str]
    ) -> dict[str, Any]:
        """Return the recorded state as Airflow's API server does."""
        assert (dag_id, task_ids, run_ids) == (self.dag_id, [self.task_id], [self.run_id])
        assert map_index == self.map_index
        name = self.task_id if map_index < 0 else f"{self.task_id}_{map_index}"
        return {self.run_id: {name: self.state}}

    def xcom_push(self, key: str, value: Any, **_: Any) -> None:
        """Keep a value as Airflow's XCom would."""
        self.xcoms[key] = self.shared[key, self.map_index] = as_stored(value)


class TaskStateDouble:
    """
    Stand in for Airflow's task state store, which outlives tries and clears: it keeps JSON.

    Set ``refuses`` to let it fail for some values, as if Airflow's API server were down.
    """

    def __init__(self) -> None:
        self.records: dict[str, Any] = {}
        self.refuses: Callable[[Any], bool] = lambda value: False

    def get(self, key: str, default: Any = None) -> Any:
        """Return what was written."""
        return self.records.get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Keep a value."""
        if self.refuses(value):
            raise OSError("Airflow's API server is down")
        self.records[key] = as_stored(value)


@dataclass
class Finished:
    """Hold how a task ended."""

    state: str
    result: Any
    error: BaseException | None
    xcoms: dict[str, Any]
    deferrals: list[tuple[str, dict[str, Any]]]

    @property
    def is_final(self) -> bool:
        """Tell whether Airflow would not retry it."""
        return isinstance(self.error, (AirflowFailException, AirflowSensorTimeout))


def run(task: BaseOperator, *, instance: dict[str, Any] | None = None, **context: Any) -> Finished:
    """
    Run one try of a task to its end, its triggers included.

    :param task: the operator or sensor.
    :param instance: facts of the task instance, such as its try's number.
    :param context: further entries of Airflow's context, for templates.
    """
    double = TaskInstanceDouble(task, **(instance or {}))
    full: dict[str, Any] = {
        "ti": double,
        "task": task,
        "run_id": "run",
        "params": {},
        "ts_nodash": "20260105T080000",
        "logical_date": datetime(2026, 1, 5, 8, tzinfo=timezone.utc),
        **context,
    }
    deferrals: list[tuple[str, dict[str, Any]]] = []
    state, result, error = "failed", None, None
    try:
        task.render_template_fields(full)
        result = _to_the_end(task, full, deferrals)
        state = "success"
        if result is not None:
            double.xcom_push("return_value", result)
        _call(task.on_success_callback, full)
    except AirflowSkipException as skip:
        state, error = "skipped", skip
    except Exception as failure:
        full["exception"] = error = failure
    _call({"failed": task.on_failure_callback, "skipped": task.on_skipped_callback}.get(state), full)
    # As Airflow 3 does in the worker; one without a URL becomes an empty row.
    for link in task.operator_extra_links:
        double.xcom_push(link.xcom_key, link.get_link(operator=task, ti_key=double))
    return Finished(state, double.xcoms.get("return_value"), error, double.xcoms, deferrals)


def _call(callbacks: Any, context: dict[str, Any]) -> None:
    """Call callbacks; Airflow 3 makes a list of a single one."""
    for callback in callbacks if isinstance(callbacks, list) else [callbacks] if callbacks else []:
        callback(context)


class Tries:
    """
    Run a task try after try, as Airflow does after failures, deaths and clears.

    :param make: returns the task, made again for each try, as in a new process.
    :param has_state: whether this Airflow has a task state store.
    :param retries: how many retries the task has.
    """

    def __init__(self, make: Callable[[], BaseOperator], *, has_state: bool = True, retries: int = 3) -> None:
        self.make = make
        self._retries = self.max_tries = retries
        self.state = TaskStateDouble() if has_state else None
        self.try_number = 0

    def run(self, *, recorded: str = "success", **context: Any) -> Finished:
        """
        Run the next try.

        :param recorded: the state that Airflow records if it succeeds.
        """
        self.try_number += 1
        if self.state is not None:
            context["task_state_store"] = self.state
        instance = {"try_number": self.try_number, "max_tries": self.max_tries, "state": recorded}
        return run(self.make(), instance=instance, **context)

    def clear(self) -> None:
        """Let a person clear the task: its count of tries grows, its state stays."""
        self.max_tries = self.try_number + self._retries

    def discard_state(self) -> None:
        """Discard the task state, as Airflow does after a success with ``[state_store] clear_on_success``."""
        if self.state is not None:
            self.state.records = {}


def _to_the_end(task: BaseOperator, context: dict[str, Any], deferrals: list[tuple[str, dict[str, Any]]]) -> Any:
    try:
        return task.execute(context)
    except TaskDeferred as deferred:
        pause = deferred
    while True:
        path, arguments = pause.trigger.serialize()
        arguments = through_serialization(arguments)
        deferrals.append((path, arguments))
        event = asyncio.run(first_event(path, arguments))
        next_kwargs = {**(pause.kwargs or {}), "event": through_serialization(event)}
        try:
            return task.resume_execution(pause.method_name, next_kwargs, context)
        except TaskDeferred as deferred:
            pause = deferred


def through_serialization(value: Any) -> Any:
    """Send a value through what Airflow stores triggers and events with."""
    try:
        from airflow.sdk.serde import deserialize, serialize
    except ImportError:
        from airflow.serialization.serialized_objects import BaseSerialization

        serialize, deserialize = BaseSerialization.serialize, BaseSerialization.deserialize
    return deserialize(as_stored(serialize(value)))


def as_stored(value: Any) -> Any:
    """
    Return a value as PostgreSQL's JSONB gives it back, where Airflow keeps XComs, events and task states.

    It must be JSON, and JSONB refuses what JSON alone allows: NaN, U+0000 and halves of surrogate pairs.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    if re.search(r"(?<!\\)(\\\\)*\\u0000", text):
        raise ValueError(f"unsupported Unicode escape sequence: {text}")
    return json.loads(text)


async def first_event(path: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make a trigger from what was stored, and run it until it fires."""
    module, _, name = path.rpartition(".")
    trigger = getattr(__import__(module, fromlist=[name]), name)(**arguments)
    async for event in trigger.run():
        return event.payload
    raise AssertionError(f"{path} ended without an event")


def as_passed_on(event: Any) -> Any:
    """Return an event as it leaves the triggerer's process (Airflow 3), which fails if it cannot encode it."""
    try:
        from msgspec import msgpack
    except ImportError:
        return event
    return msgpack.decode(msgpack.encode(event))
