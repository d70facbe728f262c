"""A deferrable EciTaskSensor starts with its trigger on Airflow 3.3: no worker before the import has ended."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowSensorTimeout, BaseOperator, TaskDeferred
from airflow.triggers.base import BaseTrigger

from eci_provider.api import errors
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from eci_provider.triggers import EciTaskTrigger
from eci_provider.waiting.events import error_event
from tests.support.hub import imports, together
from tests.support.run_task import TaskInstanceDouble, run, through_serialization
from tests.support.turned_clock import TurnedClock

GUID = "123e4567-e89b-12d3-a456-426614174000"
STARTS = hasattr(BaseTrigger, "render_template_fields")
needs_start = pytest.mark.skipif(not STARTS, reason="this Airflow renders no templates in the triggerer")


def sensor(**arguments: Any) -> EciTaskSensor:
    return EciTaskSensor(**{"task_id": "wait", "task_guid": GUID, "deferrable": True, **arguments})


def stored(dag: DAG) -> dict[str, Any]:
    """Return a DAG's tasks as the scheduler and a triggerer read them."""
    from airflow.serialization.serialized_objects import DagSerialization

    return dict(DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag)))).task_dict)


def with_own(name: str) -> type[EciTaskSensor]:
    """Return a sensor that does something of its own in a method which a worker calls before the wait."""

    def method(self: EciTaskSensor, *arguments: Any, **named: Any) -> Any:
        return getattr(super(own, self), name)(*arguments, **named)

    own = type("Own", (EciTaskSensor,), {name: method})
    return own


@pytest.mark.parametrize(
    "name", ["execute", "pre_execute", "check_together", "read", "new_run", "render_template_fields", "defer"]
)
def test_a_subclass_with_a_step_before_the_wait_starts_in_a_worker(name: str) -> None:
    assert not with_own(name)(task_id="wait", task_guid=GUID, deferrable=True).start_from_trigger


def test_a_subclass_that_only_changes_the_end_starts_in_the_triggerer() -> None:
    assert (
        with_own("execute_complete")(task_id="wait", task_guid=GUID, deferrable=True).start_from_trigger is STARTS
    )


@pytest.mark.parametrize(
    "task_guid",
    [
        GUID,
        "{{ params.guid }}",
        "{{dag_run.conf['guid']}}",
        "{{- var.json.imports['first'].guid -}}",
        "{{ params.one }}-e89b-12d3-{{ var.value.two }}-426614174000",
    ],
)
def test_it_starts_in_the_triggerer_where_airflow_can(task_guid: str) -> None:
    started = sensor(task_guid=task_guid, timeout=3600, execution_timeout=timedelta(minutes=5))

    assert started.start_from_trigger is STARTS
    if STARTS:
        arguments = started.start_trigger_args
        assert arguments.trigger_cls == "eci_provider.triggers.task.EciTaskTrigger"
        assert json.loads(json.dumps(arguments.trigger_kwargs)) == {
            "task_guid": task_guid,
            "eci_conn_id": "eci_default",
            "poll_interval": 30.0,
            "wait_for_analysis": False,
            "timeout": 3600.0,
            "execution_timeout": 300.0,
        }
        assert arguments.next_method == "execute_complete"
        assert arguments.timeout > timedelta(hours=1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"deferrable": False},
        {"eci_conn_id": "{{ params.connection }}"},
        {"wait_for_analysis": "{{ params.analysed }}"},
        {"on_execute_callback": print},
        {"pre_execute": print},
        # What a triggerer would wait for in vain, or would render otherwise.
        {"task_guid": "{{ ti.xcom_pull('submit') }}"},
        {"task_guid": "{{ params.guid or ti.xcom_pull('submit') }}"},
        {"task_guid": "{{ macro() }}"},
        {"task_guid": "{{ params.guid | ds }}"},
        {"task_guid": "{% if params.guid %}{{ prev_start_date_success }}{% endif %}"},
        {"task_guid": "{{ params.guid }}{{ unknown }}"},
        {"task_guid": "{{ params[unknown] }}"},
    ],
)
def test_arguments_that_need_a_worker_first_start_there(arguments: dict[str, Any]) -> None:
    assert not sensor(**arguments).start_from_trigger


def test_the_output_of_another_task_needs_a_worker() -> None:
    with DAG("dag", schedule=None):
        submit = BaseOperator(task_id="submit")
        waits = sensor(task_guid=submit.output)

    assert waits.upstream_task_ids == {"submit"}
    assert not waits.start_from_trigger


@needs_start
def test_a_serialized_dag_says_so_but_not_of_a_mapped_task() -> None:
    with DAG("dag", schedule=None) as dag:
        sensor(task_id="alone")
        EciTaskSensor.partial(task_id="mapped", deferrable=True).expand(task_guid=[GUID])

    tasks = stored(dag)

    assert tasks["alone"].start_from_trigger
    assert tasks["alone"].start_trigger_args.timeout == sensor().start_trigger_args.timeout
    assert not tasks["mapped"].start_from_trigger


def started_trigger(task: EciTaskSensor, at: datetime, **rendered: str) -> EciTaskTrigger:
    """Return the trigger as a triggerer makes it, with the time-out that the scheduler stored at the start."""
    arguments = task.start_trigger_args
    assert arguments is not None
    trigger = EciTaskTrigger(**{**through_serialization(arguments.trigger_kwargs), **rendered})
    limits = [arguments.timeout, *filter(None, [task.execution_timeout])]
    trigger.timeout_after = at + min(limits)  # type: ignore[attr-defined]
    return trigger


@needs_start
@pytest.mark.parametrize(
    ("limits", "ended_by", "seconds"),
    [
        ({"timeout": 120}, "timeout", 120),
        ({"timeout": 7200, "execution_timeout": timedelta(seconds=600)}, "execution_timeout", 540),
        ({"timeout": 100, "execution_timeout": timedelta(seconds=600)}, "timeout", 100),
    ],
)
@pytest.mark.parametrize("restarts_after", [0, 50])
def test_the_deadline_counts_from_the_start_whatever_restarts(
    limits: dict[str, Any],
    ended_by: str,
    seconds: float,
    restarts_after: float,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
) -> None:
    (guid,) = imports(sandbox, 1)
    began = turned_clock.moment
    task = sensor(task_guid=guid, **limits)
    turned_clock.sleep(restarts_after)

    (event,) = _fired([started_trigger(task, began)])

    assert turned_clock.moment - began == timedelta(seconds=seconds)
    assert event["type"] == "EciWaitTimeoutError"
    assert event["details"]["ended_by"] == ended_by
    with pytest.raises(errors.EciWaitTimeoutError) as caught:
        task.resume_execution("execute_complete", {"event": event}, _context(task))
    assert isinstance(caught.value, AirflowSensorTimeout) is (ended_by == "timeout")


@needs_start
@pytest.mark.parametrize("is_known", [True, False])
def test_an_unknown_execution_timeout_ends_no_wait_at_its_start(
    is_known: bool, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    (guid,) = imports(sandbox, 1, last=120)
    trigger = EciTaskTrigger(guid, timeout=604800.0)
    trigger.timeout_after = turned_clock.moment + timedelta(minutes=5)  # type: ignore[attr-defined]
    if is_known:
        limited = SimpleNamespace(execution_timeout=timedelta(minutes=5), start_trigger_args=None, template_ext=())
        trigger.task_instance = SimpleNamespace(task=limited, task_id="wait")  # type: ignore[assignment]

    (event,) = _fired([trigger])

    assert event["status"] == "found"


def _fired(triggers: list[EciTaskTrigger]) -> list[dict[str, Any]]:
    """Run triggers as they are; a copy would not know when they began."""

    async def fired(trigger: EciTaskTrigger) -> dict[str, Any]:
        (event,) = [event.payload async for event in trigger.run()]
        return event  # type: ignore[no-any-return]

    async def all_of_them() -> list[dict[str, Any]]:
        return await asyncio.gather(*map(fired, triggers))

    return asyncio.run(all_of_them())


def _context(task: BaseOperator) -> dict[str, Any]:
    return {"ti": TaskInstanceDouble(task), "task": task}


@needs_start
@pytest.mark.parametrize("lasts", [0, 90])
def test_its_result_is_that_of_a_worker(lasts: float, sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    guid, other = imports(sandbox, 2, last=lasts)
    task = sensor(task_guid=guid, success_statuses=["failed"])
    (event,) = _fired([started_trigger(task, turned_clock.moment)])

    result = task.resume_execution("execute_complete", {"event": through_serialization(event)}, _context(task))
    in_a_worker = run(sensor(task_guid=other, success_statuses=["failed"], deferrable=False)).result

    own = ("task_guid", "task_id", "begin_date", "end_date")
    assert {**result, **dict.fromkeys(own)} == {**in_a_worker, **dict.fromkeys(own)}
    assert result["task_guid"] == guid


@needs_start
def test_a_wrong_guid_is_refused_by_the_sensor(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    task = sensor(task_guid="{{ params.guid }}")
    (event,) = _fired([started_trigger(task, turned_clock.moment, task_guid="nonsense")])
    task.task_guid = "nonsense"  # a worker renders it likewise

    with pytest.raises(errors.EciValidationError, match="EciTaskSensor 'wait': task_guid is 'nonsense'"):
        task.resume_execution("execute_complete", {"event": event}, _context(task))
    assert sandbox.requests == []


@needs_start
@pytest.mark.parametrize("rendered", ["", "None", "{{ macro() }}", "123e4567-e89b-12d3-a456-426614174999"])
def test_a_guid_that_a_worker_renders_otherwise_is_waited_for_again(
    rendered: str, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    (guid,) = imports(sandbox, 1, last=60)
    task = sensor(task_guid="{{ params.guid }}")
    (event,) = _fired([started_trigger(task, turned_clock.moment, task_guid=rendered)])
    task.task_guid = guid.upper()

    with pytest.raises(TaskDeferred) as deferred:
        task.resume_execution("execute_complete", {"event": event}, _context(task))

    (event,) = together([deferred.value.trigger])
    assert event["found"]["task_guid"] == guid
    with pytest.raises(errors.EciImportFailedError):  # an import without a file
        task.resume_execution(deferred.value.method_name, {"event": event}, _context(task))


@needs_start
def test_a_template_that_fails_in_the_triggerer_is_left_to_a_worker() -> None:
    trigger = EciTaskTrigger("{{ ti.no_such(1) }}")
    trigger.template_fields = ("task_guid",)

    trigger.render_template_fields({"ti": object()})

    assert trigger.task_guid == "{{ ti.no_such(1) }}"


@needs_start
def test_a_wrong_on_kickouts_is_refused_at_the_end(sandbox: Sandbox) -> None:
    task = sensor(on_kickouts="fail")
    task.on_kickouts = "ignore"
    event = error_event(errors.EciError("whatever"), task_guid=GUID)

    with pytest.raises(errors.EciValidationError, match="on_kickouts"):
        task.resume_execution("execute_complete", {"event": event}, _context(task))
