"""Without reattach a retry or a clear would import again, so none is made, and none is advised."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api import errors
from eci_provider.imports.source import ImportSource
from eci_provider.operators import RetryKickoutsOperator
from eci_provider.sandbox import Sandbox
from tests.support.import_tries import BATCH, MODES, TASK, Scene, deferred, end_the_try, says, says_not
from tests.support.run_task import Tries, run
from tests.support.sends import around_sends
from tests.support.turned_clock import TurnedClock
from tests.support.two_bills import IMPORT
from tests.support.waiting_tasks import waiting_task


@pytest.fixture
def scene(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> Scene:
    """Set the scene."""
    return Scene(sandbox, turned_clock, tmp_path, delay=7200)


@MODES
@pytest.mark.parametrize(
    ("limits", "raised"),
    [
        ({"timeout": timedelta(hours=1)}, ("and raise `timeout`",)),
        ({"execution_timeout": timedelta(hours=1)}, ()),
    ],
    ids=["timeout", "execution_timeout"],
)
def test_what_is_advised_after_a_time_out_imports_nothing_again(
    limits: dict[str, Any],
    raised: tuple[str, ...],
    deferrable: bool,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {"deferrable": deferrable, "reattach": False, **limits}
    tries = Tries(lambda: scene.task(**given))
    with monkeypatch.context() as patch:
        if "execution_timeout" in limits:
            end_the_try(scene, patch, 3600)
        end = tries.run()

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert end.is_final
    assert not end.error.retry_helps
    says(end, f"adopt_task_guid to '{scene.guid}'", "EciTaskSensor", "would import again", *raised)
    says_not(end, "reattaches")

    tries.clear()
    given.update(adopt_task_guid=scene.guid, timeout=timedelta(hours=6), execution_timeout=None)
    again = tries.run()

    assert again.state == "success", again.error
    assert scene.submits == 1


@MODES
def test_half_an_hour_of_trouble_is_final(deferrable: bool, scene: Scene) -> None:
    scene.sandbox.fault("GET", TASK, skip=3, times=None, status=503)

    end = scene.tries(deferrable=deferrable, reattach=False).run()

    assert isinstance(end.error, errors.EciServerError)
    assert end.is_final
    says(end, f"adopt_task_guid to '{scene.guid}'", "would import again")


@pytest.mark.parametrize("said", ["Trigger timeout", "Trigger failure"])
def test_a_dead_trigger_is_final(said: str, scene: Scene) -> None:
    _, resume = deferred(scene, reattach=False)
    end = resume("__fail__", {"error": said})

    assert end.is_final
    says(end, f"adopt_task_guid to '{scene.guid}'", "would import again", f"File '{scene.path}': ")


@pytest.mark.parametrize("event", [None, {"status": "odd"}])
def test_an_event_that_is_not_understood_is_final(event: dict[str, Any] | None, scene: Scene) -> None:
    guid, resume = deferred(scene, reattach=False)
    end = resume("execute_complete", {"event": event and {**event, "task_guid": guid}})

    assert end.is_final
    says(end, str(scene.path))


@MODES
def test_a_time_out_at_the_end_advises_the_same(
    deferrable: bool, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> None:
        raise AirflowTaskTimeout("Timeout, PID: 7")

    monkeypatch.setattr("eci_provider.outcome.conclusion.batch_state_of_import", slow)

    end = scene.tries(deferrable=deferrable, reattach=False, batch_settings=BATCH).run()

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert end.is_final
    says(end, "has ended as 'Completed' in batch January", f"adopt_task_guid to '{scene.guid}'")
    says_not(end, "reattaches")


@MODES
def test_an_import_that_brought_nothing_in_is_still_sent_again(deferrable: bool, scene: Scene) -> None:
    scene.sandbox.fail_next_import()
    tries = scene.tries(deferrable=deferrable, reattach=False)

    end = tries.run()

    assert isinstance(end.error, errors.EciImportFailedError)
    assert not end.is_final
    assert tries.run().state == "success"


@pytest.mark.parametrize("kept", [True, False], ids=["taken", "lost"])
def test_a_request_in_doubt_is_not_sent_again(kept: bool, scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, times=None, drop="after" if kept else "before")
    if kept:
        scene.sandbox.fault("GET", "/api/v3/task", times=None, status=503)

    end = scene.tries(reattach=False).run()

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert end.is_final
    says(end, "no later attempt searches", "set adopt_task_guid", end.error.details["marker"])
    says_not(end, "next attempt")


def test_a_time_out_at_the_submission_is_final(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="before")
    end_the_try(scene, monkeypatch, 1)

    end = scene.tries(reattach=False).run()

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert end.is_final
    says(end, "no later attempt searches")


def test_what_was_adopted_is_adopted_again(scene: Scene) -> None:
    scene.tries(wait_for_completion=False).run()
    scene.sandbox.fault("GET", TASK, skip=3, times=None, status=503)

    end = scene.tries(reattach=False, adopt_task_guid=scene.guid).run()

    assert not end.is_final
    says(end, "A retry or a clear of the task reattaches to it")


def test_a_bill_that_cannot_be_sent_yet_may_be_later(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, times=None, status=429, headers={"Retry-After": "7200"})

    end = scene.tries(reattach=False).run()

    assert isinstance(end.error, errors.EciRateLimitError)
    assert not end.is_final


def test_a_kill_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "eci_provider.batches.on_kill")
    task = scene.task(reattach=False)

    def sleep(seconds: float) -> None:
        task.on_kill()
        raise RuntimeError("the process was killed")

    monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)
    run(task)

    assert f"adopt_task_guid to '{scene.guid}'" in caplog.messages[-1]
    assert "reattaches" not in caplog.messages[-1]


def test_a_kill_while_it_is_sent_says_so(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "eci_provider.batches.on_kill")
    task = scene.task(reattach=False)
    scene.sandbox.fault("POST", IMPORT, drop="before")
    monkeypatch.setattr("eci_provider.core.clock.sleep", lambda _: task.on_kill())

    end = run(task)

    assert end.is_final
    says(end, "no later attempt searches")
    assert "no later attempt searches" in next(line for line in caplog.messages if "was killed" in line)


@MODES
def test_a_round_that_fails_is_final_since_the_first_one_would_be_sent_again(
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox.settings.delay = 60
    sent = waiting_task("retry", sandbox, tmp_path, deferrable=deferrable, good=False).task_guid
    task = RetryKickoutsOperator(
        task_id="retry", task_guid=sent, max_rounds=3, deferrable=deferrable, reattach=False, poll_interval=10
    )
    guids: list[str] = []

    def fail_the_second(source: ImportSource) -> None:
        if guids:
            sandbox.fail_next_import()

    around_sends(monkeypatch, before=fail_the_second, after=guids.append)

    end = run(task)

    assert isinstance(end.error, errors.EciImportFailedError)
    assert end.error.result["imported"] == 0
    assert end.is_final
    assert end.error.message.startswith(f"The retry of the kickouts of import {guids[0]}: Import {guids[1]} ended")
