"""Submit once: every path a later try can come by, in both modes."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout

from eci_provider.api import EciClient, errors
from eci_provider.api.upload import EciFileError
from eci_provider.operators import ImportBillsOperator, RetryKickoutsOperator
from eci_provider.sandbox import Sandbox
from eci_provider.submission.marker import Identity
from tests.conftest import TurnedClock
from tests.support.run_task import Finished, Tries, run
from tests.support.two_bills import IMPORT, TwoBills
from tests.support.waiting_tasks import ADVANCED, bill_file

TASKS = "/api/v3/task"
RUN = SimpleNamespace(run_after=datetime(2026, 1, 5, 8, tzinfo=timezone.utc))
MARKER = re.compile("af:[0-9a-f]{16}")
MODES = pytest.mark.parametrize("deferrable", [False, True])
STATES = pytest.mark.parametrize("has_state", [False, True])


class Scene(TwoBills):
    """Hold what most tests need: a file of two known accounts, and its task's tries."""

    def tries(self, *, has_state: bool = True, **arguments: Any) -> Tries:
        """Return the tries of a task that imports the file."""
        given = {"file": str(self.path), "poll_interval": 10, **arguments}
        return Tries(lambda: ImportBillsOperator(task_id="import_bills", **given), has_state=has_state)

    def run(self, tries: Tries) -> Finished:
        """Run a try of a DAG run that began when the sandbox's clock did."""
        return tries.run(dag_run=RUN)

    def bills_once(self) -> bool:
        """Tell whether both bills are in EnergyCAP, once each, from one import."""
        bills = self.sandbox.bills()
        return sorted(bill["account"] for bill in bills) == ["A-1", "A-2"] and len(self.sandbox.tasks()) == 1


@pytest.fixture
def scene(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> Scene:
    """Set the scene."""
    return Scene(sandbox, turned_clock, tmp_path, delay=60)


class TestPaths:
    """The same result, whatever became of the tries before."""

    @MODES
    @STATES
    def test_a_fresh_import_is_sent_without_a_search(
        self, deferrable: bool, has_state: bool, scene: Scene
    ) -> None:
        end = scene.run(scene.tries(deferrable=deferrable, has_state=has_state))

        assert end.state == "success", end.error
        assert end.result["reattached"] is False
        assert scene.bills_once()
        assert [request.path for request in scene.sandbox.requests[:2]] == ["/api/v3/me", IMPORT]
        assert all(request.path != TASKS for request in scene.sandbox.requests)

    @MODES
    @STATES
    @pytest.mark.parametrize("ended", [False, True])
    def test_a_later_try_reattaches(self, deferrable: bool, has_state: bool, ended: bool, scene: Scene) -> None:
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
    @STATES
    @pytest.mark.parametrize(
        "fault", [{"drop": "after"}, {"status": 503, "commit": True}, {"garbage": True}, {"truncate": 5}]
    )
    def test_an_import_whose_answer_was_lost_is_adopted_in_the_same_try(
        self, deferrable: bool, has_state: bool, fault: dict[str, Any], scene: Scene
    ) -> None:
        scene.sandbox.fault("POST", IMPORT, **fault)

        end = scene.run(scene.tries(deferrable=deferrable, has_state=has_state))

        assert end.state == "success", end.error
        assert end.result["reattached"] is True
        assert scene.submits == 1
        assert scene.bills_once()

    def test_a_request_that_never_arrived_is_sent_again_after_the_settle_time(self, scene: Scene) -> None:
        scene.sandbox.fault("POST", IMPORT, drop="before")

        end = scene.run(scene.tries())

        assert end.state == "success", end.error
        assert end.result["reattached"] is False
        assert scene.submits == 2
        assert scene.clock.slept[0] == 15.0
        assert scene.bills_once()

    def test_a_request_that_takes_effect_late_is_found_by_the_second_look(self, scene: Scene) -> None:
        scene.sandbox.fault("POST", IMPORT, drop="late", commit_after=14)

        end = scene.run(scene.tries())

        assert end.state == "success", end.error
        assert scene.submits == 1
        assert scene.bills_once()

    def test_after_three_lost_requests_the_next_try_looks_first(self, scene: Scene) -> None:
        fault = scene.sandbox.fault("POST", IMPORT, drop="before", times=None)
        tries = scene.tries()

        lost = scene.run(tries)

        assert isinstance(lost.error, errors.EciUnknownOutcomeError)
        assert not lost.is_final
        assert fault.hits == 3
        scene.sandbox.clear_faults()
        scene.sandbox.clear_requests()
        assert scene.run(tries).state == "success"
        assert [request.path for request in scene.sandbox.requests[:3]] == ["/api/v3/me", TASKS, TASKS]
        assert scene.bills_once()

    @STATES
    def test_where_the_search_fails_nothing_is_sent_until_a_later_try_has_looked(
        self, has_state: bool, scene: Scene
    ) -> None:
        scene.sandbox.fault("POST", IMPORT, drop="after")
        scene.sandbox.fault("GET", TASKS, status=503, times=None)
        tries = scene.tries(has_state=has_state)

        lost = scene.run(tries)

        assert isinstance(lost.error, errors.EciUnknownOutcomeError)
        assert not lost.is_final
        assert "bills.csv" in str(lost.error)
        scene.sandbox.clear_faults()
        found = scene.run(tries)
        assert found.result["reattached"] is True
        assert scene.submits == 1
        assert scene.bills_once()

    def test_a_search_that_is_refused_for_good_is_final(self, scene: Scene) -> None:
        scene.sandbox.fault("POST", IMPORT, drop="after")
        scene.sandbox.fault("GET", TASKS, status=403, times=None)

        end = scene.run(scene.tries())

        assert isinstance(end.error, errors.EciUnknownOutcomeError)
        assert end.is_final

    def test_nothing_is_sent_where_airflow_cannot_record_the_intent(self, scene: Scene) -> None:
        tries = scene.tries()

        def set_without_server(*_: Any, **__: Any) -> None:
            raise OSError("no API server")

        tries.state.set = set_without_server

        end = scene.run(tries)

        assert isinstance(end.error, OSError)
        assert scene.submits == 0

    def test_an_import_that_cannot_be_recorded_is_waited_for_all_the_same(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        tries = scene.tries()
        write = tries.state.set

        def only_intents(key: str, value: Any, **rest: Any) -> None:
            if "task_guid" in value:
                raise OSError("no API server")
            write(key, value, **rest)

        tries.state.set = only_intents

        end = scene.run(tries)

        assert end.state == "success", end.error
        assert "could not be recorded" in caplog.text

    def test_an_import_whose_file_is_gone_is_gone_on_with(self, scene: Scene) -> None:
        tries = scene.tries()
        scene.sandbox.fault("GET", f"{TASKS}/*", skip=1, times=1, status=403)
        assert scene.run(tries).state == "failed"
        scene.path.unlink()

        end = scene.run(tries)

        assert end.state == "success", end.error
        assert end.result["reattached"] is True

    def test_an_import_whose_answer_and_file_are_gone_is_found_by_its_marker(self, scene: Scene) -> None:
        scene.sandbox.fault("POST", IMPORT, drop="after")
        scene.sandbox.fault("GET", TASKS, status=503, times=4)
        tries = scene.tries()
        assert isinstance(scene.run(tries).error, errors.EciUnknownOutcomeError)
        scene.path.unlink()

        end = scene.run(tries)

        assert end.state == "success", end.error
        assert end.result["reattached"] is True
        assert scene.submits == 1

    def test_a_missing_file_of_another_name_is_not_taken_for_the_one_that_was_sent(self, scene: Scene) -> None:
        tries = scene.tries()
        scene.sandbox.fault("GET", f"{TASKS}/*", skip=1, times=1, status=403)
        assert scene.run(tries).state == "failed"
        other = scene.tries(file=str(scene.path.with_name("february.csv")))
        other.state, other.try_number = tries.state, tries.try_number

        end = scene.run(other)

        assert isinstance(end.error, errors.EciValidationError), end.error
        assert "february.csv" in str(end.error)

    @STATES
    def test_an_import_whose_status_the_user_calls_a_success_is_not_sent_again(
        self, has_state: bool, scene: Scene
    ) -> None:
        """Its bills were deleted since, so that EnergyCAP counts none; the worker was killed before."""
        scene.sandbox.settings.statuses = {**scene.sandbox.settings.statuses, "completed": "Finished"}
        tries = scene.tries(has_state=has_state, success_statuses=["Finished"])
        assert str(scene.killed_while_waiting(tries, dag_run=RUN).error) == "killed while waiting"
        scene.clock.sleep(600)
        with EciClient(scene.sandbox.url, scene.sandbox.api_key) as client:
            client.batches.delete(scene.sandbox.batches()[0]["batch_id"])

        end = scene.run(tries)

        assert end.state == "success", end.error
        assert (end.result["status"], end.result["reattached"]) == ("Finished", True)
        assert scene.submits == 1

    @STATES
    def test_a_file_that_is_replaced_before_it_is_sent_is_never_sent_under_the_marker_of_the_old_one(
        self, has_state: bool, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The new one is as long; the worker is killed once it was taken."""
        submit, old = ImportBillsOperator.submit_job, scene.path.read_bytes()
        killed, sends = RuntimeError("killed"), []

        def replaced_meanwhile(operator: ImportBillsOperator, *arguments: Any) -> str:
            sends.append(operator)
            if len(sends) == 1:
                scene.path.write_bytes(old.replace(b"100.00", b"250.00"))
            guid = submit(operator, *arguments)
            if len(sends) <= 2:
                raise killed
            return guid

        monkeypatch.setattr(ImportBillsOperator, "submit_job", replaced_meanwhile)
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

    @STATES
    def test_a_file_that_is_gone_before_anything_was_sent_is_refused(self, has_state: bool, scene: Scene) -> None:
        scene.path.unlink()

        end = scene.run(scene.tries(has_state=has_state))

        assert isinstance(end.error, errors.EciValidationError)
        assert "there is no such file" in str(end.error)
        assert scene.sandbox.requests == []

    @MODES
    def test_an_import_that_ended_meanwhile_is_concluded_without_a_wait(
        self, deferrable: bool, scene: Scene
    ) -> None:
        scene.sandbox.settings.delay = 0

        end = scene.run(scene.tries(deferrable=deferrable))

        assert end.state == "success", end.error
        assert end.deferrals == []
        assert (end.result["outcome"], end.result["imported"]) == ("completed", 2)

    def test_a_server_that_never_stops_asking_for_patience_is_named(self, scene: Scene) -> None:
        scene.sandbox.fault("POST", IMPORT, status=429, headers={"Retry-After": "40"}, times=None)

        end = scene.run(scene.tries())

        assert isinstance(end.error, errors.EciRateLimitError)
        assert end.error.retry_after == 40
        assert not end.is_final
        assert scene.submits == 3

    def test_a_server_that_asks_for_patience_is_given_it(self, scene: Scene) -> None:
        scene.sandbox.fault("POST", IMPORT, status=429, headers={"Retry-After": "40"})

        end = scene.run(scene.tries())

        assert end.state == "success", end.error
        assert scene.clock.slept[:2] == [40.0, 15.0]
        assert scene.submits == 2
        assert scene.bills_once()


class TestSearch:
    """The table of what a search finds, and what then."""

    def _lost(self, scene: Scene) -> None:
        scene.sandbox.fault("POST", IMPORT, drop="after")

    def test_without_notes_a_batch_code_of_ours_is_enough(self, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        self._lost(scene)

        end = scene.run(scene.tries(batch_settings={"batch_mode": "new batch"}))

        assert end.state == "success", end.error
        assert end.result["reattached"] is True
        assert MARKER.fullmatch(end.result["batch_code"])
        assert scene.bills_once()

    def test_without_notes_and_without_a_code_it_fails_closed(self, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        self._lost(scene)
        tries = scene.tries()

        end = scene.run(tries)

        guid = scene.sandbox.tasks()[0]["task_guid"]
        assert isinstance(end.error, errors.EciUnknownOutcomeError)
        assert end.is_final
        for words in (guid, "adopt_task_guid", "reattach=False", "bills.csv"):
            assert words in str(end.error)
        assert scene.submits == 1

    def test_what_it_was_told_to_adopt_it_adopts(self, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        self._lost(scene)
        scene.run(scene.tries())
        guid = scene.sandbox.tasks()[0]["task_guid"]

        end = scene.run(scene.tries(adopt_task_guid=guid))

        assert end.state == "success", end.error
        assert (end.result["task_guid"], end.result["reattached"]) == (guid, True)
        assert scene.bills_once()

    def test_imports_of_others_do_not_matter_where_notes_are_shown(self, scene: Scene) -> None:
        _somebody_elses_import(scene)
        other = scene.run(
            Tries(lambda: ImportBillsOperator(task_id="other", file=str(scene.path), poll_interval=10))
        )
        assert other.state == "success"
        scene.sandbox.fault("POST", IMPORT, drop="before")

        end = scene.run(scene.tries())

        assert end.state == "success", end.error
        assert end.result["reattached"] is False

    def test_notes_shown_weeks_ago_are_proof(self, scene: Scene) -> None:
        scene.run(Tries(lambda: ImportBillsOperator(task_id="other", file=str(scene.path), poll_interval=10)))
        scene.clock.sleep(20 * 86400)
        _somebody_elses_import(scene)
        scene.sandbox.fault("POST", IMPORT, drop="before")

        end = scene.run(scene.tries())

        assert end.state == "success", end.error

    @pytest.mark.parametrize("who", ["another user", "another batch", "long before"])
    def test_imports_that_cannot_be_ours_are_no_candidates(self, who: str, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        _somebody_elses_import(scene, key=scene.sandbox.add_user("colleague") if who == "another user" else None)
        if who == "long before":
            scene.clock.sleep(600)
        settings = {"batch_mode": "new batch", "new_batch_code": "2026-01", "leave_existing_batches_open": True}
        scene.sandbox.fault("POST", IMPORT, drop="before")

        end = scene.run(scene.tries(batch_settings=settings if who == "another batch" else None))

        assert end.state == "success", end.error
        assert end.result["reattached"] is False

    def test_a_note_that_shows_only_at_the_end_leaves_doubt_until_then(self, scene: Scene) -> None:
        scene.run(Tries(lambda: ImportBillsOperator(task_id="other", file=str(scene.path), poll_interval=10)))
        scene.sandbox.settings.notes_visible = "at_end"
        scene.sandbox.fault("POST", IMPORT, drop="after")
        tries = scene.tries()

        unsure = scene.run(tries)
        assert isinstance(unsure.error, errors.EciUnknownOutcomeError)
        assert not unsure.is_final
        assert "no note yet" in str(unsure.error)
        scene.clock.sleep(60)
        sure = scene.run(tries)

        assert sure.state == "success", sure.error
        assert sure.result["reattached"] is True
        assert scene.submits == 2  # that of the other task, and ours

    def test_a_batch_code_is_compared_as_the_server_may_write_it(self, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        scene.sandbox.fault("POST", IMPORT, drop="after")
        scene.sandbox.fault("GET", TASKS, times=None, status=503)
        tries = scene.tries(batch_settings={"batch_mode": "new batch"})
        assert isinstance(scene.run(tries).error, errors.EciUnknownOutcomeError)
        scene.sandbox.clear_faults()
        (batch,) = scene.sandbox.batches()
        with EciClient(scene.sandbox.url, scene.sandbox.api_key) as client:
            client.batches.edit(batch["batch_id"], batch_code=f" {batch['batch_code'].upper()} ", note=None)

        end = scene.run(tries)

        assert end.state == "success", end.error
        assert end.result["reattached"] is True

    def test_several_of_ours_are_named_and_nothing_is_sent(self, scene: Scene) -> None:
        tries = scene.tries(has_state=False)
        scene.run(tries)
        body = next(request.body for request in scene.sandbox.requests if request.path == IMPORT)
        with EciClient(scene.sandbox.url, scene.sandbox.api_key) as client:
            client.bill_imports.submit(scene.path, import_note=body["importNote"])

        end = scene.run(tries)

        assert isinstance(end.error, errors.EciUnknownOutcomeError)
        assert end.is_final
        assert all(task["task_guid"] in str(end.error) for task in scene.sandbox.tasks())
        assert len(scene.sandbox.tasks()) == 2

    def test_as_long_as_an_import_names_no_batch_another_try_may_tell_more(self, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        scene.sandbox.settings.batch_visible = "at_end"
        self._lost(scene)
        tries = scene.tries(batch_settings={"batch_mode": "new batch"})

        unsure = scene.run(tries)
        assert isinstance(unsure.error, errors.EciUnknownOutcomeError)
        assert not unsure.is_final
        scene.clock.sleep(60)
        sure = scene.run(tries)

        assert sure.state == "success", sure.error
        assert sure.result["reattached"] is True
        assert scene.bills_once()

    def test_a_server_that_shows_no_notes_is_reported_once(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        scene.sandbox.settings.echo_notes = False

        scene.run(scene.tries())

        warnings = [record for record in caplog.records if "does not show the note" in record.getMessage()]
        assert [record.levelno for record in warnings] == [logging.WARNING]

    def test_a_code_of_ours_that_is_taken_is_ours(self, scene: Scene) -> None:
        tries = scene.tries(batch_settings={"batch_mode": "new batch"}, has_state=False)
        scene.run(tries)
        # The DAG run is made anew under its old name: its first try knows nothing and is refused.
        again = scene.tries(batch_settings={"batch_mode": "new batch"}, has_state=False)

        end = scene.run(again)

        assert end.state == "success", end.error
        assert end.result["reattached"] is True
        assert scene.bills_once()


class TestSuperseded:
    """An import that failed without importing anything does not count."""

    @STATES
    @pytest.mark.parametrize("settings", [None, {"batch_mode": "new batch"}])
    def test_it_is_submitted_again_under_another_marker(
        self, has_state: bool, settings: dict[str, Any] | None, scene: Scene
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
    def test_the_one_after_it_is_found_again(self, has_state: bool, scene: Scene) -> None:
        scene.sandbox.fail_next_import()
        tries = scene.tries(has_state=has_state)
        scene.run(tries)
        scene.sandbox.fault("POST", IMPORT, drop="after")
        scene.sandbox.fault("GET", TASKS, skip=0 if has_state else 2, times=None, status=503)
        assert isinstance(scene.run(tries).error, errors.EciUnknownOutcomeError)
        scene.sandbox.clear_faults()

        end = scene.run(tries)

        assert end.state == "success", end.error
        assert end.result["reattached"] is True
        assert scene.submits == 2

    @STATES
    def test_one_that_imported_anything_is_judged_again(self, has_state: bool, scene: Scene) -> None:
        scene.sandbox.settings.statuses = {**scene.sandbox.settings.statuses, "completed": "Broken off"}
        tries = scene.tries(has_state=has_state)
        first = scene.run(tries)
        assert isinstance(first.error, errors.EciImportFailedError)

        again = scene.run(tries)

        assert isinstance(again.error, errors.EciImportFailedError)
        assert again.result["reattached"] is True
        assert scene.submits == 1


class TestClear:
    """What a clear does, beside what a retry does."""

    def test_a_success_that_is_cleared_is_imported_again(self, scene: Scene) -> None:
        tries = scene.tries()
        first = scene.run(tries)
        tries.clear()

        second = scene.run(tries)

        assert (first.result["reattached"], second.result["reattached"]) == (False, False)
        assert first.result["task_guid"] != second.result["task_guid"]
        assert scene.submits == 2
        assert scene.clock.slept.count(15.0) == 0

    def test_a_success_that_is_cleared_is_imported_again_where_notes_do_not_show(self, scene: Scene) -> None:
        scene.sandbox.settings.echo_notes = False
        tries = scene.tries(batch_settings={"batch_mode": "new batch"})
        scene.run(tries)
        tries.clear()

        end = scene.run(tries)

        assert end.state == "success", end.error
        assert scene.submits == 2

    def test_below_a_task_state_a_success_that_is_cleared_reattaches(self, scene: Scene) -> None:
        tries = scene.tries(has_state=False)
        scene.run(tries)
        tries.clear()

        end = scene.run(tries)

        assert end.result["reattached"] is True
        assert scene.submits == 1

    def test_a_death_after_the_last_write_is_no_success(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries = scene.tries()
        with monkeypatch.context() as patch:
            patch.setattr("tests.support.run_task.TaskInstanceDouble.xcom_push", _push_and_die)
            scene.run(tries)
        tries.clear()

        end = scene.run(tries)

        assert end.result["reattached"] is True
        assert scene.submits == 1

    @STATES
    def test_kickouts_that_are_cleared_are_judged_again_and_never_sent_again(
        self, has_state: bool, scene: Scene
    ) -> None:
        scene.path.write_text(ADVANCED + "A-1,20260101,20260131,A,,100.00\nA-9,20260101,20260131,A,,100.00\n")
        tries = scene.tries(has_state=has_state)
        first = scene.run(tries)
        assert isinstance(first.error, errors.EciKickoutsError)
        tries.clear()

        again = scene.run(tries)

        assert isinstance(again.error, errors.EciKickoutsError)
        assert again.result["reattached"] is True
        assert scene.submits == 1

    def test_a_file_that_was_corrected_is_imported_after_a_clear(self, scene: Scene) -> None:
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
    def test_a_file_that_changes_under_a_retry_is_refused(self, recorded: bool, scene: Scene) -> None:
        tries = scene.tries()
        if recorded:
            scene.sandbox.fault("GET", f"{TASKS}/*", times=None, status=404)
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

    def test_without_reattach_every_try_imports(self, scene: Scene) -> None:
        tries = scene.tries(reattach=False, batch_settings={"batch_mode": "new batch"})

        ends = [scene.run(tries), scene.run(tries)]

        assert [end.result["reattached"] for end in ends] == [False, False]
        assert scene.submits == 2
        assert len({batch["batch_code"] for batch in scene.sandbox.batches()}) == 2


def _push_and_die(self: Any, key: str, value: Any, **_: Any) -> None:
    if key == "return_value":
        raise RuntimeError("the process was killed in the last write")
    self.xcoms[key] = value


class TestAdoption:
    """An import that the author names."""

    def test_one_that_is_older_than_the_run_is_refused(self, scene: Scene) -> None:
        guid = _somebody_elses_import(scene)
        scene.clock.sleep(30 * 86400)
        tries = scene.tries(adopt_task_guid=guid)

        end = tries.run(dag_run=SimpleNamespace(run_after=scene.clock.moment))

        assert isinstance(end.error, errors.EciExistsError)
        assert end.is_final
        assert "EciTaskSensor" in str(end.error)
        assert scene.submits == 1  # that of somebody else

    def test_one_of_another_task_is_refused(self, scene: Scene) -> None:
        other = scene.run(
            Tries(lambda: ImportBillsOperator(task_id="other", file=str(scene.path), poll_interval=10))
        )

        end = scene.run(scene.tries(adopt_task_guid=other.result["task_guid"]))

        assert isinstance(end.error, errors.EciExistsError)
        assert end.is_final
        assert "reattach=False" in str(end.error)

    @pytest.mark.parametrize("nothing", ["", "{{ params.guid or '' }}", "None", None])
    def test_nothing_means_none(self, nothing: str | None, scene: Scene) -> None:
        end = scene.tries(adopt_task_guid=nothing).run(dag_run=RUN, params={"guid": None})

        assert end.state == "success", end.error
        assert end.result["reattached"] is False

    def test_what_is_no_guid_is_refused_when_the_dag_is_parsed(self) -> None:
        with pytest.raises(errors.EciValidationError, match="'import_bills': adopt_task_guid is 'A-1'"):
            ImportBillsOperator(task_id="import_bills", file="bills.csv", adopt_task_guid="A-1")


class TestRetryOfKickouts:
    """The retry of kickouts is an import like any other."""

    @MODES
    def test_its_lost_answer_is_found(self, deferrable: bool, scene: Scene) -> None:
        source = _kicked_out(scene)
        scene.sandbox.fault("POST", "/api/v202401/import/bill/task/*/kickout", drop="after")

        end = scene.run(_retry(source, deferrable=deferrable))

        assert end.state == "success", end.error
        assert end.result["reattached"] is True
        assert len(scene.sandbox.tasks()) == 2

    def test_a_later_try_reattaches(self, scene: Scene) -> None:
        source = _kicked_out(scene)
        tries = _retry(source, has_state=False)
        first = scene.run(tries)

        again = scene.run(tries)

        assert again.result["task_guid"] == first.result["task_guid"] != source
        assert again.result["reattached"] is True


def _retry(source: str, *, has_state: bool = True, **arguments: Any) -> Tries:
    given = {"task_guid": source, "poll_interval": 10, **arguments}
    return Tries(lambda: RetryKickoutsOperator(task_id="retry", **given), has_state=has_state)


def _kicked_out(scene: Scene) -> str:
    scene.path.write_text(ADVANCED + "A-9,20260101,20260131,A,,100.00\n")
    with EciClient(scene.sandbox.url, scene.sandbox.api_key) as client:
        guid = client.bill_imports.submit(scene.path)
        scene.clock.sleep(60)
        assert client.tasks.get(guid).status == "Completed with kickouts"
    scene.sandbox.add_account("A-9")
    return guid


def _somebody_elses_import(scene: Scene, key: str | None = None) -> str:
    with EciClient(scene.sandbox.url, key or scene.sandbox.api_key) as client:
        return client.bill_imports.submit(scene.path, import_note="by hand")


class TestDeadline:
    """One deadline, from the submission."""

    @MODES
    @STATES
    def test_it_holds_over_tries(self, deferrable: bool, has_state: bool, scene: Scene) -> None:
        scene.sandbox.settings.delay = 1e6
        tries = scene.tries(deferrable=deferrable, has_state=has_state, timeout=timedelta(hours=1))
        scene.sandbox.fault("GET", f"{TASKS}/*", skip=3, times=None, status=404)
        assert isinstance(scene.run(tries).error, errors.EciNotFoundError)
        scene.sandbox.clear_faults()
        scene.clock.sleep(1800)

        end = scene.run(tries)

        assert isinstance(end.error, errors.EciWaitTimeoutError)
        # Where no state is kept the server's clock tells, which it shows to the second.
        late = scene.clock.moment - RUN.run_after - timedelta(hours=1)
        assert timedelta(0) <= late <= timedelta(seconds=0 if has_state else 1)
        assert scene.sandbox.tasks()[0]["task_guid"] in str(end.error)

    def test_a_longer_timeout_after_a_clear_goes_on_waiting(self, scene: Scene) -> None:
        scene.sandbox.settings.delay = 5400
        tries = scene.tries(timeout=timedelta(hours=1))
        assert isinstance(scene.run(tries).error, errors.EciWaitTimeoutError)
        longer = scene.tries(timeout=timedelta(hours=2))
        longer.state, longer.try_number = tries.state, tries.try_number
        longer.clear()

        end = scene.run(longer)

        assert end.state == "success", end.error
        assert end.result["reattached"] is True

    @pytest.mark.parametrize("hours", [-7, 10])
    def test_dates_without_a_zone_do_not_move_it(self, hours: int, scene: Scene) -> None:
        scene.sandbox.settings.utc_offset = float(hours)
        scene.sandbox.settings.show_zone = False
        scene.sandbox.fault("POST", IMPORT, drop="after")

        end = scene.run(scene.tries(timeout=timedelta(minutes=5)))

        assert end.state == "success", end.error
        assert end.result["reattached"] is True

    def test_a_try_that_airflow_ends_while_it_submits_says_so(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene.sandbox.fault("POST", IMPORT, drop="before")

        def sleep(seconds: float) -> None:
            raise AirflowTaskTimeout("Timeout")

        monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

        end = scene.run(scene.tries())

        assert isinstance(end.error, errors.EciUnknownOutcomeError)
        assert not end.is_final
        assert "execution_timeout" in str(end.error)


class TestMarker:
    """The marker tells one piece of work from all others."""

    WORK = Identity("dag", "task", "run", -1, "content")

    @pytest.mark.parametrize(
        "other",
        [
            Identity("dag2", "task", "run", -1, "content"),
            Identity("dag", "task2", "run", -1, "content"),
            Identity("dag", "task", "run2", -1, "content"),
            Identity("dag", "task", "run", 0, "content"),
            Identity("dag", "task", "run", -1, "content2"),
            Identity("da", "gtask", "run", -1, "content"),
        ],
    )
    def test_other_work_has_another_one(self, other: Identity) -> None:
        assert MARKER.fullmatch(self.WORK.marker(0, 0))
        assert len({self.WORK.marker(*numbers) for numbers in [(0, 0), (1, 0), (0, 1), (0, 0, "try 2")]}) == 4
        assert other.marker(0, 0) != self.WORK.marker(0, 0)

    def test_each_mapped_file_is_another_import(self, scene: Scene) -> None:
        ends = [
            run(
                ImportBillsOperator(task_id="import_bills", file=str(scene.path), poll_interval=10),
                instance={"map_index": index},
                dag_run=RUN,
            )
            for index in (0, 1)
        ]

        assert [end.result["reattached"] for end in ends] == [False, False]
        assert (
            len({request.body["importNote"] for request in scene.sandbox.requests if request.path == IMPORT}) == 2
        )

    @pytest.mark.parametrize(
        "changed",
        [
            {"profile_code": "Electric"},
            {"batch_settings": {"batch_mode": "new batch"}},
            {"file_name": "bills.txt"},
        ],
    )
    def test_what_decides_where_bills_land_is_content(self, changed: dict[str, Any], tmp_path: Path) -> None:
        path = str(bill_file(tmp_path, "A-1"))
        plain = ImportBillsOperator(task_id="import_bills", file=path)
        other = ImportBillsOperator(task_id="import_bills", file=path, **changed)
        noted = ImportBillsOperator(task_id="import_bills", file=path, import_note="try 2", comment="again")

        digests = [task.content(task.checked_request()) for task in (plain, other, noted)]

        assert digests[0] != digests[1]
        # A note may hold what changes from try to try.
        assert digests[0] == digests[2]

    def test_it_stays_what_it_was(self) -> None:
        # What `printf '["dag", "task", "run", -1, "content", "", 0, 0]' | sha256sum` prints: running imports of an
        # older version must be found by a newer one.
        assert self.WORK.marker(0, 0) == "af:9e5ec1578290c0de"


class TestKill:
    """A user ends the task while its import runs."""

    def _killed(self, scene: Scene, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> Tries:
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

    def test_it_is_detached_unless_told_otherwise(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        tries = self._killed(scene, monkeypatch, batch_settings={"batch_mode": "new batch"})

        guid = scene.sandbox.tasks()[0]["task_guid"]
        assert any(guid in line and "continues in EnergyCAP" in line for line in caplog.messages)
        assert scene.sandbox.batches()[0]["batch_status"] == "Open"
        assert scene.run(tries).result["reattached"] is True

    @STATES
    def test_its_batch_is_voided_and_a_retry_does_not_call_that_done(
        self, has_state: bool, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries = self._killed(
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
        with EciClient(scene.sandbox.url, scene.sandbox.api_key) as client:
            client.batches.update_status(batch["batch_id"], "Open")
        tries.clear()
        assert scene.run(tries).state == "success"

    def test_before_it_has_submitted_there_is_nothing_to_kill(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        scene.tries(on_kill="void_batch").make().on_kill()

        assert caplog.messages == []
        assert scene.sandbox.requests == []

    def test_a_worker_that_goes_on_after_all_does_not_call_a_voided_import_done(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
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
    def test_after_the_end_a_kill_voids_nothing(self, deferrable: bool, scene: Scene) -> None:
        tries = scene.tries(
            on_kill="void_batch", batch_settings={"batch_mode": "new batch"}, deferrable=deferrable
        )
        task = tries.make()
        assert scene.run(Tries(lambda: task)).state == "success"

        task.on_kill()

        assert scene.sandbox.batches()[0]["batch_status"] == "Open"

    @pytest.mark.parametrize("point", ["before", "while"])
    def test_a_kill_at_the_submission(
        self, point: str, scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        task = scene.tries(on_kill="void_batch", batch_settings={"batch_mode": "new batch"}).make()
        submit = ImportBillsOperator.submit_job

        def killed(self: ImportBillsOperator, client: EciClient, request: Any, marker: str) -> str:
            self.on_kill()
            return submit(self, client, request, marker)

        if point == "before":
            task.on_kill()
        else:
            monkeypatch.setattr(ImportBillsOperator, "submit_job", killed)

        end = scene.run(Tries(lambda: task))

        if point == "before":
            assert "killed before its import was sent" in str(end.error)
            assert scene.submits == 0
        else:
            # Its import was on its way, so the batch is voided as soon as it is known.
            assert isinstance(end.error, errors.EciVoidedError), end.error
            assert MARKER.search(caplog.text)
            assert scene.sandbox.batches()[0]["batch_status"] == "Pending"

    def test_an_unknown_action_is_refused_when_the_dag_is_parsed(self) -> None:
        with pytest.raises(errors.EciValidationError, match="on_kill is 'cancel': must be one of 'detach'"):
            ImportBillsOperator(task_id="import_bills", file="bills.csv", on_kill="cancel")


class TestGivenUpByAirflow:
    """Airflow ends the deferral by itself: its time-out passes, or the trigger dies."""

    @pytest.mark.parametrize("ended", [False, True])
    @pytest.mark.parametrize(
        ("said", "error"),
        [("Trigger timeout", errors.EciWaitTimeoutError), ("Trigger failure", errors.EciTriggerError)],
    )
    def test_it_looks_once_more_and_names_the_import(
        self, said: str, error: type[Exception], ended: bool, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries = scene.tries(deferrable=True)

        async def gives_up(path: str, arguments: dict[str, Any]) -> dict[str, Any]:
            scene.clock.sleep(100 if ended else 1)
            return {}

        monkeypatch.setattr("tests.support.run_task.first_event", gives_up)
        resume = ImportBillsOperator.resume_execution
        monkeypatch.setattr(
            ImportBillsOperator,
            "resume_execution",
            lambda self, method, kwargs, context: resume(self, "__fail__", {"error": said}, context),
        )

        end = scene.run(tries)

        guid = scene.sandbox.tasks()[0]["task_guid"]
        if ended:
            assert end.state == "success", end.error
            assert (end.result["task_guid"], end.result["outcome"]) == (guid, "completed")
        else:
            assert isinstance(end.error, error), end.error
            assert guid in str(end.error)


class TestExecutionTimeout:
    """Airflow's limit for one try, in both modes: a retry goes on."""

    @pytest.mark.parametrize("on_kill", ["detach", "void_batch"])
    def test_when_deferred_the_trigger_keeps_it(self, on_kill: str, scene: Scene) -> None:
        scene.sandbox.settings.delay = 2000
        tries = scene.tries(
            deferrable=True,
            execution_timeout=timedelta(minutes=20),
            on_kill=on_kill,
            batch_settings={"batch_mode": "new batch"},
        )

        end = scene.run(tries)

        assert isinstance(end.error, errors.EciWaitTimeoutError)
        assert not end.is_final
        assert end.error.ended_by == "execution_timeout"
        assert sum(scene.clock.slept) <= 20 * 60
        # The end of one try is no kill: the next one goes on.
        assert scene.sandbox.batches()[0]["batch_status"] == "Open"
        again = scene.run(tries)
        assert again.state == "success", again.error
        assert again.result["reattached"] is True

    def test_in_a_worker_airflows_own_time_out_names_the_import(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def sleep(seconds: float) -> None:
            scene.clock.sleep(seconds)
            if sum(scene.clock.slept) > 30:
                raise AirflowTaskTimeout("Timeout")

        monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

        end = scene.run(scene.tries())

        assert isinstance(end.error, errors.EciWaitTimeoutError)
        assert not end.is_final
        assert scene.sandbox.tasks()[0]["task_guid"] in str(end.error)
