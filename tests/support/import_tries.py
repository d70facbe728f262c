"""What tests of an import's errors share: a file, its task's tries, and ways for a try to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout, TaskDeferred

from eci_provider.operators import ImportBillsOperator
from tests.support.run_task import Finished, TaskInstanceDouble, Tries
from tests.support.two_bills import TwoBills

TASK = "/api/v3/task/*"
MODES = pytest.mark.parametrize("deferrable", [False, True])
BATCH = {"batch_mode": "new batch", "new_batch_code": "January"}


class Scene(TwoBills):
    """Hold the tries of a task that imports the file."""

    def task(self, **arguments: Any) -> ImportBillsOperator:
        return ImportBillsOperator(task_id="import_bills", file=str(self.path), poll_interval=10, **arguments)

    def tries(self, **arguments: Any) -> Tries:
        """Return the tries of a task."""
        return Tries(lambda: self.task(**arguments))

    @property
    def guid(self) -> str:
        """Return the only import there is."""
        (task,) = self.sandbox.tasks()
        return str(task["task_guid"])


def says(end: Finished, *words: str) -> None:
    for one in words:
        assert one in str(end.error)


def says_not(end: Finished, *words: str) -> None:
    for one in words:
        assert one not in str(end.error)


def end_the_try(scene: Scene, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let Airflow's alarm go off in a worker."""

    def sleep(pause: float) -> None:
        scene.clock.sleep(pause)
        if sum(scene.clock.slept) > seconds:
            raise AirflowTaskTimeout("Timeout, PID: 7")

    monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)


def deferred(
    scene: Scene, *, has_state: bool = True, **arguments: Any
) -> tuple[str, Callable[[str, dict[str, Any]], Finished]]:
    """Let a try defer, and return its import and how Airflow resumes it in another process."""
    state = Tries(lambda: scene.task()).state if has_state else None
    task = scene.task(deferrable=True, **arguments)
    double = TaskInstanceDouble(task, max_tries=3)
    context: dict[str, Any] = {"ti": double, "task": task, "run_id": "run", "params": {}}
    if state is not None:
        context["task_state_store"] = state
    task.render_template_fields(context)
    with pytest.raises(TaskDeferred):
        task.execute(context)

    def resume(method: str, kwargs: dict[str, Any]) -> Finished:
        again, result, error = scene.task(deferrable=True, **arguments), None, None
        try:
            result = again.resume_execution(method, kwargs, context)
        except Exception as failure:
            error = failure
        return Finished("failed" if error else "success", result, error, double.xcoms, [])

    return str(double.xcoms["task_guid"]), resume
