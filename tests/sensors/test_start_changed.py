"""What policies and subclasses change of a sensor after it was made holds for the trigger with which it starts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from eci_provider.sensors import EciTaskSensor
from tests.sensors.test_start import GUID, STARTS, needs_start, sensor, stored


def _reads_elsewhere(task: EciTaskSensor) -> None:
    task.eci_conn_id = "other"
    task.wait_for_analysis = True
    task.poke_interval = 5.0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda task: setattr(task, "execution_timeout", timedelta(minutes=5)), {"execution_timeout": 300.0}),
        (lambda task: setattr(task, "timeout", 60), {"timeout": 60.0}),
        (lambda task: setattr(task, "timeout", timedelta(minutes=2)), {"timeout": 120.0}),
        (_reads_elsewhere, {"eci_conn_id": "other", "wait_for_analysis": True, "poll_interval": 5.0}),
    ],
)
@needs_start
def test_a_change_by_a_policy_reaches_the_trigger(
    change: Callable[[EciTaskSensor], None], expected: dict[str, Any]
) -> None:
    with DAG("dag", schedule=None) as dag:
        task = sensor()
    before = task.start_trigger_args.trigger_kwargs

    change(task)

    arguments = stored(dag)["wait"].start_trigger_args
    assert arguments.trigger_kwargs["__var"] == {**before, **expected}
    assert arguments.timeout == timedelta(seconds=expected.get("timeout", task.timeout), minutes=10)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deferrable", False),
        ("start_from_trigger", False),
        ("on_execute_callback", print),
        ("pre_execute", print),
        ("task_guid", "{{ ti.xcom_pull('submit') }}"),
        ("eci_conn_id", "{{ params.connection }}"),
        ("wait_for_analysis", "{{ params.analysed }}"),
        ("wait_for_analysis", "no boolean"),
        ("timeout", 1e12),
        ("timeout", float("nan")),
        ("execution_timeout", timedelta(days=400)),
    ],
)
@needs_start
def test_a_policy_can_make_it_start_in_a_worker(name: str, value: Any) -> None:
    with DAG("dag", schedule=None) as dag:
        task = sensor()
    assert task.start_from_trigger

    setattr(task, name, value)

    assert not stored(dag)["wait"].start_from_trigger


def test_a_change_by_a_subclass_reaches_the_trigger() -> None:
    class InProduction(EciTaskSensor):
        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            self.eci_conn_id = "eci_prod"

    task = InProduction(task_id="wait", task_guid=GUID, deferrable=True)

    assert task.start_from_trigger is STARTS
    if STARTS:
        assert task.start_trigger_args.trigger_kwargs["eci_conn_id"] == "eci_prod"


def test_a_guid_that_a_worker_rendered_does_not_start_in_the_triggerer() -> None:
    task = sensor(task_guid="{{ ti.xcom_pull('submit') }}")

    task.render_template_fields({"ti": SimpleNamespace(xcom_pull=lambda _: GUID)})

    assert task.task_guid == GUID
    assert not task.start_from_trigger
