"""What a task records from try to try, what it forgets after a success, and what it concludes without a record."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.api import errors
from tests.support.run_task import TaskInstanceDouble
from tests.support.submissions import STATES, Scene
from tests.support.two_bills import IMPORT
from tests.support.waiting_tasks import ADVANCED


def test_nothing_is_sent_where_airflow_cannot_record_the_intent(scene: Scene) -> None:
    tries = scene.tries()
    tries.state.refuses = lambda value: True

    end = scene.run(tries)

    assert isinstance(end.error, OSError)
    assert scene.submits == 0


def test_an_import_that_cannot_be_recorded_is_waited_for_all_the_same(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    tries = scene.tries()
    tries.state.refuses = lambda value: "task_guid" in value

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert "could not be recorded" in caplog.text


@pytest.mark.parametrize("path", ["/api/v3/me", None])
def test_a_try_that_ended_before_it_sent_anything_leaves_no_doubt(path: str | None, scene: Scene) -> None:
    """Not even where notes do not show."""
    scene.sandbox.settings.echo_notes = False
    scene.import_by_hand()
    tries = scene.tries()
    content = scene.path.read_bytes()
    if path is None:
        scene.path.unlink()
    else:
        scene.sandbox.fault("GET", path, times=None, status=503)
    assert scene.run(tries).state == "failed"
    scene.sandbox.clear_faults()
    scene.path.write_bytes(content)

    end = scene.run(tries)

    assert end.state == "success", end.error


def test_without_a_record_of_the_first_try_the_doubt_stays(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.import_by_hand()
    tries = scene.tries()
    tries.try_number = 1  # a first try that ended before it could note anything down

    assert isinstance(scene.run(tries).error, errors.EciUnknownOutcomeError)


def test_a_success_that_is_cleared_is_imported_again(scene: Scene) -> None:
    tries = scene.tries()
    first = scene.run(tries)
    tries.clear()

    second = scene.run(tries)

    assert (first.result["reattached"], second.result["reattached"]) == (False, False)
    assert first.result["task_guid"] != second.result["task_guid"]
    assert scene.submits == 2
    assert scene.clock.slept.count(15.0) == 0


def test_a_success_that_is_cleared_is_imported_again_where_notes_do_not_show(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    tries = scene.tries(batch_settings={"batch_mode": "new batch"})
    scene.run(tries)
    tries.clear()

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert scene.submits == 2


def test_below_a_task_state_a_success_that_is_cleared_reattaches(scene: Scene) -> None:
    tries = scene.tries(has_state=False)
    scene.run(tries)
    tries.clear()

    end = scene.run(tries)

    assert end.result["reattached"] is True
    assert scene.submits == 1


def test_a_death_after_the_last_write_is_no_success(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = scene.tries()
    push = TaskInstanceDouble.xcom_push

    def push_and_die(self: TaskInstanceDouble, key: str, value: Any, **rest: Any) -> None:
        if key == "return_value":
            raise RuntimeError("the process was killed in the last write")
        push(self, key, value, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(TaskInstanceDouble, "xcom_push", push_and_die)
        scene.run(tries)
    tries.clear()

    end = scene.run(tries)

    assert end.result["reattached"] is True
    assert scene.submits == 1


@STATES
def test_kickouts_that_are_cleared_are_judged_again_and_never_sent_again(has_state: bool, scene: Scene) -> None:
    scene.path.write_text(ADVANCED + "A-1,20260101,20260131,A,,100.00\nA-9,20260101,20260131,A,,100.00\n")
    tries = scene.tries(has_state=has_state)
    first = scene.run(tries)
    assert isinstance(first.error, errors.EciKickoutsError)
    tries.clear()

    again = scene.run(tries)

    assert isinstance(again.error, errors.EciKickoutsError)
    assert again.result["reattached"] is True
    assert scene.submits == 1


def test_an_import_that_succeeded_is_never_taken_for_the_next_though_it_could_not_be_recorded(
    scene: Scene,
) -> None:
    scene.sandbox.settings.echo_notes = False
    tries = scene.tries()
    tries.state.refuses = lambda value: "task_guid" in value
    first = scene.run(tries)
    assert first.state == "success", first.error
    tries.clear()
    tries.state.refuses = lambda value: False
    scene.sandbox.fault("POST", IMPORT, drop="before")

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["task_guid"] != first.result["task_guid"]
