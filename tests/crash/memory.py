"""What Airflow keeps of a task instance when its process dies, on disk as Airflow keeps it in its database."""

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


class Memory:
    """
    Keep a task instance's facts in a JSON file; every change is on disk when its call returns.

    :param path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self, started: datetime) -> None:
        """Make the task instance of a new DAG run."""
        first = {"try_number": 1, "max_tries": RETRIES, "xcoms": {}, "store": {}, "started": started.isoformat()}
        self.write(**first, deferral=None, event=None, end=None)

    def read(self, name: str) -> Any:
        """Return one fact."""
        return self.all()[name]

    def all(self) -> dict[str, Any]:
        """Return all facts."""
        facts: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return facts

    def write(self, **facts: Any) -> None:
        """Change facts, which must be plain JSON."""
        text = json.dumps({**self.all(), **facts})
        fresh = self._path.with_suffix(".fresh")
        fresh.write_text(text)
        fresh.replace(self._path)

    def next_try(self) -> None:
        """Forget what Airflow forgets when a new try starts: XComs and the deferral, not the task state."""
        self.write(try_number=self.read("try_number") + 1, xcoms={}, deferral=None, event=None, end=None)

    def clear(self) -> None:
        """Do what clearing does: allow as many further tries as at first, and run the next one."""
        self.write(max_tries=self.read("try_number") + RETRIES)
        self.next_try()

    def defer(self, path: str, arguments: dict[str, Any], method: str, kwargs: dict[str, Any]) -> None:
        """Keep a deferral; what is not plain JSON after Airflow's serialization fails here."""
        kept = {"path": path, "method": method}
        self.write(
            event=None,
            deferral={
                **kept,
                "arguments": through_serialization(arguments),
                "kwargs": through_serialization(kwargs),
            },
        )


Watcher = Callable[[str, Any], None]


@dataclass
class StoreDouble:
    """
    Stand in for ``context["task_state_store"]`` of Airflow 3.3.

    :param before: called with the key and value of what is about to be kept.
    :param after: called when it is.
    """

    memory: Memory
    before: Watcher
    after: Watcher

    def get(self, key: str, default: Any = None) -> Any:
        """Return a kept value."""
        return self.memory.read("store").get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Keep a value."""
        if value is None:
            raise ValueError("Cannot set value as None")
        self.before(key, value)
        self.memory.write(store={**self.memory.read("store"), key: value})
        self.after(key, value)

    def delete(self, key: str) -> None:
        """Forget a value."""
        kept = {name: value for name, value in self.memory.read("store").items() if name != key}
        self.before(key, None)
        self.memory.write(store=kept)
        self.after(key, None)

    def clear(self) -> None:
        """Forget all values."""
        self.memory.write(store={})


@dataclass
class InstanceDouble:
    """Stand in for the task instance: it keeps what is pushed on disk."""

    task: BaseOperator
    memory: Memory
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
        """Keep an XCom."""
        self.before(key, value)
        self.memory.write(xcoms={**self.memory.read("xcoms"), key: json.loads(json.dumps(value))})
        self.after(key, value)

    def xcom_pull(self, task_ids: Any = None, key: str = "return_value", **_: Any) -> Any:
        """Return an XCom of this task."""
        return self.memory.read("xcoms").get(key)
