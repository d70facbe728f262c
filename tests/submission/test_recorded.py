"""An import that looks failed, with nothing imported, is looked at again before its file is sent again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from eci_provider.api import errors
from tests.support.run_task import Tries
from tests.support.submissions import RUN, STATES, Scene
from tests.support.two_bills import IMPORT
from tests.support.waiting_tasks import ADVANCED


def _let_running_imports_look_failed(scene: Scene) -> None:
    """Let an import look failed, with nothing imported, until it has really ended."""
    scene.sandbox.settings.statuses = {**scene.sandbox.settings.statuses, "running": "Failed"}
    scene.sandbox.settings.running_end_date = scene.sandbox.now().isoformat()


def _killed(scene: Scene, **arguments: Any) -> Tries:
    """Return the tries of a task that was killed, whose import looks failed and ends ten seconds later."""
    tries = scene.tries(**arguments)
    scene.killed_while_waiting(tries, dag_run=RUN)
    scene.clock.sleep(50)
    _let_running_imports_look_failed(scene)
    return tries


@STATES
def test_an_import_whose_failure_did_not_stay_is_reattached(has_state: bool, scene: Scene) -> None:
    tries = _killed(scene, has_state=has_state)

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.bills_once()


@STATES
def test_a_failed_import_whose_count_settles_is_not_sent_again(has_state: bool, scene: Scene) -> None:
    scene.sandbox.settings.statuses = {**scene.sandbox.settings.statuses, "completed": "Failed"}
    tries = _killed(scene, has_state=has_state)

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciImportFailedError), end.error
    assert (end.result["imported"], end.result["reattached"]) == (2, True)
    assert scene.submits == 1


@pytest.mark.parametrize("mode", [None, "new batch"])
@pytest.mark.parametrize("reattach", [False, True])
def test_an_import_that_looks_failed_after_a_lost_answer_is_found(
    reattach: bool, mode: str | None, scene: Scene
) -> None:
    scene.sandbox.settings.delay = 10
    _let_running_imports_look_failed(scene)
    scene.sandbox.fault("POST", IMPORT, drop="after")

    end = scene.run(scene.tries(reattach=reattach, batch_settings={"batch_mode": mode} if mode else None))

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.bills_once()


def test_a_changed_file_is_refused_after_a_failure_that_did_not_stay(scene: Scene) -> None:
    tries = _killed(scene)
    scene.path.write_text(ADVANCED + "A-1,20260101,20260131,A,,100.01\n")

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciExistsError), end.error
    assert scene.submits == 1


@pytest.mark.parametrize("is_lost", [False, True])
def test_an_import_whose_file_is_gone_is_resumed_after_a_failure_that_did_not_stay(
    is_lost: bool, scene: Scene
) -> None:
    tries = scene.tries()
    if is_lost:
        scene.lost_and_listed(tries)
    else:
        scene.killed_while_waiting(tries, dag_run=RUN)
    scene.clock.sleep(50)
    _let_running_imports_look_failed(scene)
    scene.path.unlink()

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True


def test_a_living_import_with_the_same_marker_is_taken_instead_of_a_failed_one(scene: Scene) -> None:
    scene.sandbox.fail_next_import()
    tries = scene.tries()
    assert isinstance(scene.run(tries).error, errors.EciImportFailedError)
    body = next(request.body for request in scene.sandbox.requests if request.path == IMPORT)
    with scene.client() as client:
        other = client.bill_imports.submit(scene.path, import_note=body["importNote"])

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["task_guid"] == other
    assert scene.submits == 2  # that of the task, and its copy


def test_no_import_is_adopted_instead_of_one_whose_failure_did_not_stay(scene: Scene) -> None:
    tries = _killed(scene)
    by_hand = scene.import_by_hand()
    tries.clear()

    end = scene.run(scene.edited(tries, adopt_task_guid=by_hand, timeout=timedelta(hours=1)))

    assert isinstance(end.error, errors.EciExistsError), end.error
    assert "started import" in str(end.error)
