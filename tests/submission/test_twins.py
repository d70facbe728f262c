"""An import that EnergyCAP has twice, because something between repeated its request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.operators import RetryKickoutsOperator
from tests.support import import_tries
from tests.support.import_tries import deferred
from tests.support.run_task import Finished, Tries
from tests.support.sends import around_sends
from tests.support.submissions import MODES, RUN, STATES, TASKS, Scene, retry_of, use_batch
from tests.support.two_bills import IMPORT
from tests.support.waiting_tasks import ADVANCED

DOUBLES = pytest.mark.parametrize("double", ["first", "second"])
KICKOUTS = "/api/v202401/import/bill/task/*/kickout"


def guids(scene: Scene) -> list[str]:
    return [str(task["task_guid"]) for task in scene.sandbox.tasks()]


def lists(scene: Scene) -> list[str]:
    """Return the filters of the lists of imports that were asked for."""
    return [request.query["filter"] for request in scene.sandbox.requests if request.path == TASKS]


def names_both(end: Finished, *twins: str) -> None:
    assert isinstance(end.error, errors.EciUnknownOutcomeError), end.error
    assert end.is_final
    assert "imports carry the marker af:" in str(end.error)
    assert all(guid in str(end.error) for guid in twins)


def delete_bills(scene: Scene, guid: str) -> None:
    """Delete the bills of an import with its batch."""
    with scene.client() as client:
        batch = client.tasks.get(guid).batch
        assert batch is not None
        assert batch.batch_id is not None
        client.batches.delete(batch.batch_id)


def doubled(scene: Scene, double: str = "first", **arguments: Any) -> tuple[Tries, Finished]:
    """Return the tries of a task whose import was doubled, each into a batch of its own, and how it ended."""
    scene.open_batches("A", "B")
    scene.sandbox.fault("POST", IMPORT, double=double)
    tries = scene.tries(**arguments)
    return tries, scene.run(tries)


@MODES
@STATES
@DOUBLES
@pytest.mark.parametrize("batch", ["any", "an existing one", "a smart one"])
def test_an_import_that_is_there_twice_fails_and_names_both(
    batch: str, double: str, has_state: bool, deferrable: bool, scene: Scene
) -> None:
    settings: dict[str, Any] | None = None
    if batch == "an existing one":
        settings = use_batch(scene.open_batches("A")[0])
    elif batch == "a smart one":
        settings = {"batch_mode": "smart batch", "new_batch_code": "A"}
    scene.sandbox.fault("POST", IMPORT, double=double)
    tries = scene.tries(has_state=has_state, batch_settings=settings, deferrable=deferrable)

    end = scene.run(tries)

    assert len(scene.sandbox.bills()) == 4
    names_both(end, *guids(scene))
    assert end.result["imported"] == 2
    assert end.result["task_guid"] in guids(scene)
    assert len(lists(scene)) == 1


def test_a_resume_whose_trigger_failed_finds_the_twin(scene: Scene, tmp_path: Path) -> None:
    scene.sandbox.fault("POST", IMPORT, double="second")
    _guid, resume = deferred(import_tries.Scene(scene.sandbox, scene.clock, tmp_path, delay=60))
    scene.clock.sleep(120)

    end = resume("__fail__", {"error": "Trigger timeout"})

    names_both(end, *guids(scene))


@MODES
@DOUBLES
def test_a_retry_of_kickouts_that_is_there_twice_fails_in_whichever_round(
    double: str, deferrable: bool, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = iter(("B-1", "B-2"))
    around_sends(monkeypatch, before=lambda source: scene.sandbox.add_account(next(accounts)))
    scene.path.write_text(ADVANCED + "".join(f"B-{number},20260101,20260131,C,,1.00\n" for number in (1, 2)))
    with scene.client() as client:
        source = client.bill_imports.submit(scene.path)
    scene.clock.sleep(100)
    scene.sandbox.fault("POST", KICKOUTS, skip=1, double=double)
    tries = retry_of(source, max_rounds=3, deferrable=deferrable)

    end = scene.run(tries)

    names_both(end, *guids(scene)[2:])
    assert len(guids(scene)) == 4
    assert "adopt_task_guid" not in str(end.error)
    assert "then clear the task" in str(end.error)


def test_what_a_person_has_deleted_is_no_twin(scene: Scene) -> None:
    tries, end = doubled(scene)
    names_both(end, *guids(scene))
    tries.clear()
    names_both(scene.run(tries), *guids(scene))
    own = end.result["task_guid"]
    (twin,) = set(guids(scene)) - {own}
    delete_bills(scene, twin)
    tries.clear()

    again = scene.run(tries)

    assert again.state == "success", again.error
    assert (again.result["task_guid"], again.result["imported"]) == (own, 2)
    assert scene.submits == 1


@STATES
def test_the_twin_is_adopted_once_the_bills_of_the_other_are_deleted(has_state: bool, scene: Scene) -> None:
    tries, end = doubled(scene, has_state=has_state)
    own = end.result["task_guid"]
    (twin,) = set(guids(scene)) - {own}
    delete_bills(scene, own)
    tries.clear()

    again = scene.run(scene.edited(tries, has_state=has_state, adopt_task_guid=twin))

    assert again.state == "success", again.error
    assert (again.result["task_guid"], again.result["imported"]) == (twin, 2)
    assert scene.submits == 1


def test_without_a_record_the_import_whose_bills_are_left_is_found(scene: Scene) -> None:
    tries, end = doubled(scene, has_state=False)
    delete_bills(scene, end.result["task_guid"])
    tries.clear()

    again = scene.run(tries)

    assert again.state == "success", again.error
    assert again.result["imported"] == 2
    assert scene.submits == 1


def test_an_import_that_failed_is_not_sent_again_while_its_twin_has_bills(scene: Scene) -> None:
    scene.sandbox.fail_next_import()
    tries, end = doubled(scene)
    assert end.result["outcome"] == "failed"
    names_both(end, *guids(scene))
    tries.clear()

    again = scene.run(tries)

    assert again.state == "success", again.error
    assert (again.result["imported"], again.result["reattached"]) == (2, True)
    assert scene.submits == 1


@MODES
def test_the_check_is_one_request_and_imports_of_others_are_no_twins(deferrable: bool, scene: Scene) -> None:
    scene.import_by_hand()
    scene.run(scene.other_task())
    scene.sandbox.clear_requests()

    end = scene.run(scene.tries(deferrable=deferrable))

    assert end.state == "success", end.error
    assert len(lists(scene)) == 1


def test_in_a_batch_that_the_request_names_only_its_imports_are_compared(scene: Scene) -> None:
    (batch_id,) = scene.open_batches("A")

    end = scene.run(scene.tries(batch_settings=use_batch(batch_id)))

    assert end.state == "success", end.error
    assert lists(scene) == [f"beginDate greater than equal '2026-01-04' and batchId equals '{batch_id}'"]


def test_no_more_than_five_pages_are_compared(scene: Scene) -> None:
    scene.sandbox.settings.largest_page = 1
    for _ in range(7):
        scene.import_by_hand()

    end = scene.run(scene.tries())

    assert end.state == "success", end.error
    assert len(lists(scene)) == 5


def test_without_notes_nothing_is_compared(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    _tries, end = doubled(scene)

    assert end.state == "success", end.error
    assert lists(scene) == []


def test_what_is_not_waited_for_is_not_compared(scene: Scene) -> None:
    _tries, end = doubled(scene, wait_for_completion=False)

    assert end.state == "success", end.error
    assert end.result["imported"] is None
    assert lists(scene) == []


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 503}, {"garbage": True}], ids=str)
def test_a_list_that_cannot_be_read_is_only_a_warning(
    fault: dict[str, Any], scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.sandbox.fault("GET", TASKS, times=None, **fault)

    end = scene.run(scene.tries())

    assert end.state == "success", end.error
    warned = [record for record in caplog.records if "in EnergyCAP twice" in record.getMessage()]
    assert [record.levelname for record in warned] == ["WARNING"]
    assert end.result["task_guid"] in warned[0].getMessage()


@pytest.mark.parametrize("begin", ["0001-01-01T00:00:00", "2099-01-01T00:00:00Z", "soon", None, ""])
def test_a_twin_is_found_whatever_the_date_of_the_import(begin: str | None, scene: Scene) -> None:
    tries = scene.tries()
    scene.killed_while_waiting(tries, dag_run=RUN)
    (guid,) = guids(scene)
    scene.clock.sleep(100)
    with scene.client() as client:
        shown = client.tasks.get(guid).model_dump(mode="json", by_alias=True)
        client.bill_imports.submit(scene.path, import_note=shown["taskNote"])
    scene.clock.sleep(100)
    scene.sandbox.fault("GET", f"{TASKS}/{guid}", times=None, status=200, body={**shown, "beginDate": begin})

    end = scene.run(tries)

    names_both(end, *guids(scene))


def test_a_retry_into_the_batch_that_an_import_made_is_no_twin_of_it(scene: Scene) -> None:
    """The code of that batch is the marker of the import, and not of the retry."""
    scene.sandbox.settings.error_handling = "MarkBatchPending"
    scene.path.write_text(
        ADVANCED + "".join(f"{account},20260101,20260131,C,,1.00\n" for account in ("A-1", "B-1"))
    )
    settings = {"batch_mode": "new batch", "leave_existing_batches_open": True}
    tries = scene.tries(has_state=False, batch_settings=settings, on_kickouts="warn")
    first = scene.run(tries)
    scene.sandbox.add_account("B-1")
    into = {"batch_mode": "use pending batch", "pending_batch_id": first.result["batch_id"]}
    retry = retry_of(first.result["task_guid"], batch_settings=into)
    retried = scene.run(retry)
    tries.clear()

    again = scene.run(tries)

    assert retried.state == "success", retried.error
    assert again.state == "success", again.error
    assert again.result["task_guid"] == first.result["task_guid"]


def test_a_retry_into_the_batch_that_an_import_made_may_be_adopted(scene: Scene) -> None:
    settings = {"batch_mode": "new batch", "leave_existing_batches_open": True}
    scene.path.write_text(
        ADVANCED + "".join(f"{account},20260101,20260131,C,,1.00\n" for account in ("A-1", "B-1"))
    )
    first = scene.run(scene.tries(batch_settings=settings, on_kickouts="warn"))
    scene.sandbox.add_account("B-1")
    given = {"task_guid": first.result["task_guid"], "batch_settings": use_batch(first.result["batch_id"])}
    retried = scene.run(retry_of(**{"source": given["task_guid"], "batch_settings": given["batch_settings"]}))

    adopted = Tries(
        lambda: RetryKickoutsOperator(task_id="retry", adopt_task_guid=retried.result["task_guid"], **given)
    ).run(dag_run=RUN)

    assert adopted.state == "success", adopted.error
