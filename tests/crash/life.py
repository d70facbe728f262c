"""One process of a task's life: what a worker or a triggerer does with it, until it ends or dies."""

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
from tests.crash.dying import Doom, doom_requests, turn_clock
from tests.crash.memory import InstanceDouble, Memory, StoreDouble
from tests.crash.stage import Stage
from tests.support.run_task import first_event, through_serialization


def has_task_state() -> bool:
    """Tell whether this Airflow has a task state store."""
    return "task_state_store" in Context.__annotations__


def born(stage: Stage, memory: Memory, log: Path, *, armed: bool) -> int:
    """
    Fork a process that takes the task's life one phase further.

    :param log: what it writes goes there.
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
        _live(stage, memory, armed=armed)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def phase(memory: Memory) -> str:
    """Return what comes next in the task's life."""
    if memory.read("deferral") is None:
        return "execute"
    return "trigger" if memory.read("event") is None else "resume"


def _live(stage: Stage, memory: Memory, *, armed: bool) -> None:
    now = phase(memory)
    print(f"--- {now}, try {memory.read('try_number')}, {'doomed' if armed else 'not doomed'}", flush=True)
    doom = Doom(stage.cell, now, armed=armed)
    turn_clock(stage.cell, stage.server, doom)
    doom_requests(stage.cell, stage.server, doom)
    if now == "trigger":
        deferral = memory.read("deferral")
        memory.write(
            event=through_serialization(asyncio.run(first_event(deferral["path"], deferral["arguments"])))
        )
        return
    _work(stage, memory, doom, now)


def _work(stage: Stage, memory: Memory, doom: Doom, now: str) -> None:
    """Do what a worker does."""
    task = stage.task()
    context = _context(task, memory, doom, with_store=stage.cell.remembers)
    try:
        task.render_template_fields(context)
        result = task.execute(context) if now == "execute" else _resumed(task, memory, context)
    except TaskDeferred as pause:
        path, arguments = pause.trigger.serialize()
        memory.defer(path, arguments, pause.method_name, pause.kwargs or {})
        return
    except AirflowSkipException as skip:
        _end(memory, "skipped", skip)
        return
    except Exception as error:
        traceback.print_exc()
        _end(memory, "failed", error)
        return
    doom.acts()
    doom.dies(Point.BEFORE_RESULT)
    context["ti"].xcom_push("return_value", result)
    doom.dies(Point.AFTER_RESULT)
    _end(memory, "success", None)
    doom.dies(Point.AFTER_SUCCESS)
    _call_back(task, context)


def _call_back(task: BaseOperator, context: Any) -> None:
    """Call on_success_callback as Airflow does: once the success is recorded, passing over what they raise."""
    callbacks = task.on_success_callback or []
    for callback in callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]:
        try:
            callback(context)
        except Exception:
            traceback.print_exc()


def _resumed(task: BaseOperator, memory: Memory, context: Any) -> Any:
    deferral = memory.read("deferral")
    kwargs = {**deferral["kwargs"], "event": memory.read("event")}
    return task.resume_execution(deferral["method"], kwargs, context)


def _end(memory: Memory, state: str, error: BaseException | None) -> None:
    kinds = [base.__name__ for base in type(error).__mro__] if error else []
    is_final = state != "failed" or isinstance(error, AirflowFailException)
    memory.write(end={"state": state, "kinds": kinds, "message": str(error or ""), "is_final": is_final})


def _context(task: BaseOperator, memory: Memory, doom: Doom, *, with_store: bool) -> Any:
    started = datetime.fromisoformat(memory.read("started"))
    instance = InstanceDouble(
        task,
        memory,
        doom.before_push,
        doom.after_push,
        try_number=memory.read("try_number"),
        max_tries=memory.read("max_tries"),
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
        context["task_state_store"] = StoreDouble(memory, doom.before_storing, doom.after_storing)
    return context
