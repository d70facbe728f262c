"""A task is resumed without an event: its trigger timed out or failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException

from eci_provider.api import EciClient, errors
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciBatchSensor, EciTaskSensor
from tests.support.run_task import TaskInstanceDouble, through_serialization

TASK = "/api/v3/task/*"


#: How the versions of Airflow resume a task whose trigger was too slow, or died.
LATE = [{"error": "Trigger timeout"}, {"error": "Trigger/execution timeout"}]


DIED = {
    "error": "Trigger failure",
    "traceback": ["Traceback (most recent call last):\n", "OSError: no more files\n"],
}


def sensor(guid: str, **arguments: Any) -> EciTaskSensor:
    return EciTaskSensor(task_id="wait", task_guid=guid, poke_interval=10, **arguments)


def resume(task: EciTaskSensor | EciBatchSensor, next_kwargs: dict[str, Any]) -> Any:
    context = {"ti": TaskInstanceDouble(task), "task": task, "run_id": "run"}
    return task.resume_execution("__fail__", through_serialization(next_kwargs), context)


@pytest.mark.parametrize("next_kwargs", LATE)
def test_airflows_timeout_names_the_import(next_kwargs: dict[str, str], guid: str) -> None:
    with pytest.raises(errors.EciWaitTimeoutError, match=f"Import {guid} had not ended by .*`timeout`") as caught:
        resume(sensor(guid), next_kwargs)

    assert isinstance(caught.value, AirflowSensorTimeout)
    assert caught.value.details["status"] == "In progress"


@pytest.mark.parametrize("next_kwargs", LATE)
def test_airflows_timeout_at_the_execution_timeout_lets_a_retry_help(
    next_kwargs: dict[str, str], guid: str
) -> None:
    limited = sensor(guid, execution_timeout=timedelta(minutes=1))

    with pytest.raises(errors.EciWaitTimeoutError, match="`execution_timeout` expired") as caught:
        resume(limited, next_kwargs)

    assert not isinstance(caught.value, AirflowSensorTimeout)


def test_a_failed_trigger_names_the_import_and_a_retry_helps(guid: str) -> None:
    with pytest.raises(errors.EciTriggerError) as caught:
        resume(sensor(guid), DIED)

    assert caught.value.retry_helps
    assert caught.value.details["task_guid"] == guid
    for words in (
        guid,
        "Trigger failure: OSError: no more files",
        "continues in EnergyCAP",
        "retry",
        "'In progress'",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize("next_kwargs", [*LATE, DIED, {}, None])
def test_an_import_that_ended_meanwhile_counts_whatever_the_trigger_did(
    next_kwargs: dict[str, Any], guid: str, sandbox: Sandbox
) -> None:
    sandbox.advance(3601)

    assert resume(sensor(guid), next_kwargs)["outcome"] == "completed"


def test_a_final_poll_that_fails_is_the_cause(guid: str, sandbox: Sandbox) -> None:
    sandbox.fault("GET", TASK, times=None, status=503)

    with pytest.raises(errors.EciTriggerError, match=r"status is not known\. The last poll failed: GET") as caught:
        resume(sensor(guid), DIED)

    assert isinstance(caught.value.__cause__, errors.EciServerError)


@pytest.mark.parametrize("next_kwargs", [*LATE, DIED])
def test_soft_fail_skips_after_the_trigger_failed(next_kwargs: dict[str, Any], guid: str) -> None:
    with pytest.raises(AirflowSkipException, match=guid):
        resume(sensor(guid, soft_fail=True), next_kwargs)


def test_a_batch_is_polled_once_more_too(sandbox: Sandbox) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch_id = client.batches.open("mine").batch_id
    waits = EciBatchSensor(task_id="wait", batch_id=batch_id, batch_status="Closed")

    with pytest.raises(errors.EciTriggerError, match=f"Batch {batch_id} had not reached status 'Closed' when"):
        resume(waits, DIED)
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.update_status(batch_id, "Closed")

    assert resume(waits, DIED)["batch_id"] == batch_id
