"""The sensor's own ways: poke, templates, never_fail; waiting/test_poller.py has what all waits share."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from eci_provider.api import EciClient, errors
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.support.run_task import run
from tests.support.waiting_tasks import bill_file


def _submitted(sandbox: Sandbox, folder: Path) -> str:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.bill_imports.submit(bill_file(folder, "A-1"))


def test_a_poke_returns_not_yet_and_then_the_result(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.delay = 60
    sensor = EciTaskSensor(task_id="wait", task_guid=_submitted(sandbox, tmp_path), mode="reschedule")

    class Instance:
        @staticmethod
        def xcom_push(**_: object) -> None: ...

    assert sensor.poke({"ti": Instance, "task": sensor}).is_done is False
    sandbox.fault("GET", "/api/v3/task/*", status=503)
    assert sensor.poke({"ti": Instance, "task": sensor}).is_done is False
    sandbox.advance(61)
    done = sensor.poke({"ti": Instance, "task": sensor})

    assert done.is_done is True
    assert done.xcom_value["outcome"] == "completed"


def test_the_guid_may_be_a_template(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    sensor = EciTaskSensor(task_id="wait", task_guid="{{ params.guid }}")
    guid = _submitted(sandbox, tmp_path)

    assert run(sensor, params={"guid": guid.upper()}).result["task_guid"] == guid


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_wrong_guid_is_refused_before_anything_is_sent(sandbox: Sandbox, deferrable: bool) -> None:
    with pytest.raises(errors.EciValidationError, match=r"EciTaskSensor 'wait': task_guid is 'nonsense'"):
        EciTaskSensor(task_id="wait", task_guid="nonsense")
    sensor = EciTaskSensor(task_id="wait", task_guid="{{ params.guid }}", deferrable=deferrable)

    end = run(sensor, params={"guid": "nonsense"})

    assert isinstance(end.error, errors.EciValidationError)
    assert end.is_final
    assert sandbox.requests == []


def test_never_fail_skips_like_soft_fail(sandbox: Sandbox) -> None:
    sensor = EciTaskSensor(
        task_id="wait", task_guid="123e4567-e89b-12d3-a456-426614174000", never_fail=True, deferrable=False
    )

    assert run(sensor).state == "skipped"


def test_a_rescheduled_sensor_names_what_it_waited_for_at_its_timeout(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.settings.delay = 1e9
    guid = _submitted(sandbox, tmp_path)
    sensor = EciTaskSensor(task_id="wait", task_guid=guid, mode="reschedule", timeout=60)
    began = datetime.now(timezone.utc) - timedelta(hours=1)
    monkeypatch.setattr(
        "tests.support.run_task.TaskInstanceDouble.get_first_reschedule_date", lambda *_: began, raising=False
    )
    if airflow_version.startswith("2."):
        pytest.skip("Airflow 2 reads the first poke's date from its database")

    end = run(sensor)

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert isinstance(end.error, AirflowSensorTimeout)
    assert f"Import {guid} had not ended by" in str(end.error)
    assert "'In progress'" in str(end.error)
