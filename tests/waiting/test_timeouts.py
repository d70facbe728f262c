"""What ends a wait from outside: its time-out, the limit of a try, a trigger that is late or dies."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, AirflowTaskTimeout

from eci_provider.api import EciClient, errors
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciBatchSensor, EciTaskSensor
from eci_provider.triggers import EciTaskTrigger
from eci_provider.waiting.events import error_event, unpack
from tests.conftest import TurnedClock
from tests.support.run_task import TaskInstanceDouble, first_event, run, through_serialization
from tests.support.waiting_tasks import bill_file

TASK = "/api/v3/task/*"
#: How the versions of Airflow resume a task whose trigger was too slow, or died.
LATE = [{"error": "Trigger timeout"}, {"error": "Trigger/execution timeout"}]
DIED = {
    "error": "Trigger failure",
    "traceback": ["Traceback (most recent call last):\n", "OSError: no more files\n"],
}


@pytest.fixture
def guid(sandbox: Sandbox, tmp_path: Path) -> str:
    """Submit an import of one bill that takes an hour."""
    sandbox.add_account("A-1")
    sandbox.settings.delay = 3599.999
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.bill_imports.submit(bill_file(tmp_path, "A-1"))


@pytest.fixture
def end_the_try(turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return how to let Airflow's alarm go off in a worker, after so many seconds."""

    def arm(limit: float) -> None:
        end = turned_clock.moment + timedelta(seconds=limit)

        def sleep(seconds: float) -> None:
            left = (end - turned_clock.moment).total_seconds()
            turned_clock.sleep(min(seconds, left))
            if seconds >= left:
                raise AirflowTaskTimeout("Timeout, PID: 7")

        monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

    return arm


def sensor(guid: str, **arguments: Any) -> EciTaskSensor:
    return EciTaskSensor(task_id="wait", task_guid=guid, poke_interval=10, **arguments)


def resume(task: EciTaskSensor | EciBatchSensor, next_kwargs: dict[str, Any]) -> Any:
    context = {"ti": TaskInstanceDouble(task), "task": task, "run_id": "run"}
    return task.resume_execution("__fail__", through_serialization(next_kwargs), context)


# A trigger ends a tenth of the limit before it, and at most a minute, so that the task can still say so.
@pytest.mark.parametrize(
    ("deferrable", "lasts", "moment"),
    [(False, 120, "08:02:00"), (True, 108, "08:01:48")],
    ids=["worker", "deferred"],
)
def test_the_limit_of_a_try_names_the_import_and_leaves_the_rest_to_a_retry(
    deferrable: bool,
    lasts: float,
    moment: str,
    guid: str,
    turned_clock: TurnedClock,
    end_the_try: Callable[[float], None],
) -> None:
    end_the_try(120)

    end = run(sensor(guid, deferrable=deferrable, execution_timeout=timedelta(seconds=120)))

    assert isinstance(end.error, errors.EciWaitTimeoutError), repr(end.error)
    assert end.error.ended_by == end.error.details["ended_by"] == "execution_timeout"
    assert end.error.retry_helps
    assert not end.is_final
    assert sum(turned_clock.slept) == pytest.approx(lasts)
    for words in (guid, "'In progress'", f"2026-01-05T{moment}", "execution_timeout", "retry", "do not send"):
        assert words in str(end.error)


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_sensors_own_time_out_is_final(deferrable: bool, guid: str, turned_clock: TurnedClock) -> None:
    limits = {"timeout": 60, "execution_timeout": timedelta(seconds=120)}

    end = run(sensor(guid, deferrable=deferrable, **limits))

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert isinstance(end.error, AirflowSensorTimeout)
    assert end.error.ended_by == end.error.details["ended_by"] == "timeout"
    assert not end.error.retry_helps
    for words in (guid, "'In progress'", "2026-01-05T08:01:00", "Raise the sensor's `timeout`", "goes on"):
        assert words in str(end.error)


@pytest.mark.parametrize(("deferrable", "limit"), [(False, 3600), (True, 3660)], ids=["worker", "deferred"])
def test_an_import_that_ended_when_the_try_did_counts_as_ended(
    deferrable: bool,
    limit: float,
    sandbox: Sandbox,
    guid: str,
    turned_clock: TurnedClock,
    end_the_try: Callable[[float], None],
) -> None:
    end_the_try(limit)

    end = run(sensor(guid, deferrable=deferrable, execution_timeout=timedelta(seconds=limit)))

    assert end.state == "success", end.error
    assert end.result["outcome"] == "completed"
    assert sum(turned_clock.slept) == pytest.approx(3600)


def test_a_try_that_ends_while_the_server_is_down_says_why_the_last_look_failed(
    sandbox: Sandbox, guid: str, turned_clock: TurnedClock, end_the_try: Callable[[float], None]
) -> None:
    sandbox.fault("GET", TASK, times=None, status=503)
    end_the_try(120)

    end = run(sensor(guid, deferrable=False))

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert isinstance(end.error.__cause__, errors.EciServerError)
    assert "Its status is not known. The last poll failed: GET" in str(end.error)


def test_a_last_look_that_hangs_does_not_hold_the_task(
    sandbox: Sandbox,
    guid: str,
    turned_clock: TurnedClock,
    end_the_try: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eci_provider.waiting.timeouts.FINAL_POLL_SECONDS", 0.2)
    sandbox.fault("GET", TASK, skip=2, times=None, hang=True)
    end_the_try(2)

    end = run(sensor(guid, deferrable=False))
    sandbox.clear_faults()

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert "no complete answer within 0.2 s" in str(end.error)
    assert end.error.details["status"] == "In progress"


def test_soft_fail_skips_at_the_limit_of_a_try(
    guid: str, turned_clock: TurnedClock, end_the_try: Callable[[float], None]
) -> None:
    end_the_try(120)

    end = run(sensor(guid, deferrable=False, soft_fail=True))

    assert end.state == "skipped"
    assert guid in str(end.error)


@pytest.mark.parametrize("ended_by", ["timeout", "execution_timeout"])
def test_what_ended_a_wait_survives_storage(ended_by: str) -> None:
    error = errors.EciWaitTimeoutError("w", ended_by=ended_by, task_guid="g", status="x")
    event = through_serialization(error_event(error, task_guid="g"))

    with pytest.raises(errors.EciWaitTimeoutError) as caught:
        unpack(event)

    for again in (caught.value, pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert vars(again) == vars(error)
        assert (again.ended_by, again.retry_helps) == (ended_by, ended_by == "execution_timeout")


@pytest.mark.parametrize("next_kwargs", LATE)
def test_airflows_time_out_ends_in_our_words(next_kwargs: dict[str, str], guid: str) -> None:
    with pytest.raises(errors.EciWaitTimeoutError, match=f"Import {guid} had not ended by .*`timeout`") as caught:
        resume(sensor(guid), next_kwargs)

    assert isinstance(caught.value, AirflowSensorTimeout)
    assert caught.value.details["status"] == "In progress"


@pytest.mark.parametrize("next_kwargs", LATE)
def test_airflows_time_out_at_the_limit_of_a_try_lets_a_retry_help(next_kwargs: dict[str, str], guid: str) -> None:
    limited = sensor(guid, execution_timeout=timedelta(minutes=1))

    with pytest.raises(errors.EciWaitTimeoutError, match="`execution_timeout` expired") as caught:
        resume(limited, next_kwargs)

    assert not isinstance(caught.value, AirflowSensorTimeout)


def test_a_dead_trigger_ends_in_our_words_and_a_retry_helps(guid: str) -> None:
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
def test_what_ended_meanwhile_counts_whatever_became_of_the_trigger(
    next_kwargs: dict[str, Any], guid: str, sandbox: Sandbox
) -> None:
    sandbox.advance(3601)

    assert resume(sensor(guid), next_kwargs)["outcome"] == "completed"


def test_a_last_look_that_fails_is_the_cause(guid: str, sandbox: Sandbox) -> None:
    sandbox.fault("GET", TASK, times=None, status=503)

    with pytest.raises(errors.EciTriggerError, match=r"status is not known\. The last poll failed: GET") as caught:
        resume(sensor(guid), DIED)

    assert isinstance(caught.value.__cause__, errors.EciServerError)


@pytest.mark.parametrize("next_kwargs", [*LATE, DIED])
def test_soft_fail_skips_when_the_trigger_is_given_up(next_kwargs: dict[str, Any], guid: str) -> None:
    with pytest.raises(AirflowSkipException, match=guid):
        resume(sensor(guid, soft_fail=True), next_kwargs)


def test_a_batch_is_looked_at_once_more_too(sandbox: Sandbox) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch_id = client.batches.open("mine").batch_id
    waits = EciBatchSensor(task_id="wait", batch_id=batch_id, batch_status="Closed")

    with pytest.raises(errors.EciTriggerError, match=f"Batch {batch_id} had not reached status 'Closed' when"):
        resume(waits, DIED)
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.update_status(batch_id, "Closed")

    assert resume(waits, DIED)["batch_id"] == batch_id


def test_an_event_says_whether_the_import_is_an_earlier_trys(sandbox: Sandbox, guid: str) -> None:
    sandbox.advance(3601)

    events = [
        asyncio.run(first_event(*EciTaskTrigger(guid, reattached=reattached).serialize()))
        for reattached in (True, False)
    ]

    assert [event["reattached"] for event in events] == [True, False]


def test_a_trigger_stored_by_an_older_version_still_starts(sandbox: Sandbox, guid: str) -> None:
    sandbox.advance(3601)
    stored = {
        "task_guid": guid,
        "wait_for_analysis": False,
        "eci_conn_id": "eci_default",
        "poll_interval": 30.0,
        "deadline": None,
    }

    event = asyncio.run(first_event("eci_provider.triggers.task.EciTaskTrigger", stored))

    assert event["status"] == "found"


@pytest.mark.parametrize("name", ["timeout", "execution_timeout"])
@pytest.mark.parametrize("kind", [EciTaskSensor, EciBatchSensor])
def test_a_time_that_no_calendar_has_is_refused(kind: type[Any], name: str) -> None:
    own = (
        {"task_guid": "{{ params.guid }}"} if kind is EciTaskSensor else {"batch_id": 7, "batch_status": "Closed"}
    )

    for span in (timedelta(days=367), timedelta(seconds=1e12)):
        with pytest.raises(errors.EciValidationError, match=f"{name} is .*at most a year"):
            kind(task_id="wait", **{name: span}, **own)
    kind(task_id="wait", **{name: timedelta(days=366)}, **own)
    kind(task_id="wait", timeout=0, **own)
