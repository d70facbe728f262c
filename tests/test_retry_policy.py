"""The retry policy and the default arguments, judged by the Airflow that uses them."""

from __future__ import annotations

import logging
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from eci_provider.api import errors
from eci_provider.retry_policy import EciRetryPolicy, eci_default_args

needs_policies = pytest.mark.skipif(EciRetryPolicy.__base__ is object, reason="this Airflow has no retry policies")

DAG = """
from datetime import datetime
from airflow.providers.common.compat.sdk import DAG
from eci_provider.operators import ImportBillsOperator, OpenBatchOperator
from eci_provider.retry_policy import eci_default_args
from eci_provider.sensors import EciTaskSensor

with DAG("monthly_bills", schedule=None, start_date=datetime(2026, 1, 1), default_args=eci_default_args()):
    OpenBatchOperator(task_id="open", batch_code="2026-01")
    ImportBillsOperator.partial(task_id="send").expand(file=["a.csv", "b.csv"])
    EciTaskSensor(task_id="wait", task_guid="123e4567-e89b-12d3-a456-426614174000", retries=7)
"""


def response(cls: type[errors.EciResponseError], status: int, retry_after: float | None = None) -> errors.EciError:
    return cls("said no\nand more", status=status, method="GET", path="/p", retry_after=retry_after)


@needs_policies
@pytest.mark.parametrize(
    ("error", "action", "delay", "reason"),
    [
        (response(errors.EciAuthenticationError, 401), "fail", None, "said no"),
        (response(errors.EciBadRequestError, 400), "fail", None, "said no"),
        (errors.EciValidationError(["one", "two"], source="here"), "fail", None, "here: 2 problems:"),
        (errors.EciKickoutsError("kicked", result={}), "fail", None, "kicked"),
        (errors.EciWaitTimeoutError("late"), "fail", None, "late"),
        (errors.EciWaitTimeoutError("cut", ended_by="execution_timeout"), "default", None, None),
        (errors.EciTriggerError("died"), "default", None, None),
        (response(errors.EciRateLimitError, 429, 90.0), "retry", timedelta(seconds=90), "said no"),
        (response(errors.EciServerError, 503, 0.0), "retry", timedelta(seconds=1), "said no"),
        (response(errors.EciServerError, 503, 1e300), "retry", timedelta(days=1), "said no"),
        (response(errors.EciServerError, 503), "default", None, None),
        (errors.EciUnknownOutcomeError("who knows"), "retry", timedelta(seconds=30), "who knows"),
        (errors.EciImportFailedError("none", result={"imported": 0}), "default", None, None),
        (errors.EciImportFailedError("some", result={"imported": 3}), "fail", None, "some"),
        (ValueError("not ours"), "default", None, None),
        (UndefinedError("'ds' is undefined"), "fail", None, "A template cannot be rendered: 'ds' is undefined"),
    ],
)
def test_each_error_has_its_decision(
    error: Exception, action: str, delay: timedelta | None, reason: str | None
) -> None:
    decision = EciRetryPolicy().evaluate(error, 1, 3)

    assert decision.action.value == action
    assert decision.retry_delay == delay
    assert decision.reason == reason


@needs_policies
def test_an_unknown_outcome_that_no_look_can_tell_fails() -> None:
    error = errors.EciUnknownOutcomeError("who knows")
    error.retry_helps = False

    assert EciRetryPolicy().evaluate(error, 1, 3).action.value == "fail"


@needs_policies
def test_airflow_acts_on_the_decision() -> None:
    task_runner = pytest.importorskip("airflow.sdk.execution_time.task_runner")
    log = logging.getLogger("test")

    class Instance:
        task = type("Task", (), {"retry_policy": EciRetryPolicy()})
        try_number = 1
        _ti_context_from_server = None

    decided = task_runner._evaluate_retry_policy(Instance, response(errors.EciRateLimitError, 429, 7.0), _Log(log))

    assert decided.retry_delay == timedelta(seconds=7)


class _Log:
    """Take structlog's way of logging."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log

    def info(self, text: str, **facts: Any) -> None:
        self._log.info("%s %s", text, facts)

    def exception(self, text: str) -> None:
        raise AssertionError(text)


@needs_policies
def test_the_policy_survives_storage_and_looks_the_same_each_time() -> None:
    policy = EciRetryPolicy()

    assert EciRetryPolicy.deserialize(policy.serialize()) == policy
    assert repr(policy) == repr(EciRetryPolicy()) == "EciRetryPolicy()"


def test_the_default_arguments_are_ones_own() -> None:
    first = eci_default_args()
    first["retries"] = 0

    assert eci_default_args()["retries"] == 3
    assert ("retry_policy" in first) is (EciRetryPolicy.__base__ is not object)


def test_a_dag_with_the_default_arguments_is_parsed_and_stored(tmp_path: Path) -> None:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    try:
        from airflow.serialization.serialized_objects import DagSerialization as Serialization
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as Serialization
    (tmp_path / "bills.py").write_text(DAG)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        bag = DagBag(str(tmp_path))
        assert bag.import_errors == {}
        dag = bag.dags["monthly_bills"]
        stored = [Serialization.to_dict(dag) for _ in range(2)]

    assert [str(one.message) for one in warned if "eci_provider" in str(one.filename)] == []
    assert "retry" not in " ".join(str(one.message) for one in warned)
    assert stored[0] == stored[1]
    tasks = Serialization.from_dict(stored[0]).task_dict
    assert {name: task.retries for name, task in tasks.items()} == {"open": 3, "send": 3, "wait": 7}
    # Airflow 3.3 made a multiplier of what was a flag; either way the delay doubles.
    assert {float(task.retry_exponential_backoff) for task in tasks.values()} <= {1.0, 2.0}
    if EciRetryPolicy.__base__ is not object:
        assert all(task.has_retry_policy for task in tasks.values())
        assert {task.retry_exponential_backoff for task in tasks.values()} == {2.0}
        assert dag.task_dict["open"].retry_policy == EciRetryPolicy()
