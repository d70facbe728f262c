"""A clear that discards the task state: the latest import of the task is found, and nothing is sent twice."""

from __future__ import annotations

import logging

import pytest

from eci_provider.api import errors
from tests.support.run_task import Finished, Tries
from tests.support.submissions import MODES, RUN, STATES, TASKS, Scene
from tests.support.two_bills import IMPORT

OWN_CODE = {"batch_mode": "new batch"}


def cleared(scene: Scene, tries: Tries, *, discards: bool = True) -> Finished:
    """Return the end of the try after a clear."""
    if discards:
        tries.discard_state()
    tries.clear()
    return scene.run(tries)


def notes(scene: Scene) -> list[str]:
    return [request.body["importNote"] for request in scene.sandbox.requests if request.path == IMPORT]


@MODES
def test_the_import_of_a_success_is_taken(
    deferrable: bool, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    tries = scene.tries(deferrable=deferrable)
    first = scene.run(tries)
    caplog.set_level(logging.INFO)

    again = cleared(scene, tries)

    assert again.state == "success", again.error
    assert again.result == {**first.result, "reattached": True}
    assert scene.bills_once()
    assert "holds no record of earlier attempts" in caplog.text
    assert "reattach=False" in caplog.text


@MODES
@pytest.mark.parametrize("settings", [None, OWN_CODE])
def test_the_latest_of_several_imports_is_taken(
    deferrable: bool, settings: dict[str, str] | None, scene: Scene
) -> None:
    tries = scene.tries(deferrable=deferrable, batch_settings=settings)
    first = scene.run(tries)
    second = cleared(scene, tries, discards=False)
    third = cleared(scene, tries, discards=False)

    again = [cleared(scene, tries), cleared(scene, tries)]

    assert len({end.result["task_guid"] for end in (first, second, third)}) == 3
    assert [end.result["task_guid"] for end in again] == [third.result["task_guid"]] * 2
    assert [end.result["reattached"] for end in again] == [True, True]
    assert scene.submits == 3


@MODES
def test_a_later_import_that_runs_is_taken(deferrable: bool, scene: Scene) -> None:
    tries = scene.tries(deferrable=deferrable)
    first = scene.run(tries)
    tries.clear()
    scene.killed_while_waiting(tries, dag_run=RUN)

    end = cleared(scene, tries)

    assert end.state == "success", end.error
    assert end.result["task_guid"] != first.result["task_guid"]
    assert scene.submits == 2


def test_a_later_import_that_failed_with_nothing_imported_is_sent_again(scene: Scene) -> None:
    tries = scene.tries()
    first = scene.run(tries)
    scene.sandbox.fail_next_import()
    assert isinstance(cleared(scene, tries, discards=False).error, errors.EciImportFailedError)

    end = cleared(scene, tries)

    assert end.state == "success", end.error
    assert end.result["task_guid"] != first.result["task_guid"]
    assert end.result["reattached"] is False
    assert len(set(notes(scene))) == scene.submits == 3


def test_the_latest_import_is_taken_though_it_was_one_without_reattach(scene: Scene) -> None:
    tries = scene.tries()
    scene.run(tries)
    cleared(scene, tries, discards=False)
    resubmitting = scene.edited(tries, reattach=False)
    third = cleared(scene, resubmitting)

    end = cleared(scene, scene.edited(resubmitting))

    assert end.state == "success", end.error
    assert end.result["task_guid"] == third.result["task_guid"]
    assert scene.submits == 3


def test_a_success_after_it_imports_again_under_a_marker_of_its_own(scene: Scene) -> None:
    tries = scene.tries()
    scene.run(tries)
    # The second import takes effect after the next attempt has taken the first one.
    scene.sandbox.fault("POST", IMPORT, drop="late", commit_after=1000)
    scene.sandbox.fault("GET", TASKS, status=503, times=4)
    assert isinstance(cleared(scene, tries, discards=False).error, errors.EciUnknownOutcomeError)
    assert cleared(scene, tries).result["reattached"] is True
    scene.clock.sleep(1000)

    end = cleared(scene, tries, discards=False)

    assert end.state == "success", end.error
    assert end.result["reattached"] is False
    assert len(set(notes(scene))) == len(scene.sandbox.tasks()) == 3


def test_nothing_is_sent_where_notes_do_not_show_and_others_can_use_the_batch(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    tries = scene.tries()
    scene.run(tries)

    end = cleared(scene, tries)

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert scene.submits == 1


def test_the_latest_import_is_found_by_its_batch_where_notes_do_not_show(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    tries = scene.tries(batch_settings=OWN_CODE)
    scene.run(tries)
    second = cleared(scene, tries, discards=False)

    end = cleared(scene, tries)

    assert end.state == "success", end.error
    assert end.result["task_guid"] == second.result["task_guid"]
    assert scene.submits == 2


def test_an_import_of_an_earlier_success_may_be_adopted(scene: Scene) -> None:
    tries = scene.tries()
    scene.run(tries)
    second = cleared(scene, tries, discards=False)

    end = cleared(scene, scene.edited(tries, adopt_task_guid=second.result["task_guid"]))

    assert end.state == "success", end.error
    assert end.result["task_guid"] == second.result["task_guid"]


def test_a_first_try_that_sent_nothing_is_sent_after_a_search(scene: Scene) -> None:
    scene.sandbox.fault("GET", "/api/v3/me", times=None, status=503)
    tries = scene.tries()
    assert scene.run(tries).state == "failed"
    scene.sandbox.clear_faults()

    end = cleared(scene, tries)

    assert end.state == "success", end.error
    assert scene.clock.slept.count(15.0) == 1
    assert scene.bills_once()


@STATES
def test_an_import_by_hand_into_the_batch_of_a_failed_one_is_not_taken(has_state: bool, scene: Scene) -> None:
    scene.sandbox.fail_next_import()
    tries = scene.tries(has_state=has_state, batch_settings={**OWN_CODE, "leave_existing_batches_open": True})
    assert isinstance(scene.run(tries).error, errors.EciImportFailedError)
    by_hand = scene.import_by_hand()
    # EnergyCAP chose the open batch, which has the marker as its code.
    assert scene.sandbox.tasks()[1]["batch_id"] == scene.sandbox.tasks()[0]["batch_id"]

    end = cleared(scene, tries)

    assert end.state == "success", end.error
    assert end.result["task_guid"] != by_hand
    assert (end.result["reattached"], scene.submits) == (False, 3)
