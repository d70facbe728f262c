"""A batch is opened once, or adopted, whatever is lost."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api import EciClient, errors
from eci_provider.operators import OpenBatchOperator, UpdateBatchStatusOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import Tries, run
from tests.support.turned_clock import TurnedClock

TIMED_OUT = AirflowTaskTimeout("Timeout, PID: 7")
RUN = SimpleNamespace(run_after=datetime(2026, 1, 5, 8, tzinfo=timezone.utc))


def _open(**arguments: object) -> OpenBatchOperator:
    return OpenBatchOperator(task_id="open_batch", **{"batch_code": "2026-01", **arguments})


def test_an_existing_code_fails_without_a_retry(sandbox: Sandbox) -> None:
    assert run(_open()).state == "success"

    end = run(_open())

    assert isinstance(end.error, errors.EciBadRequestError)
    assert end.is_final
    assert len(sandbox.batches()) == 1


def test_an_open_batch_of_that_code_is_adopted(sandbox: Sandbox) -> None:
    first = run(_open(if_exists="adopt"))
    second = run(_open(if_exists="adopt"))

    assert first.result["batch_id"] == second.result["batch_id"]
    assert len(sandbox.batches()) == 1


def test_a_closed_batch_of_that_code_is_not_adopted(sandbox: Sandbox) -> None:
    batch_id = run(_open()).result["batch_id"]
    run(UpdateBatchStatusOperator(task_id="close", batch_id=batch_id, batch_status="Closed"))

    end = run(_open(if_exists="adopt"))

    assert isinstance(end.error, errors.EciExistsError)
    assert end.is_final
    assert "closed" in str(end.error).lower()


def test_a_batch_opened_by_somebody_else_meanwhile_is_adopted(sandbox: Sandbox) -> None:
    run(_open())
    sandbox.fault("GET", "/api/v3/batch", times=1, status=200, body=[], headers={"TotalPages": "1"})

    end = run(_open(if_exists="adopt"))

    assert end.state == "success", end.error
    assert len(sandbox.batches()) == 1


def test_a_code_that_no_filter_can_hold_is_adopted_all_the_same(sandbox: Sandbox) -> None:
    first = run(_open(batch_code="O'Neil"))

    second = run(_open(batch_code="O'Neil", if_exists="adopt"))

    assert second.result["batch_id"] == first.result["batch_id"]


class TestOnce:
    """A batch is opened once, whatever is lost."""

    @pytest.mark.parametrize("fault", [{"drop": "after"}, {"status": 502, "commit": True}, {"garbage": True}])
    def test_a_batch_whose_answer_was_lost_is_found_by_its_code(
        self, fault: dict[str, object], sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        sandbox.fault("POST", "/api/v3/batch", **fault)

        end = run(_open())

        assert end.state == "success", end.error
        assert [batch["batch_id"] for batch in sandbox.batches()] == [end.result["batch_id"]]
        assert turned_clock.slept == []

    def test_a_request_that_was_lost_is_sent_again_once_it_has_had_its_time(
        self, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        sandbox.fault("POST", "/api/v3/batch", drop="before")

        end = run(_open())

        assert end.state == "success", end.error
        assert len(sandbox.batches()) == 1
        assert turned_clock.slept == [15.0]

    def test_a_request_that_takes_effect_late_is_found(self, sandbox: Sandbox, turned_clock: TurnedClock) -> None:
        sandbox.fault("POST", "/api/v3/batch", drop="late", commit_after=10)

        end = run(_open())

        assert end.state == "success", end.error
        assert [request.method for request in sandbox.requests].count("POST") == 1

    def test_a_later_try_adopts_what_an_earlier_one_opened(
        self, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        tries = Tries(_open)
        first = tries.run(dag_run=RUN)

        second = tries.run(dag_run=RUN)

        assert second.result["batch_id"] == first.result["batch_id"]

    @pytest.mark.parametrize("if_exists", ["fail", "adopt"])
    def test_a_later_try_adopts_what_no_list_shows_yet(
        self, if_exists: str, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        sandbox.settings.batch_lag, sandbox.settings.lists_lag = 10, True
        tries = Tries(lambda: _open(if_exists=if_exists))
        first = tries.run(dag_run=RUN)

        second = tries.run(dag_run=RUN)

        assert second.state == "success", second.error
        assert second.result["batch_id"] == first.result["batch_id"]

    def test_a_later_try_adopts_it_from_a_server_whose_clock_is_behind(
        self, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        turned_clock.moment += timedelta(hours=3)
        tries, run_of_now = Tries(_open, has_state=False), SimpleNamespace(run_after=turned_clock.moment)
        first = tries.run(dag_run=run_of_now)

        second = tries.run(dag_run=run_of_now)

        assert second.state == "success", second.error
        assert second.result["batch_id"] == first.result["batch_id"]

    def test_a_later_try_does_not_take_an_older_one_from_a_server_whose_clock_is_ahead(
        self, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        turned_clock.moment -= timedelta(hours=3)
        run(_open())
        turned_clock.sleep(2 * 3600)
        tries, run_of_now = Tries(_open, has_state=False), SimpleNamespace(run_after=turned_clock.moment)
        tries.run(dag_run=run_of_now)

        end = tries.run(dag_run=run_of_now)

        assert isinstance(end.error, errors.EciExistsError), end.error

    def test_a_later_try_does_not_take_what_was_there_before_its_run(
        self, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        run(_open())
        turned_clock.sleep(2 * 86400)
        tries = Tries(_open)
        tries.run(dag_run=SimpleNamespace(run_after=turned_clock.moment))

        end = tries.run(dag_run=SimpleNamespace(run_after=turned_clock.moment))

        assert isinstance(end.error, errors.EciExistsError)
        assert "was not opened by this task" in str(end.error)

    def test_a_later_try_does_not_take_what_another_user_opened(
        self, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        with EciClient(sandbox.url, sandbox.add_user("colleague")) as client:
            client.batches.open("2026-01")
        tries = Tries(_open)
        tries.run(dag_run=RUN)

        end = tries.run(dag_run=RUN)

        assert isinstance(end.error, errors.EciExistsError)
        assert end.is_final

    def test_where_looking_fails_nothing_is_sent_and_another_try_may_help(
        self, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        sandbox.fault("POST", "/api/v3/batch", drop="after")
        sandbox.fault("GET", "/api/v3/batch", status=503, times=None)
        tries = Tries(_open)

        end = tries.run(dag_run=RUN)

        assert isinstance(end.error, errors.EciUnknownOutcomeError)
        assert not end.is_final
        assert "2026-01" in str(end.error)
        sandbox.clear_faults()
        assert tries.run(dag_run=RUN).result["batch_id"] == sandbox.batches()[0]["batch_id"]
        assert len(sandbox.batches()) == 1

    @pytest.mark.parametrize("has_zone", [True, False])
    def test_what_another_dag_opened_with_the_same_key_is_refused_after_a_clear_too(
        self, has_zone: bool, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        """It did after this run had begun, so that only the refusal tells that it is not this task's."""
        sandbox.settings.show_zone = has_zone
        turned_clock.sleep(600)
        with EciClient(sandbox.url, sandbox.api_key) as client:
            client.batches.open("2026-01")
        tries = Tries(_open)
        assert isinstance(tries.run(dag_run=RUN).error, errors.EciBadRequestError)

        for _ in range(2):
            tries.clear()
            end = tries.run(dag_run=RUN)
            assert isinstance(end.error, errors.EciExistsError)
            assert end.is_final
            assert "was not opened by this task" in str(end.error)

    def test_once_the_other_batch_is_gone_a_clear_opens_one_and_keeps_it(
        self, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        with EciClient(sandbox.url, sandbox.api_key) as client:
            other = client.batches.open("2026-01").batch_id
            tries = Tries(_open)
            assert tries.run(dag_run=RUN).state == "failed"
            client.batches.delete(other)
        turned_clock.sleep(600)
        sandbox.fault("POST", "/api/v3/batch", drop="after")
        sandbox.fault("GET", "/api/v3/batch", skip=1, status=503, times=4)
        tries.clear()
        assert isinstance(tries.run(dag_run=RUN).error, errors.EciUnknownOutcomeError)

        end = tries.run(dag_run=RUN)

        assert end.result["batch_id"] == sandbox.batches()[0]["batch_id"]
        assert len(sandbox.batches()) == 1

    def test_a_batch_that_was_there_when_a_lost_request_was_sent_is_not_taken(
        self, sandbox: Sandbox, turned_clock: TurnedClock
    ) -> None:
        """The same key opened it after this run had begun."""
        with EciClient(sandbox.url, sandbox.api_key) as client:
            client.batches.open("2026-01")
        turned_clock.sleep(3600)
        sandbox.fault("POST", "/api/v3/batch", drop="before")
        sandbox.fault("GET", "/api/v3/batch", status=503, times=4)
        tries = Tries(_open)
        assert isinstance(tries.run(dag_run=RUN).error, errors.EciUnknownOutcomeError)

        end = tries.run(dag_run=RUN)

        assert isinstance(end.error, errors.EciExistsError), end.error
        assert end.is_final

    @pytest.mark.parametrize("has_state", [True, False])
    def test_a_try_that_airflow_ends_names_the_batch_and_the_next_one_looks_first(
        self, has_state: bool, sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sandbox.fault("POST", "/api/v3/batch", drop="late", commit_after=20)

        def sleep(seconds: float) -> None:
            raise TIMED_OUT

        tries = Tries(_open, has_state=has_state)
        with monkeypatch.context() as patch:
            patch.setattr("eci_provider.core.clock.sleep", sleep)
            end = tries.run(dag_run=RUN)

        assert isinstance(end.error, errors.EciWaitTimeoutError)
        assert (end.error.ended_by, end.is_final) == ("execution_timeout", False)
        assert end.error.__cause__ is TIMED_OUT
        for named in ("'open_batch'", "2026-01", "execution_timeout"):
            assert named in str(end.error)
        turned_clock.sleep(60)
        assert tries.run(dag_run=RUN).state == "success"
        assert len(sandbox.batches()) == 1
