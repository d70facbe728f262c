"""One deadline from the submission over all tries, and Airflow's own limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api import errors
from eci_provider.operators import ImportBillsOperator
from tests.support.submissions import MODES, RUN, STATES, TASKS, Scene
from tests.support.two_bills import IMPORT


@MODES
@STATES
def test_the_deadline_holds_over_tries(deferrable: bool, has_state: bool, scene: Scene) -> None:
    scene.sandbox.settings.delay = 1e6
    tries = scene.tries(deferrable=deferrable, has_state=has_state, timeout=timedelta(hours=1))
    scene.sandbox.fault("GET", f"{TASKS}/*", skip=3, times=None, status=403)
    assert isinstance(scene.run(tries).error, errors.EciPermissionError)
    scene.sandbox.clear_faults()
    scene.clock.sleep(1800)

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    # Where no state is kept the server's clock tells, which it shows to the second.
    late = scene.clock.moment - RUN.run_after - timedelta(hours=1)
    assert timedelta(0) <= late <= timedelta(seconds=0 if has_state else 1)
    assert scene.sandbox.tasks()[0]["task_guid"] in str(end.error)


def test_a_longer_timeout_after_a_clear_continues_the_wait(scene: Scene) -> None:
    scene.sandbox.settings.delay = 5400
    tries = scene.tries(timeout=timedelta(hours=1))
    assert isinstance(scene.run(tries).error, errors.EciWaitTimeoutError)
    longer = scene.edited(tries, timeout=timedelta(hours=2))
    longer.clear()

    end = scene.run(longer)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True


@pytest.mark.parametrize("hours", [-7, 10])
def test_dates_without_a_zone_do_not_move_the_deadline(hours: int, scene: Scene) -> None:
    scene.sandbox.settings.utc_offset = float(hours)
    scene.sandbox.settings.show_zone = False
    scene.sandbox.fault("POST", IMPORT, drop="after")

    end = scene.run(scene.tries(timeout=timedelta(minutes=5)))

    assert end.state == "success", end.error
    assert end.result["reattached"] is True


def test_a_try_that_airflow_ends_while_it_submits_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="before")

    def sleep(seconds: float) -> None:
        raise AirflowTaskTimeout("Timeout")

    monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

    end = scene.run(scene.tries())

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert not end.is_final
    assert "execution_timeout" in str(end.error)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    ("said", "error"),
    [("Trigger timeout", errors.EciWaitTimeoutError), ("Trigger failure", errors.EciTriggerError)],
)
def test_after_airflow_gave_the_trigger_up_the_import_is_polled_once_more_and_named(
    said: str, error: type[Exception], ended: bool, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = scene.tries(deferrable=True)

    async def gives_up(path: str, arguments: dict[str, Any]) -> dict[str, Any]:
        scene.clock.sleep(100 if ended else 1)
        return {}

    monkeypatch.setattr("tests.support.run_task.first_event", gives_up)
    resume = ImportBillsOperator.resume_execution
    monkeypatch.setattr(
        ImportBillsOperator,
        "resume_execution",
        lambda self, method, kwargs, context: resume(self, "__fail__", {"error": said}, context),
    )

    end = scene.run(tries)

    guid = scene.sandbox.tasks()[0]["task_guid"]
    if ended:
        assert end.state == "success", end.error
        assert (end.result["task_guid"], end.result["outcome"]) == (guid, "completed")
    else:
        assert isinstance(end.error, error), end.error
        assert guid in str(end.error)


@pytest.mark.parametrize("on_kill", ["detach", "void_batch"])
def test_when_deferred_the_trigger_keeps_the_execution_timeout(on_kill: str, scene: Scene) -> None:
    scene.sandbox.settings.delay = 2000
    tries = scene.tries(
        deferrable=True,
        execution_timeout=timedelta(minutes=20),
        on_kill=on_kill,
        batch_settings={"batch_mode": "new batch"},
    )

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert not end.is_final
    assert end.error.ended_by == "execution_timeout"
    assert sum(scene.clock.slept) <= 20 * 60
    # The end of one try is no kill: the next one reattaches.
    assert scene.sandbox.batches()[0]["batch_status"] == "Open"
    again = scene.run(tries)
    assert again.state == "success", again.error
    assert again.result["reattached"] is True


def test_in_a_worker_the_execution_timeout_names_the_import(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        scene.clock.sleep(seconds)
        if sum(scene.clock.slept) > 30:
            raise AirflowTaskTimeout("Timeout")

    monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

    end = scene.run(scene.tries())

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert not end.is_final
    assert scene.sandbox.tasks()[0]["task_guid"] in str(end.error)
