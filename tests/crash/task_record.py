"""Airflow's records of a task instance, which stay when its process dies, and doubles that use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from tests.support.run_task import through_serialization

RETRIES = 3


class TaskRecord:
    """
    Record of a task instance, in a JSON file. Each change is on disk when its call returns.

    :param path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self, started: datetime) -> None:
        """Create the record of a new DAG run's task instance."""
        first = {"try_number": 1, "max_tries": RETRIES, "xcoms": {}, "store": {}, "started": started.isoformat()}
        self.write(**first, deferral=None, event=None, end=None)

    def read(self, name: str) -> Any:
        """Return one field."""
        return self.all()[name]

    def all(self) -> dict[str, Any]:
        """Return all fields."""
        fields: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return fields

    def write(self, **fields: Any) -> None:
        """Change fields, whose values must be plain JSON."""
        text = json.dumps({**self.all(), **fields})
        fresh = self._path.with_suffix(".fresh")
        fresh.write_text(text)
        fresh.replace(self._path)

    def next_attempt(self) -> None:
        """Start the next attempt. As in Airflow, XComs and the deferral are deleted, and the task state stays."""
        self.write(try_number=self.read("try_number") + 1, xcoms={}, deferral=None, event=None, end=None)

    def clear(self, *, discards_state: bool) -> None:
        """Clear the task: allow as many further attempts as at first, and start the next one."""
        self.write(max_tries=self.read("try_number") + RETRIES)
        if discards_state:
            self.write(store={})
        self.next_attempt()

    def defer(self, path: str, arguments: dict[str, Any], method: str, kwargs: dict[str, Any]) -> None:
        """Record a deferral. Its values must be plain JSON after Airflow's serialization."""
        where = {"path": path, "method": method}
        self.write(
            event=None,
            deferral={
                **where,
                "arguments": through_serialization(arguments),
                "kwargs": through_serialization(kwargs),
            },
        )


Watcher = Callable[[str, Any], None]


@dataclass
class StoreDouble:
    """
    Double of ``context["task_state_store"]`` of Airflow 3.3.

    :param before: called with key and value before a change.
    :param after: called with key and value after a change.
    """

    record: TaskRecord
    before: Watcher
    after: Watcher

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value."""
        return self.record.read("store").get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Write a value."""
        if value is None:
            raise ValueError("Cannot set value as None")
        self.before(key, value)
        self.record.write(store={**self.record.read("store"), key: value})
        self.after(key, value)

    def delete(self, key: str) -> None:
        """Delete a value."""
        kept = {name: value for name, value in self.record.read("store").items() if name != key}
        self.before(key, None)
        self.record.write(store=kept)
        self.after(key, None)

    def clear(self) -> None:
        """Delete all values."""
        self.record.write(store={})


@dataclass
class InstanceDouble:
    """Double of the task instance. XComs are kept on disk."""

    task: BaseOperator
    record: TaskRecord
    before: Watcher
    after: Watcher
    try_number: int
    max_tries: int
    start_date: datetime
    task_id: str = "task"
    dag_id: str = "dag"
    run_id: str = "run"
    map_index: int = -1
    hostname: str = "worker"
    end_date: None = None

    def xcom_push(self, key: str, value: Any, **_: Any) -> None:
        """Write an XCom."""
        self.before(key, value)
        self.record.write(xcoms={**self.record.read("xcoms"), key: json.loads(json.dumps(value))})
        self.after(key, value)

    def get_task_states(
        self, dag_id: str, *, map_index: int, task_ids: list[str], run_ids: list[str]
    ) -> dict[str, Any]:
        """Return the state that Airflow has recorded."""
        return {self.run_id: {self.task_id: (self.record.read("end") or {}).get("state", "running")}}

    def xcom_pull(self, task_ids: Any = None, key: str = "return_value", **_: Any) -> Any:
        """Return an XCom of this task."""
        return self.record.read("xcoms").get(key)
