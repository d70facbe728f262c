"""Bring a sandbox to where it was when a row was recorded, and let today's package finish the work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from airflow.providers.common.compat.sdk import TaskDeferred

from eci_provider.sandbox import Sandbox
from tests.recorded.record import Guids, made
from tests.support.run_task import (
    Finished,
    TaskInstanceDouble,
    TaskStateDouble,
    first_event,
    through_serialization,
)
from tests.support.turned_clock import TurnedClock

RECORDED = Path(__file__).parent


def recorded_lives() -> dict[str, Any]:
    """Return what was recorded, by name."""
    lives: dict[str, Any] = json.loads((RECORDED / "lives.json").read_text())["lives"]
    return lives


class Replay:
    """
    A recorded task, its sandbox and its clock, at the moment of the recording.

    :param life: what was recorded.
    """

    def __init__(
        self, life: dict[str, Any], sandbox: Sandbox, clock: TurnedClock, patch: pytest.MonkeyPatch
    ) -> None:
        self.sandbox, self.clock = sandbox, clock
        sandbox.settings.delay = 60
        patch.setattr("eci_provider.sandbox.tasks.uuid", Guids())
        life = deepcopy(life)
        for step in life["steps"]:
            self._take(step)
        self._turn_to(life["now"])
        self.kind, self.arguments = life["kind"], life["arguments"]
        self.try_number, self.max_tries = life["try_number"], life["max_tries"]
        self.state = TaskStateDouble()
        self.state.records = life["task_state"]
        self.xcoms, self.deferral, self.event = life["xcoms"], life["deferral"], life["event"]
        sandbox.clear_requests()

    def _take(self, step: dict[str, Any]) -> None:
        self._turn_to(step.get("at", "2026-01-05T08:00:00Z"))
        if "file" in step:
            Path("bills.csv").write_text(step["file"])
        elif "account" in step:
            self.sandbox.tasks()  # what is due by now has happened without it
            self.sandbox.add_account(step["account"])
        elif "fail_next_import" in step:
            self.sandbox.fail_next_import()
        elif "delete_task" in step:
            self.sandbox.delete_task(step["delete_task"])
        else:
            headers = {"ECI-ApiKey": self.sandbox.api_key, "Content-Type": "application/json"}
            url = self.sandbox.url + step["path"]
            requests.request(
                step["method"], url, headers=headers, json=step["body"], timeout=30
            ).raise_for_status()

    def _turn_to(self, moment: str) -> None:
        seconds = (datetime.fromisoformat(moment.replace("Z", "+00:00")) - self.clock.moment).total_seconds()
        if seconds > 0:
            self.clock.sleep(seconds)

    @property
    def sent(self) -> int:
        """How many requests have started or opened something since the recording."""
        return sum(request.method == "POST" for request in self.sandbox.requests)

    def retry(self) -> Finished:
        """Let Airflow retry the task."""
        self.try_number += 1
        return self._to_the_end(lambda task, context: task.execute(context))

    def clear(self) -> Finished:
        """Let a person clear the task, which then has three retries again."""
        self.max_tries = self.try_number + 3
        return self.retry()

    def wake(self) -> Finished:
        """Let the recorded event wake the task, or that of the recorded trigger where none was recorded."""
        event = self.event or asyncio.run(first_event(*self.deferral["trigger"]))
        method, kwargs = (
            self.deferral["method"],
            {**self.deferral["kwargs"], "event": through_serialization(event)},
        )
        return self._to_the_end(lambda task, context: task.resume_execution(method, kwargs, context))

    def _to_the_end(self, method: Callable[[Any, dict[str, Any]], Any]) -> Finished:
        state, result, error = "failed", None, None
        while True:
            task = made(self.kind, self.arguments)
            instance = TaskInstanceDouble(task, self.xcoms, try_number=self.try_number, max_tries=self.max_tries)
            context: dict[str, Any] = {"ti": instance, "task": task, "run_id": "run", "params": {}}
            context["task_state_store"] = self.state
            try:
                task.render_template_fields(context)
                result, state = method(task, context), "success"
            except TaskDeferred as pause:
                method = self._woken(pause)
                continue
            except Exception as failure:
                error = failure
            return Finished(state, result, error, self.xcoms, [])

    def _woken(self, pause: TaskDeferred) -> Callable[[Any, dict[str, Any]], Any]:
        path, arguments = pause.trigger.serialize()
        kwargs = {**(pause.kwargs or {}), "event": asyncio.run(first_event(path, arguments))}
        return lambda task, context: task.resume_execution(pause.method_name, kwargs, context)
