"""What the errors of an import tell: which one it is, what is known of it, and how to go on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api import errors
from eci_provider.operators import RetryKickoutsOperator
from eci_provider.sandbox import Sandbox
from tests.support.import_tries import BATCH, MODES, TASK, Scene, deferred, says, says_not
from tests.support.run_task import Tries, run
from tests.support.turned_clock import TurnedClock
from tests.support.two_bills import IMPORT
from tests.support.waiting_tasks import KINDS, waiting_task


@pytest.fixture
def scene(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> Scene:
    """Set the scene."""
    return Scene(sandbox, turned_clock, tmp_path, delay=7200)


class TestWhatEndsAWait:
    """It says what is known of the import, and how to go on, in both modes alike."""

    @MODES
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (401, errors.EciAuthenticationError),
            (403, errors.EciPermissionError),
            (404, errors.EciNotFoundError),
            (503, errors.EciServerError),
        ],
    )
    def test_an_answer_that_ends_it(
        self,
        status: int,
        error: type[errors.EciResponseError],
        kind: str,
        deferrable: bool,
        sandbox: Sandbox,
        turned_clock: TurnedClock,
        tmp_path: Path,
    ) -> None:
        sandbox.settings.delay = 7200
        task = waiting_task(kind, sandbox, tmp_path, deferrable=deferrable, good=True)
        sandbox.fault("GET", TASK, skip=3, times=None, status=status, headers={"X-Request-ID": "r-1"})
        if status == 404:
            sandbox.fault("GET", "/api/v3/task", times=None, status=200, body=[], headers={"TotalPages": "1"})

        end = run(task)

        guid = sandbox.tasks()[-1]["task_guid"]
        assert isinstance(end.error, error)
        assert end.is_final is (status != 503)
        assert (end.error.status, end.error.method) == (status, "GET")
        assert end.error.path == end.error.details["path"]
        details = {"status": status, "task_guid": guid, "last_status": "In progress"}
        assert details.items() <= end.error.details.items()
        says(end, f"was answered with {status}", f"Import {guid} is no longer polled")
        says(end, "Its last status was 'In progress'", _goes_on(kind, status))
        if status == 404:
            says(end, "Check in EnergyCAP what became of it")
            says_not(end, "It continues in EnergyCAP")
        else:
            says(end, "It continues in EnergyCAP; do not send its bills again.")

    @MODES
    def test_a_sensor_without_patience(
        self, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
    ) -> None:
        sandbox.settings.delay = 7200
        task = waiting_task("sensor", sandbox, tmp_path, deferrable=deferrable, good=True, timeout=60)

        says(run(task), "Raise the sensor's `timeout` and clear it to continue the wait.")

    @MODES
    def test_its_batch_is_named_once_it_shows(self, deferrable: bool, scene: Scene) -> None:
        end = scene.tries(deferrable=deferrable, batch_settings=BATCH, timeout=timedelta(hours=1)).run()

        (batch,) = scene.sandbox.batches()
        says(end, f"its batch is 'January' ({batch['batch_id']})")
        assert isinstance(end.error, errors.EciWaitTimeoutError)
        shown = {"task_guid": scene.guid, "batch_id": batch["batch_id"], "batch_code": "January"}
        assert shown.items() <= end.error.details.items()


def _goes_on(kind: str, status: int) -> str:
    if kind == "sensor":
        return (
            "A retry or a clear of the sensor continues the wait."
            if status == 503
            else "Clear the sensor when the cause is fixed: it continues the wait."
        )
    return (
        "A retry or a clear of the task reattaches to it, and sends nothing."
        if status == 503
        else "Clear the task when the cause is fixed: it reattaches to the import, and sends nothing."
    )


class TestWhatIsImported:
    """Every error names the file or the kickouts, once."""

    @MODES
    @pytest.mark.parametrize("kind", ["import", "retry"])
    @pytest.mark.parametrize(
        ("error", "arguments"),
        [
            (errors.EciKickoutsError, {"good": False}),
            (errors.EciImportFailedError, {"good": True}),
            (errors.EciWaitTimeoutError, {"good": True, "timeout": 30}),
            (errors.EciPermissionError, {"good": True}),
        ],
    )
    def test_in_every_error(
        self,
        error: type[errors.EciError],
        arguments: dict[str, Any],
        kind: str,
        deferrable: bool,
        sandbox: Sandbox,
        turned_clock: TurnedClock,
        tmp_path: Path,
    ) -> None:
        sandbox.settings.delay = 60
        task: Any = waiting_task(kind, sandbox, tmp_path, deferrable=deferrable, **arguments)
        if error is errors.EciImportFailedError:
            sandbox.fail_next_import()
        if error is errors.EciPermissionError:
            for path in (IMPORT, "/api/v202401/import/bill/task/*/kickout"):
                sandbox.fault("POST", path, status=403)

        end = run(task)

        what = (
            f"file '{task.file}'" if kind == "import" else f"the retry of the kickouts of import {task.task_guid}"
        )
        assert isinstance(end.error, error), end.error
        assert end.error.message.startswith(f"{what[:1].upper()}{what[1:]}: ")
        assert end.error.message.casefold().count(what.casefold()) == 1
        assert end.error.details["what"] == what

    def test_an_error_that_names_it_is_left_as_it_is(self, scene: Scene) -> None:
        scene.sandbox.fault("POST", IMPORT, drop="after")
        scene.sandbox.fault("GET", "/api/v3/task", times=None, status=503)

        end = scene.tries().run()

        assert isinstance(end.error, errors.EciUnknownOutcomeError)
        assert end.error.message.startswith(f"It is not known whether file '{scene.path}' was submitted")

    def test_a_trigger_that_fails_namelessly_is_given_the_imports_name(self, scene: Scene) -> None:
        guid, resume = deferred(scene)
        event = {"status": "error", "type": "EciError", "message": "KeyError: 'x'", "task_guid": guid}
        end = resume("execute_complete", {"event": event})

        says(end, f"Import {guid} of file '{scene.path}': KeyError: 'x' A retry or a clear")


class TestTimeOutBeforeTheWait:
    """Airflow's ``execution_timeout`` ends a try that knows its import already."""

    @staticmethod
    def _hang(monkeypatch: pytest.MonkeyPatch) -> None:
        def hang(*_: Any, **__: Any) -> None:
            raise AirflowTaskTimeout("Timeout, PID: 7")

        monkeypatch.setattr("eci_provider.api.tasks.Tasks.get", hang)

    def test_it_names_the_import(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        tries = scene.tries()
        with monkeypatch.context() as patch:
            self._hang(patch)
            ends = [tries.run(), tries.run()]

        for end in ends:
            assert isinstance(end.error, errors.EciWaitTimeoutError)
            assert not end.is_final
            assert end.error.ended_by == "execution_timeout"
            assert end.error.details["task_guid"] == end.xcoms["task_guid"] == scene.guid
            says(end, f"import {scene.guid} of file '{scene.path}'", "A retry or a clear of the task reattaches")
        assert tries.run().state == "success"
        assert scene.submits == 1

    def test_it_names_what_was_to_be_adopted(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        scene.tries(wait_for_completion=False).run()
        self._hang(monkeypatch)

        end = Tries(lambda: scene.task(adopt_task_guid=scene.guid), has_state=False).run()

        assert end.xcoms["task_guid"] == scene.guid
        says(end, f"import {scene.guid} of file")

    def test_without_reattach_it_is_final(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        self._hang(monkeypatch)

        end = scene.tries(reattach=False).run()

        assert end.is_final
        says(end, f"adopt_task_guid to '{scene.guid}'")

    def test_elsewhere_it_names_the_import_too(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        def hang(*_: Any, **__: Any) -> None:
            raise AirflowTaskTimeout("Timeout, PID: 7")

        monkeypatch.setattr("eci_provider.imports.run.apply_policy", hang)

        end = scene.tries(reattach=False).run()

        assert end.is_final
        says(end, f"while it worked on import {scene.guid}", f"adopt_task_guid to '{scene.guid}'")


def test_a_kill_while_a_lost_request_settles_does_not_say_that_nothing_was_sent(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="late", commit_after=100)
    task = scene.task()

    def sleep(seconds: float) -> None:
        scene.clock.sleep(seconds)
        task.on_kill()

    monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

    end = run(task)

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert not end.is_final
    says(end, "It was not sent again.", f"marker {end.error.details['marker']}, may still take effect")
    says(end, "A later attempt finds its import")
    says_not(end, "Nothing was sent")
    assert len(scene.clock.slept) == 1
    assert scene.submits == 1


def test_a_search_that_is_refused_for_good_asks_for_a_clear(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="after")
    scene.sandbox.fault("GET", "/api/v3/task", times=None, status=403)

    end = scene.tries().run()

    assert end.is_final
    says(end, "Clear the task when the cause is fixed: it searches again.")
    says_not(end, "next attempt")


@pytest.mark.parametrize("has_state", [False, True])
@pytest.mark.parametrize("reattached", [False, True])
def test_a_result_without_a_trigger_says_whether_it_was_reattached(
    reattached: bool, has_state: bool, scene: Scene
) -> None:
    scene.sandbox.settings.delay = 60
    if reattached:
        scene.sandbox.fault("POST", IMPORT, drop="after")
    _, resume = deferred(scene, has_state=has_state)
    scene.clock.sleep(100)

    end = resume("__fail__", {"error": "Trigger failure"})

    assert end.state == "success", end.error
    assert end.result["reattached"] is reattached


def test_a_later_round_that_is_resumed_elsewhere_names_whose_kickouts_it_retries(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 60
    source = waiting_task("retry", sandbox, tmp_path, deferrable=True, good=False).task_guid

    class Anew(RetryKickoutsOperator):
        def resume_execution(self, *arguments: Any) -> Any:
            # Each resume is another process.
            return RetryKickoutsOperator.resume_execution(_retry(RetryKickoutsOperator, source), *arguments)

    end = run(_retry(Anew, source))

    first, second = (short["task_guid"] for short in end.result["rounds"])
    says(end, f"The retry of the kickouts of import {first}: Import {second} ended as")


def _retry(kind: type[RetryKickoutsOperator], source: str) -> RetryKickoutsOperator:
    return kind(task_id="retry", task_guid=source, max_rounds=2, deferrable=True, poll_interval=10)
