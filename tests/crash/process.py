"""One process of a task: what a worker or a triggerer does, until the process ends or dies."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import traceback
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSkipException,
    BaseOperator,
    Context,
    TaskDeferred,
)

from eci_provider.core import clock
from tests.crash.cells import Point
from tests.crash.death import DeathPoint, use_server_clock, watch_requests
from tests.crash.scenario import Scenario
from tests.crash.task_record import InstanceDouble, StoreDouble, TaskRecord
from tests.support.run_task import first_event, through_serialization


def has_task_state() -> bool:
    """Return whether this Airflow has a task state store."""
    return "task_state_store" in Context.__annotations__


def start_process(scenario: Scenario, record: TaskRecord, log: Path, *, armed: bool) -> int:
    """
    Fork a process that runs the task's next phase.

    :param log: file for its output.
    :param armed: whether it dies at the cell's point.
    :return: its process id.
    """
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        gc.disable()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        _run(scenario, record, armed=armed)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def phase(record: TaskRecord) -> str:
    """Return the task's next phase: ``execute``, ``trigger`` or ``resume``."""
    if record.read("deferral") is None:
        return "execute"
    return "trigger" if record.read("event") is None else "resume"


def _run(scenario: Scenario, record: TaskRecord, *, armed: bool) -> None:
    now = phase(record)
    print(f"--- {now}, attempt {record.read('try_number')}, {'dies' if armed else 'does not die'}", flush=True)
    death = DeathPoint(scenario.cell, now, armed=armed)
    use_server_clock(scenario.cell, scenario.server, death)
    watch_requests(scenario.cell, scenario.server, death)
    if now == "trigger":
        deferral = record.read("deferral")
        record.write(
            event=through_serialization(asyncio.run(first_event(deferral["path"], deferral["arguments"])))
        )
        return
    _run_in_worker(scenario, record, death, now)


def _run_in_worker(scenario: Scenario, record: TaskRecord, death: DeathPoint, now: str) -> None:
    """Run the task as a worker does."""
    task = scenario.task()
    context = _context(task, record, death, with_store=scenario.cell.remembers)
    try:
        task.render_template_fields(context)
        result = task.execute(context) if now == "execute" else _resume(task, record, context)
    except TaskDeferred as pause:
        path, arguments = pause.trigger.serialize()
        record.defer(path, arguments, pause.method_name, pause.kwargs or {})
        return
    except AirflowSkipException as skip:
        _end(record, "skipped", skip)
        return
    except Exception as error:
        traceback.print_exc()
        _end(record, "failed", error)
        return
    death.before_output()
    death.dies(Point.BEFORE_RESULT)
    context["ti"].xcom_push("return_value", result)
    death.dies(Point.AFTER_RESULT)
    _end(record, "success", None)
    death.dies(Point.AFTER_SUCCESS)
    _call_back(task, context)


def _call_back(task: BaseOperator, context: Any) -> None:
    """
    Call ``on_success_callback`` as Airflow does: after the success is recorded, and without raising its errors.
    """
    callbacks = task.on_success_callback or []
    for callback in callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]:
        try:
            callback(context)
        except Exception:
            traceback.print_exc()


def _resume(task: BaseOperator, record: TaskRecord, context: Any) -> Any:
    deferral = record.read("deferral")
    kwargs = {**deferral["kwargs"], "event": record.read("event")}
    return task.resume_execution(deferral["method"], kwargs, context)


def _end(record: TaskRecord, state: str, error: BaseException | None) -> None:
    kinds = [base.__name__ for base in type(error).__mro__] if error else []
    is_final = state != "failed" or isinstance(error, AirflowFailException)
    record.write(end={"state": state, "kinds": kinds, "message": str(error or ""), "is_final": is_final})


def _context(task: BaseOperator, record: TaskRecord, death: DeathPoint, *, with_store: bool) -> Any:
    started = datetime.fromisoformat(record.read("started"))
    instance = InstanceDouble(
        task,
        record,
        death.before_push,
        death.after_push,
        try_number=record.read("try_number"),
        max_tries=record.read("max_tries"),
        start_date=clock.utc_now(),
    )
    run = SimpleNamespace(run_id="run", start_date=started, queued_at=started, logical_date=started, conf={})
    run.run_after, run.clear_number, run.run_type = started, 0, "scheduled"
    context: dict[str, Any] = {
        "ti": instance,
        "task_instance": instance,
        "task": task,
        "run_id": "run",
        "dag_run": run,
        "params": {},
        "logical_date": started,
        "ts_nodash": f"{started:%Y%m%dT%H%M%S}",
    }
    if with_store:
        context["task_state_store"] = StoreDouble(record, death.before_storing, death.after_storing)
    return context
