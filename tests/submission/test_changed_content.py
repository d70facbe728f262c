"""Submit once where something changed between two tries: arguments, the file, a batch, what a server shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.api.transport.answers import Answer
from eci_provider.api.transport.session import EciSession
from eci_provider.operators import ImportBillsOperator, RetryKickoutsOperator
from tests.submission.test_submitter import (
    MODES,
    RUN,
    STATES,
    TASKS,
    Scene,
    _kicked_out,
    _somebody_elses_import,
    scene,
)
from tests.support.run_task import Finished, TaskStateDouble, Tries, run
from tests.support.two_bills import IMPORT
from tests.support.waiting_tasks import ADVANCED

__all__ = ["scene"]

KICKED_OUT = ADVANCED + "A-1,20260101,20260131,C,,100.00\nA-9,20260101,20260131,C,,100.01\n"
CORRECTED = ADVANCED + "A-2,20260101,20260131,C,,100.01\n"


def with_arguments(scene: Scene, tries: Tries, **arguments: Any) -> Tries:
    """Return the tries of the same task once its arguments were edited in the DAG."""
    edited = scene.tries(**arguments)
    edited.state, edited.try_number, edited.max_tries = tries.state, tries.try_number, tries.max_tries
    return edited


def use_batch(number: int) -> dict[str, Any]:
    return {"batch_mode": "use existing batch", "existing_open_batch_id": number}


def open_batches(scene: Scene, *codes: str) -> list[int]:
    with EciClient(scene.sandbox.url, scene.sandbox.api_key) as client:
        return [int(client.batches.open(batch_code=code).batch_id or 0) for code in codes]


class TestReattachTakenBack:
    """``reattach=False`` for one run, and then not any more."""

    @MODES
    @STATES
    def test_its_import_is_gone_on_with(self, deferrable: bool, has_state: bool, scene: Scene) -> None:
        scene.sandbox.settings.delay = 7200
        asked = {"deferrable": deferrable, "has_state": has_state}
        anew = scene.tries(reattach=False, timeout=timedelta(hours=1), **asked)
        assert isinstance(scene.run(anew).error, errors.EciWaitTimeoutError)
        anew.clear()

        end = scene.run(with_arguments(scene, anew, timeout=timedelta(hours=3), **asked))

        assert end.state == "success", end.error
        assert end.result["reattached"] is True
        assert scene.submits == 1
        assert scene.bills_once()

    @STATES
    def test_its_lost_import_is_found(self, has_state: bool, scene: Scene) -> None:
        anew = scene.tries(reattach=False, has_state=has_state)
        scene.sandbox.fault("POST", IMPORT, drop="after")
        scene.sandbox.fault("GET", TASKS, times=None, status=503)
        assert scene.run(anew).state == "failed"
        scene.sandbox.clear_faults()

        end = scene.run(with_arguments(scene, anew, has_state=has_state))

        assert end.state == "success", end.error
        assert scene.submits == 1
        assert scene.bills_once()

    def test_after_kickouts_a_clear_sends_nothing(self, scene: Scene) -> None:
        scene.path.write_text(KICKED_OUT)
        anew = scene.tries(reattach=False)
        assert isinstance(scene.run(anew).error, errors.EciKickoutsError)
        anew.clear()

        assert isinstance(scene.run(with_arguments(scene, anew)).error, errors.EciKickoutsError)

        assert scene.submits == 1

    def test_the_import_that_was_sent_last_counts(self, scene: Scene) -> None:
        """Below Airflow 3.3 both the first import and the one sent anew are found."""
        scene.path.write_text(KICKED_OUT)
        tries = scene.tries(has_state=False)
        scene.run(tries)
        tries.clear()
        anew = with_arguments(scene, tries, has_state=False, reattach=False)
        second = scene.run(anew)
        anew.clear()

        end = scene.run(with_arguments(scene, anew, has_state=False))

        assert scene.submits == 2
        assert end.xcoms["task_guid"] == second.xcoms["task_guid"]


class TestChangedContent:
    """The file or the batch is another one by the next try."""

    def test_a_retry_after_a_clear_refuses_it_too(self, scene: Scene) -> None:
        scene.sandbox.settings.delay = 3600
        tries = scene.tries()
        scene.killed_while_waiting(tries, dag_run=RUN)
        tries.clear()
        scene.killed_while_waiting(tries, dag_run=RUN)
        scene.path.write_text(ADVANCED + "A-1,20260101,20260131,C,,100.00\nA-2,20260101,20260131,C,,100.01\n")

        end = scene.run(tries)

        assert isinstance(end.error, errors.EciExistsError), end.error
        assert scene.submits == 1

    def test_so_does_one_of_kickouts(self, scene: Scene) -> None:
        source = _kicked_out(scene)
        scene.sandbox.settings.delay = 3600

        def retried(**arguments: Any) -> RetryKickoutsOperator:
            return RetryKickoutsOperator(task_id="retry", task_guid=source, **arguments)

        tries = Tries(retried)
        scene.killed_while_waiting(tries, dag_run=RUN)
        tries.clear()
        scene.killed_while_waiting(tries, dag_run=RUN)
        tries.make = lambda: retried(batch_settings={"batch_mode": "new batch"})

        assert isinstance(scene.run(tries).error, errors.EciExistsError)

    def test_a_corrected_file_is_imported_where_notes_do_not_show(self, scene: Scene) -> None:
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
    def test_a_lost_import_into_the_batch_of_before_stays_in_doubt(self, cleared: bool, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        first, second = open_batches(scene, "B1", "B2")
        tries = scene.tries(batch_settings=use_batch(first))
        scene.sandbox.fault("POST", IMPORT, drop="after")
        scene.sandbox.fault("GET", TASKS, times=None, status=503)
        scene.run(tries)
        scene.sandbox.clear_faults()
        if cleared:
            tries.clear()

        end = scene.run(with_arguments(scene, tries, batch_settings=use_batch(second)))

        assert isinstance(end.error, errors.EciUnknownOutcomeError), end.error
        assert scene.submits == 1

    @pytest.mark.parametrize("mode", ["new batch", "new self-contained batch"])
    def test_a_code_that_is_taken_by_the_import_before_is_explained(self, mode: str, scene: Scene) -> None:
        scene.sandbox.fail_next_import()
        tries = scene.tries(batch_settings={"batch_mode": mode, "new_batch_code": "Bills 2026-01"})
        first = scene.run(tries)

        end = scene.run(tries)

        assert isinstance(end.error, errors.EciBadRequestError)
        said = str(end.error)
        for part in (str(scene.path), "Bills 2026-01", first.xcoms["task_guid"], "smart batch"):
            assert part in said

    def test_a_batch_that_takes_no_bills_any_more_is_named(self, scene: Scene) -> None:
        (batch,) = open_batches(scene, "B1")
        tries = scene.tries(batch_settings=use_batch(batch))
        first = scene.run(tries)
        with EciClient(scene.sandbox.url, scene.sandbox.api_key) as client:
            client.batches.close(batch)
        tries.clear()

        end = scene.run(tries)

        assert isinstance(end.error, errors.EciBadRequestError)
        assert f"Check that batch {batch} takes bills" in str(end.error)
        assert first.result["task_guid"] in str(end.error)

    def test_an_import_that_succeeded_is_never_taken_for_the_next_though_it_could_not_be_recorded(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene.sandbox.settings.echo_notes = False
        tries = scene.tries()
        keep = TaskStateDouble.set

        def keeps_no_import(self: TaskStateDouble, key: str, value: Any, **arguments: Any) -> None:
            if "task_guid" in value:
                raise RuntimeError("Airflow's API server is down")
            keep(self, key, value, **arguments)

        with monkeypatch.context() as patch:
            patch.setattr(TaskStateDouble, "set", keeps_no_import)
            first = scene.run(tries)
        assert first.state == "success", first.error
        tries.clear()
        scene.sandbox.fault("POST", IMPORT, drop="before")

        end = scene.run(tries)

        assert end.state == "success", end.error
        assert end.result["task_guid"] != first.result["task_guid"]


class TestNothingSent:
    """A try that ended before it sent anything leaves no doubt, even where notes do not show."""

    @pytest.mark.parametrize("path", ["/api/v3/me", None])
    def test_a_later_try_submits(self, path: str | None, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        _somebody_elses_import(scene)
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

    def test_without_a_record_of_it_the_doubt_stays(self, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        _somebody_elses_import(scene)
        tries = scene.tries()
        tries.try_number = 1  # a first try that ended before it could note anything down

        assert isinstance(scene.run(tries).error, errors.EciUnknownOutcomeError)


class TestAdoption:
    """What ``adopt_task_guid`` may not do."""

    def test_the_tasks_own_import_is_not_lost_from_sight(self, scene: Scene) -> None:
        scene.sandbox.settings.delay = 7200
        tries = scene.tries(timeout=timedelta(hours=1))
        own = scene.run(tries).xcoms["task_guid"]
        by_hand = _somebody_elses_import(scene)
        tries.clear()

        end = scene.run(with_arguments(scene, tries, adopt_task_guid=by_hand))

        assert isinstance(end.error, errors.EciExistsError), end.error
        assert own in str(end.error)
        assert by_hand in str(end.error)

    def test_two_mapped_files_are_never_one_import(self, scene: Scene) -> None:
        by_hand = _somebody_elses_import(scene)
        scene.clock.sleep(100)
        shared: dict[tuple[str, int], Any] = {}

        def adopted(index: int) -> Finished:
            task = ImportBillsOperator(task_id="import_bills", file=str(scene.path), adopt_task_guid=by_hand)
            return run(task, instance={"map_index": index, "shared": shared}, dag_run=RUN)

        first, second = adopted(0), adopted(1)

        assert first.state == "success", first.error
        assert isinstance(second.error, errors.EciExistsError), second.error
        assert "map index 1" in str(second.error)
        assert second.xcoms["task_guid"] is None, "or the first one's next try would meet it"

    def test_a_mapped_task_may_adopt_for_one_of_its_files(self, scene: Scene) -> None:
        by_hand = _somebody_elses_import(scene)
        shared: dict[tuple[str, int], Any] = {}
        ends = [
            run(
                ImportBillsOperator(task_id="import_bills", file=str(scene.path), adopt_task_guid=guid),
                instance={"map_index": index, "shared": shared},
                dag_run=RUN,
            )
            for index, guid in enumerate([by_hand, None])
        ]

        assert [end.state for end in ends] == ["success", "success"], [end.error for end in ends]
        assert len({end.result["task_guid"] for end in ends}) == 2


class TestServersThatTellLess:
    """What is missing or odd in the answers of others must not cost an import."""

    def test_a_short_page_without_a_count_is_not_the_last(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(3):
            _somebody_elses_import(scene)
        real = EciSession.request

        def two_a_page(self: EciSession, operation: str, *args: Any, **kwargs: Any) -> Answer:
            if operation == "GetTasksV3":
                kwargs["params"] = {**kwargs["params"], "pageSize": 2}
            answer = real(self, operation, *args, **kwargs)
            headers = {name: text for name, text in answer.headers.items() if name.lower() != "totalpages"}
            return Answer(answer.status, headers, answer.data)

        monkeypatch.setattr(EciSession, "request", two_a_page)
        before = scene.submits
        scene.sandbox.fault("POST", IMPORT, drop="after")

        end = scene.run(scene.tries())

        assert end.state == "success", end.error
        assert end.result["reattached"] is True
        assert scene.submits == before + 1

    def test_clocks_may_be_apart_where_no_answer_tells_the_time(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene.sandbox.settings.echo_notes = False
        (batch,) = open_batches(scene, "B1")
        scene.clock.moment += timedelta(minutes=30)
        monkeypatch.setattr(EciSession, "_read_headers", lambda self, operation, headers: None)
        scene.sandbox.fault("POST", IMPORT, drop="after")

        end = scene.run(scene.tries(batch_settings=use_batch(batch)))

        assert isinstance(end.error, errors.EciUnknownOutcomeError), end.error
        assert scene.submits == 1

    def test_somebody_elses_odd_import_keeps_none_from_being_found(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        odd = {"taskGUId": "0" * 8, "analyzingCount": "n/a", "batch": {"batchId": "?"}, "beginDate": 7}
        real = EciSession.request

        def with_odd_ones(self: EciSession, operation: str, *args: Any, **kwargs: Any) -> Answer:
            answer = real(self, operation, *args, **kwargs)
            if operation == "GetTasksV3":
                return Answer(answer.status, answer.headers, [odd, *answer.data, None])
            return answer

        monkeypatch.setattr(EciSession, "request", with_odd_ones)
        scene.sandbox.fault("POST", IMPORT, drop="after")

        end = scene.run(scene.tries())

        assert end.state == "success", end.error
        assert scene.submits == 1


class TestTrouble:
    """EnergyCAP is down at the wrong moment."""

    @MODES
    def test_a_recorded_import_is_waited_for_though_it_cannot_be_read_now(
        self, deferrable: bool, scene: Scene
    ) -> None:
        tries = scene.tries(deferrable=deferrable)
        scene.killed_while_waiting(tries, dag_run=RUN)
        scene.sandbox.fault("GET", f"{TASKS}/*", times=12, status=503)

        end = scene.run(tries)

        assert end.state == "success", end.error
        assert end.result["reattached"] is True
        assert scene.submits == 1

    def test_a_refusal_after_a_lost_answer_does_not_hide_the_doubt(self, scene: Scene) -> None:
        scene.sandbox.fault("POST", IMPORT, drop="late", commit_after=60)
        scene.sandbox.fault("POST", IMPORT, status=403)

        end = scene.run(scene.tries())

        assert isinstance(end.error, errors.EciUnknownOutcomeError), end.error
        assert end.error.retry_helps is False
        assert "403" in str(end.error)
        assert "clear the task" in str(end.error)
