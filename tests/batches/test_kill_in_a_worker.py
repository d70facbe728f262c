"""A user ends the task while its import runs in a worker."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.operators import ImportBillsOperator
from tests.support.run_task import Tries
from tests.support.sends import around_sends
from tests.support.submissions import MARKER, MODES, STATES, Scene


def _killed(scene: Scene, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> Tries:
    """Let a try be killed at its first wait, as Airflow does: it calls on_kill, and then the process ends."""
    tries = scene.tries(**arguments)
    task = tries.make()
    with monkeypatch.context() as patch:
        patch.setattr(tries, "make", lambda: task)

        def sleep(seconds: float) -> None:
            scene.clock.sleep(seconds)
            task.on_kill()
            raise RuntimeError("the process was killed")

        patch.setattr("eci_provider.core.clock.sleep", sleep)
        assert scene.run(tries).state == "failed"
    return tries


def test_a_killed_import_is_detached_unless_told_otherwise(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    tries = _killed(scene, monkeypatch, batch_settings={"batch_mode": "new batch"})

    guid = scene.sandbox.tasks()[0]["task_guid"]
    assert any(guid in line and "continues in EnergyCAP" in line for line in caplog.messages)
    assert scene.sandbox.batches()[0]["batch_status"] == "Open"
    assert scene.run(tries).result["reattached"] is True


@STATES
def test_the_batch_of_a_killed_import_is_voided_and_a_retry_does_not_call_that_done(
    has_state: bool, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = _killed(
        scene,
        monkeypatch,
        batch_settings={"batch_mode": "new batch"},
        on_kill="void_batch",
        has_state=has_state,
    )
    batch = scene.sandbox.batches()[0]
    assert batch["batch_status"] == "Pending"

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciVoidedError), end.error
    assert end.is_final
    assert batch["batch_code"] in str(end.error)
    assert end.result["reattached"] is True
    assert scene.submits == 1
    with scene.client() as client:
        client.batches.update_status(batch["batch_id"], "Open")
    tries.clear()
    assert scene.run(tries).state == "success"


def test_before_the_submission_there_is_nothing_to_kill(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.tries(on_kill="void_batch").make().on_kill()

    assert caplog.messages == []
    assert scene.sandbox.requests == []


def test_a_worker_that_goes_on_after_all_does_not_call_a_voided_import_done(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = scene.tries(on_kill="void_batch", batch_settings={"batch_mode": "new batch"}).make()

    def sleep(seconds: float) -> None:
        scene.clock.sleep(seconds)
        if len(scene.clock.slept) == 1:
            task.on_kill()

    monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

    end = scene.run(Tries(lambda: task))

    assert isinstance(end.error, errors.EciVoidedError), end.error
    assert end.result["outcome"] == "completed"


@MODES
def test_after_the_end_a_kill_voids_nothing(deferrable: bool, scene: Scene) -> None:
    tries = scene.tries(on_kill="void_batch", batch_settings={"batch_mode": "new batch"}, deferrable=deferrable)
    task = tries.make()
    assert scene.run(Tries(lambda: task)).state == "success"

    task.on_kill()

    assert scene.sandbox.batches()[0]["batch_status"] == "Open"


@pytest.mark.parametrize("point", ["before", "while"])
def test_a_kill_at_the_submission(
    point: str, scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    task = scene.tries(on_kill="void_batch", batch_settings={"batch_mode": "new batch"}).make()
    if point == "before":
        task.on_kill()
    else:
        around_sends(monkeypatch, before=lambda source: task.on_kill())

    end = scene.run(Tries(lambda: task))

    if point == "before":
        assert "killed before its import was sent" in str(end.error)
        assert scene.submits == 0
    else:
        # Its import was on its way, so the batch is voided as soon as it is known.
        assert isinstance(end.error, errors.EciVoidedError), end.error
        assert MARKER.search(caplog.text)
        assert scene.sandbox.batches()[0]["batch_status"] == "Pending"


def test_an_unknown_action_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(errors.EciValidationError, match="on_kill is 'cancel': must be one of 'detach'"):
        ImportBillsOperator(task_id="import_bills", file="bills.csv", on_kill="cancel")
