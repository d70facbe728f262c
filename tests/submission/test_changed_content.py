"""The file, the batch or ``reattach`` changes between two tries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.api.upload import EciFileError
from eci_provider.imports.source import ImportSource
from eci_provider.operators import RetryKickoutsOperator
from tests.support.run_task import Tries
from tests.support.sends import around_sends
from tests.support.submissions import MODES, RUN, STATES, TASKS, Scene, use_batch
from tests.support.two_bills import IMPORT
from tests.support.waiting_tasks import ADVANCED

KICKED_OUT = ADVANCED + "A-1,20260101,20260131,C,,100.00\nA-9,20260101,20260131,C,,100.01\n"
CORRECTED = ADVANCED + "A-2,20260101,20260131,C,,100.01\n"


@STATES
def test_a_file_that_is_replaced_before_it_is_sent_is_never_sent_under_the_marker_of_the_old_one(
    has_state: bool, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one is as long; the worker is killed once it was taken."""
    old, killed, sends = scene.path.read_bytes(), RuntimeError("killed"), []

    def replace_file(source: ImportSource) -> None:
        sends.append(source)
        if len(sends) == 1:
            scene.path.write_bytes(old.replace(b"100.00", b"250.00"))

    def kill(task_guid: str) -> None:
        if len(sends) <= 2:
            raise killed

    around_sends(monkeypatch, before=replace_file, after=kill)
    tries = scene.tries(has_state=has_state)

    first = scene.run(tries)

    assert isinstance(first.error, EciFileError)
    assert not first.is_final
    assert scene.sandbox.tasks() == []
    assert scene.run(tries).error is killed
    end = scene.run(tries)
    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.bills_once()


def test_a_file_that_was_corrected_is_imported_after_a_clear(scene: Scene) -> None:
    right = scene.path.read_text()
    scene.path.write_text(right.replace("A-2", "A-9"))
    tries = scene.tries()
    scene.run(tries)
    scene.path.write_text(right)
    tries.clear()

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is False


@pytest.mark.parametrize("recorded", [True, False])
def test_a_file_that_changes_under_a_retry_is_refused(recorded: bool, scene: Scene) -> None:
    tries = scene.tries()
    if recorded:
        scene.sandbox.fault("GET", f"{TASKS}/*", times=None, status=403)
    else:
        scene.sandbox.fault("POST", IMPORT, drop="after")
        scene.sandbox.fault("GET", TASKS, times=None, status=503)
    assert scene.run(tries).state == "failed"
    scene.sandbox.clear_faults()
    scene.path.write_text(ADVANCED + "A-1,20260101,20260131,A,,100.01\n")

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciExistsError), end.error
    assert end.is_final
    assert scene.sandbox.tasks()[0]["task_guid"] in str(end.error)
    assert scene.submits == 1


def test_a_retry_after_a_clear_refuses_a_changed_file_too(scene: Scene) -> None:
    scene.sandbox.settings.delay = 3600
    tries = scene.tries()
    scene.killed_while_waiting(tries, dag_run=RUN)
    tries.clear()
    scene.killed_while_waiting(tries, dag_run=RUN)
    scene.path.write_text(ADVANCED + "A-1,20260101,20260131,C,,100.00\nA-2,20260101,20260131,C,,100.01\n")

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciExistsError), end.error
    assert scene.submits == 1


def test_a_retry_of_kickouts_refuses_changed_settings_too(scene: Scene) -> None:
    source = scene.import_kicked_out()
    scene.sandbox.settings.delay = 3600

    def retried(**arguments: Any) -> RetryKickoutsOperator:
        return RetryKickoutsOperator(task_id="retry", task_guid=source, **arguments)

    tries = Tries(retried)
    scene.killed_while_waiting(tries, dag_run=RUN)
    tries.clear()
    scene.killed_while_waiting(tries, dag_run=RUN)
    tries.make = lambda: retried(batch_settings={"batch_mode": "new batch"})

    assert isinstance(scene.run(tries).error, errors.EciExistsError)


def test_a_corrected_file_is_imported_where_notes_do_not_show(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.path.write_text(KICKED_OUT)
    tries = scene.tries()
    first = scene.run(tries)
    tries.clear()
    scene.path.write_text(CORRECTED)

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["task_guid"] != first.xcoms["task_guid"]
    assert sorted(bill["account"] for bill in scene.sandbox.bills()) == ["A-1", "A-2"]


@pytest.mark.parametrize("cleared", [False, True])
def test_a_lost_import_into_the_batch_of_before_stays_in_doubt(cleared: bool, scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    first, second = scene.open_batches("B1", "B2")
    tries = scene.tries(batch_settings=use_batch(first))
    scene.sandbox.fault("POST", IMPORT, drop="after")
    scene.sandbox.fault("GET", TASKS, times=None, status=503)
    scene.run(tries)
    scene.sandbox.clear_faults()
    if cleared:
        tries.clear()

    end = scene.run(scene.edited(tries, batch_settings=use_batch(second)))

    assert isinstance(end.error, errors.EciUnknownOutcomeError), end.error
    assert scene.submits == 1


@MODES
@STATES
def test_an_import_without_reattach_is_resumed_with_it(deferrable: bool, has_state: bool, scene: Scene) -> None:
    scene.sandbox.settings.delay = 7200
    asked = {"deferrable": deferrable, "has_state": has_state}
    forced = scene.tries(reattach=False, timeout=timedelta(hours=1), **asked)
    assert isinstance(scene.run(forced).error, errors.EciWaitTimeoutError)
    forced.clear()

    end = scene.run(scene.edited(forced, timeout=timedelta(hours=3), **asked))

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 1
    assert scene.bills_once()


@STATES
def test_a_lost_import_without_reattach_is_found_with_it(has_state: bool, scene: Scene) -> None:
    forced = scene.tries(reattach=False, has_state=has_state)
    scene.sandbox.fault("POST", IMPORT, drop="after")
    scene.sandbox.fault("GET", TASKS, times=None, status=503)
    assert scene.run(forced).state == "failed"
    scene.sandbox.clear_faults()

    end = scene.run(scene.edited(forced, has_state=has_state))

    assert end.state == "success", end.error
    assert scene.submits == 1
    assert scene.bills_once()


def test_after_kickouts_a_clear_with_reattach_sends_nothing(scene: Scene) -> None:
    scene.path.write_text(KICKED_OUT)
    forced = scene.tries(reattach=False)
    assert isinstance(scene.run(forced).error, errors.EciKickoutsError)
    forced.clear()

    assert isinstance(scene.run(scene.edited(forced)).error, errors.EciKickoutsError)

    assert scene.submits == 1


def test_of_two_imports_the_one_without_reattach_counts(scene: Scene) -> None:
    """Below Airflow 3.3 both the first import and the one without reattach are found."""
    scene.path.write_text(KICKED_OUT)
    tries = scene.tries(has_state=False)
    scene.run(tries)
    tries.clear()
    forced = scene.edited(tries, has_state=False, reattach=False)
    second = scene.run(forced)
    forced.clear()

    end = scene.run(scene.edited(forced, has_state=False))

    assert scene.submits == 2
    assert end.xcoms["task_guid"] == second.xcoms["task_guid"]
