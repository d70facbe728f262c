"""A template that cannot be rendered fails the task at once, and says what works."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from eci_provider.api.errors import EciValidationError
from eci_provider.operators import ImportBillsOperator, OpenBatchOperator
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.support.run_task import run

ADVICE = (
    "This run has no logical date; a template such as {{ (dag_run.logical_date or dag_run.run_after) | ds }} works"
)


def _in_a_dag(kind: Any, **arguments: Any) -> Any:
    """Return a task in a DAG, whose templates may name nothing that is undefined."""
    with DAG("dag", schedule=None):
        return kind(task_id="task", **arguments)


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        (
            OpenBatchOperator,
            {"batch_code": "Bills {{ ds }}"},
            "'Bills {{ ds }}' cannot be rendered: 'ds' is un",
        ),
        (OpenBatchOperator, {"batch_code": "{{ data_interval_start | ds }}"}, ADVICE),
        (
            ImportBillsOperator,
            {"file": "a.csv", "batch_settings": {"new_batch_code": "{{ ts_nodash_with_tz }}"}},
            ADVICE,
        ),
        (EciTaskSensor, {"task_guid": "{{ ds }}"}, ADVICE),
        (OpenBatchOperator, {"batch_code": "{{ params.month }}"}, "has no attribute 'month'"),
        (
            OpenBatchOperator,
            {"batch_code": "{{ params.month "},
            "'{{ params.month ' cannot be rendered: unexpected end",
        ),
    ],
)
def test_it_is_not_retried(kind: Any, arguments: dict[str, Any], said: str, sandbox: Sandbox) -> None:
    end = run(_in_a_dag(kind, **arguments))

    assert isinstance(end.error, EciValidationError)
    assert str(end.error).startswith(f"{kind.__name__} 'task': the template ")
    assert said in str(end.error)
    assert end.is_final
    assert sandbox.requests == []


def test_airflows_own_errors_stay_as_they_are() -> None:
    end = run(_in_a_dag(OpenBatchOperator, batch_code="{{ params.month() }}"), params={"month": _raise})

    assert isinstance(end.error, LookupError)
    assert not end.is_final


def _raise() -> None:
    raise LookupError("the variable is not there yet")
