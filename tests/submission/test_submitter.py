"""An import is submitted once: a later try finds what an earlier one submitted."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from eci_provider.api import errors
from tests.support.submissions import MODES, RUN, STATES, TASKS, Scene, retry_of
from tests.support.two_bills import IMPORT


@MODES
@STATES
def test_a_fresh_import_is_sent_without_a_search(deferrable: bool, has_state: bool, scene: Scene) -> None:
    end = scene.run(scene.tries(deferrable=deferrable, has_state=has_state))

    assert end.state == "success", end.error
    assert end.result["reattached"] is False
    assert scene.bills_once()
    paths = [request.path for request in scene.sandbox.requests]
    assert paths[:2] == ["/api/v3/me", IMPORT]
    assert paths.count(TASKS) == 1, "only the check for twins reads the list, at the end"


@MODES
@STATES
@pytest.mark.parametrize("ended", [False, True])
def test_a_later_try_reattaches(deferrable: bool, has_state: bool, ended: bool, scene: Scene) -> None:
    tries = scene.tries(deferrable=deferrable, has_state=has_state)
    assert scene.killed_while_waiting(tries, dag_run=RUN).state == "failed"
    scene.clock.sleep(100 if ended else 10)

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert (end.result["outcome"], end.result["imported"], end.result["kickouts"]) == ("completed", 2, 0)
    assert end.result["task_guid"] == end.xcoms["task_guid"] == scene.sandbox.tasks()[0]["task_guid"]
    assert scene.submits == 1
    assert scene.bills_once()


@MODES
def test_an_import_that_ended_meanwhile_is_concluded_without_a_wait(deferrable: bool, scene: Scene) -> None:
    scene.sandbox.settings.delay = 0

    end = scene.run(scene.tries(deferrable=deferrable))

    assert end.state == "success", end.error
    assert end.deferrals == []
    assert (end.result["outcome"], end.result["imported"]) == ("completed", 2)


@STATES
def test_an_import_whose_status_the_user_calls_a_success_is_not_sent_again(has_state: bool, scene: Scene) -> None:
    """Its bills were deleted since, so that EnergyCAP counts none; the worker was killed before."""
    scene.sandbox.settings.statuses = {**scene.sandbox.settings.statuses, "completed": "Finished"}
    tries = scene.tries(has_state=has_state, success_statuses=["Finished"])
    assert str(scene.killed_while_waiting(tries, dag_run=RUN).error) == "killed while waiting"
    scene.clock.sleep(600)
    with scene.client() as client:
        client.batches.delete(scene.sandbox.batches()[0]["batch_id"])

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert (end.result["status"], end.result["reattached"]) == ("Finished", True)
    assert scene.submits == 1


@MODES
def test_a_recorded_import_is_waited_for_though_it_cannot_be_read_now(deferrable: bool, scene: Scene) -> None:
    tries = scene.tries(deferrable=deferrable)
    scene.killed_while_waiting(tries, dag_run=RUN)
    scene.sandbox.fault("GET", f"{TASKS}/*", times=12, status=503)

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 1


@MODES
@pytest.mark.parametrize("times", [1, None])
def test_a_recorded_import_is_waited_for_though_reads_of_it_lag(
    times: int | None, deferrable: bool, scene: Scene
) -> None:
    tries = scene.tries(deferrable=deferrable)
    scene.killed_while_waiting(tries, dag_run=RUN)
    scene.sandbox.fault("GET", f"{TASKS}/*", times=times, status=404)

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 1


def test_a_recorded_import_that_is_gone_is_named(scene: Scene) -> None:
    tries = scene.tries()
    guid = scene.killed_while_waiting(tries, dag_run=RUN).xcoms["task_guid"]
    scene.sandbox.delete_task(guid)

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciNotFoundError), end.error
    assert end.is_final
    for words in (guid, "no longer knows", "reattach=False"):
        assert words in str(end.error)
    assert scene.submits == 1


def test_an_import_whose_file_is_gone_is_resumed(scene: Scene) -> None:
    tries = scene.tries()
    scene.sandbox.fault("GET", f"{TASKS}/*", skip=1, times=1, status=403)
    assert scene.run(tries).state == "failed"
    scene.path.unlink()

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True


def test_an_import_whose_answer_and_file_are_gone_is_found_by_its_marker(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="after")
    scene.sandbox.fault("GET", TASKS, status=503, times=4)
    tries = scene.tries()
    assert isinstance(scene.run(tries).error, errors.EciUnknownOutcomeError)
    scene.path.unlink()

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 1


def test_a_missing_file_of_another_name_is_not_taken_for_the_one_that_was_sent(scene: Scene) -> None:
    tries = scene.tries()
    scene.sandbox.fault("GET", f"{TASKS}/*", skip=1, times=1, status=403)
    assert scene.run(tries).state == "failed"
    other = scene.edited(tries, file=str(scene.path.with_name("february.csv")))

    end = scene.run(other)

    assert isinstance(end.error, errors.EciValidationError), end.error
    assert "february.csv" in str(end.error)


@STATES
def test_a_file_that_is_gone_before_anything_was_sent_is_refused(has_state: bool, scene: Scene) -> None:
    scene.path.unlink()

    end = scene.run(scene.tries(has_state=has_state))

    assert isinstance(end.error, errors.EciValidationError)
    assert "there is no such file" in str(end.error)
    assert scene.sandbox.requests == []


def test_without_reattach_every_try_imports(scene: Scene) -> None:
    tries = scene.tries(reattach=False, batch_settings={"batch_mode": "new batch"})

    ends = [scene.run(tries), scene.run(tries)]

    assert [end.result["reattached"] for end in ends] == [False, False]
    assert scene.submits == 2
    assert len({batch["batch_code"] for batch in scene.sandbox.batches()}) == 2


@STATES
@pytest.mark.parametrize("settings", [None, {"batch_mode": "new batch"}])
def test_an_import_that_failed_with_nothing_imported_is_sent_again_under_another_marker(
    has_state: bool, settings: dict[str, Any] | None, scene: Scene
) -> None:
    scene.sandbox.fail_next_import()
    tries = scene.tries(batch_settings=settings, has_state=has_state)
    failed = scene.run(tries)
    assert isinstance(failed.error, errors.EciImportFailedError)
    assert not isinstance(failed.error, AirflowFailException)

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is False
    notes = [request.body["importNote"] for request in scene.sandbox.requests if request.path == IMPORT]
    assert len(set(notes)) == 2
    assert sorted(bill["account"] for bill in scene.sandbox.bills()) == ["A-1", "A-2"]


@STATES
def test_an_import_after_a_failed_one_is_found_again(has_state: bool, scene: Scene) -> None:
    scene.sandbox.fail_next_import()
    tries = scene.tries(has_state=has_state)
    scene.run(tries)
    scene.sandbox.fault("POST", IMPORT, drop="after")
    scene.sandbox.fault("GET", TASKS, skip=1 if has_state else 2, times=None, status=503)
    assert isinstance(scene.run(tries).error, errors.EciUnknownOutcomeError)
    scene.sandbox.clear_faults()

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 2


@STATES
def test_a_failed_import_that_imported_anything_is_not_sent_again(has_state: bool, scene: Scene) -> None:
    scene.sandbox.settings.statuses = {**scene.sandbox.settings.statuses, "completed": "Broken off"}
    tries = scene.tries(has_state=has_state)
    first = scene.run(tries)
    assert isinstance(first.error, errors.EciImportFailedError)

    again = scene.run(tries)

    assert isinstance(again.error, errors.EciImportFailedError)
    assert again.result["reattached"] is True
    assert scene.submits == 1


@MODES
def test_a_retry_of_kickouts_whose_answer_is_lost_is_found(deferrable: bool, scene: Scene) -> None:
    source = scene.import_kicked_out()
    scene.sandbox.fault("POST", "/api/v202401/import/bill/task/*/kickout", drop="after")

    end = scene.run(retry_of(source, deferrable=deferrable))

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert len(scene.sandbox.tasks()) == 2


def test_a_later_try_reattaches_to_a_retry_of_kickouts(scene: Scene) -> None:
    source = scene.import_kicked_out()
    tries = retry_of(source, has_state=False)
    first = scene.run(tries)

    again = scene.run(tries)

    assert again.result["task_guid"] == first.result["task_guid"] != source
    assert again.result["reattached"] is True
