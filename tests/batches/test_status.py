"""A batch's status is changed, and what became of the change is read from the batch."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api import EciClient, errors
from eci_provider.operators import UpdateBatchStatusOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock

TIMED_OUT = AirflowTaskTimeout("Timeout, PID: 7")


@pytest.fixture
def batch_id(sandbox: Sandbox) -> int:
    """Open a batch."""
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return int(client.batches.open("2026-01").batch_id or 0)


def test_a_batch_goes_pending_and_open_and_closed(sandbox: Sandbox, batch_id: int) -> None:
    seen = []
    for status in ("Pending", "Open", "Closed"):
        end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status=status, note=status))
        seen.append((end.result["batch_status"].capitalize(), end.result["note"]))

    assert seen == [("Pending", "Pending"), ("Open", "Open"), ("Closed", "Closed")]


def test_a_batch_that_has_the_status_is_left_alone(sandbox: Sandbox, batch_id: int) -> None:
    sandbox.clear_requests()

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=str(batch_id), batch_status="Open"))

    assert end.result["batch_id"] == batch_id
    assert [request.method for request in sandbox.requests] == ["GET"]


def test_a_change_whose_answer_is_lost_is_found_done(sandbox: Sandbox, batch_id: int) -> None:
    path = f"/api/v202206/batch/{batch_id}/status"
    sandbox.fault("PUT", path, drop="after")

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert end.state == "success", end.error
    assert end.result["batch_status"].lower() == "closed"
    assert [request.path for request in sandbox.requests].count(path) == 1


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"status": 502}, {"status": 200, "body": "not JSON"}])
def test_a_change_whose_request_was_lost_is_sent_again_once_it_has_had_its_time(
    fault: dict[str, object],
    sandbox: Sandbox,
    batch_id: int,
    turned_clock: TurnedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    path = f"/api/v202206/batch/{batch_id}/status"
    sandbox.fault("PUT", path, **fault)

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert end.state == "success", end.error
    assert end.result["batch_status"].lower() == "closed"
    assert [request.path for request in sandbox.requests].count(path) == 2
    assert turned_clock.slept == [15.0]
    pause = "It does not show the change yet; reading it again in 15 s."
    assert f"It is not known whether batch {batch_id} was set to Closed. {pause}" in caplog.messages


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("batch_status", ["Open", "Pending"])
def test_a_batch_that_reads_show_late_is_read_again(
    batch_status: Any, skip: int, sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    sandbox.fault("GET", f"/api/v3/batch/{batch_id}", skip=skip, status=404)

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status=batch_status))

    assert end.state == "success", end.error
    assert end.result["batch_status"].capitalize() == batch_status
    assert turned_clock.slept == ([15.0] if skip == 0 or batch_status == "Pending" else [])


@pytest.mark.parametrize("read", [{}, {"status": 404, "skip": 1}])
def test_a_change_that_does_not_find_a_new_batch_is_sent_again(
    read: dict[str, int], sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    path = f"/api/v202206/batch/{batch_id}/status"
    sandbox.fault("PUT", path, status=404)
    if read:
        sandbox.fault("GET", f"/api/v3/batch/{batch_id}", **read)

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert end.state == "success", end.error
    assert [request.path for request in sandbox.requests].count(path) == 2


def test_a_batch_that_is_deleted_before_the_change_is_not_found(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    path = f"/api/v202206/batch/{batch_id}/status"
    sandbox.fault("PUT", path, times=None, status=404)
    sandbox.fault("GET", f"/api/v3/batch/{batch_id}", skip=1, times=None, status=404)

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert isinstance(end.error, errors.EciNotFoundError), end.error
    assert end.is_final
    assert [request.path for request in sandbox.requests].count(path) == 1


def test_a_batch_that_is_there_for_nobody_is_not_found(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=7, batch_status="Closed"))

    assert isinstance(end.error, errors.EciNotFoundError), end.error
    assert [request.method for request in sandbox.requests] == ["GET", "GET"]


def test_a_change_that_takes_effect_late_is_not_sent_again(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    path = f"/api/v202206/batch/{batch_id}/status"
    sandbox.fault("PUT", path, drop="late", commit_after=10)

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert end.state == "success", end.error
    assert [request.path for request in sandbox.requests].count(path) == 1


def test_a_change_that_never_arrives_fails_after_three_requests_and_may_be_retried(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    path = f"/api/v202206/batch/{batch_id}/status"
    sandbox.fault("PUT", path, drop="before", times=None)

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert isinstance(end.error, errors.EciConnectionError)
    assert not end.is_final
    assert [request.path for request in sandbox.requests].count(path) == 3
    assert sandbox.batches()[0]["batch_status"].lower() == "open"


def test_a_long_pause_that_the_server_asks_for_is_left_to_the_next_attempt(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    path = f"/api/v202206/batch/{batch_id}/status"
    sandbox.fault("PUT", path, status=503, headers={"Retry-After": "3600"})

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert isinstance(end.error, errors.EciServerError)
    assert end.error.retry_after == 3600
    assert [request.path for request in sandbox.requests].count(path) == 1


def test_where_the_batch_cannot_be_read_after_a_lost_answer_the_outcome_is_unknown(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    sandbox.fault("PUT", f"/api/v202206/batch/{batch_id}/status", drop="after")
    sandbox.fault("GET", f"/api/v3/batch/{batch_id}", skip=1, times=None, status=503)

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert not end.is_final
    assert f"whether batch {batch_id} was set to Closed" in str(end.error)


def test_a_read_that_lags_behind_the_change_is_repeated(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    stale = {"batchId": batch_id, "batchCode": "2026-01", "batchStatus": "open"}
    sandbox.fault("GET", f"/api/v3/batch/{batch_id}", skip=1, status=200, body=stale)

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert end.state == "success", end.error
    assert end.result["batch_status"].lower() == "closed"


def test_a_forbidden_transition_says_what_energycap_said(sandbox: Sandbox, batch_id: int) -> None:
    run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Open"))

    assert isinstance(end.error, errors.EciBadRequestError)
    assert end.is_final
    assert end.error.status == 400
    assert end.error.body


def test_opening_a_colleagues_pending_batch_leaves_mine_open_if_so_asked(sandbox: Sandbox, batch_id: int) -> None:
    colleague = sandbox.add_user("colleague")
    with EciClient(sandbox.url, colleague) as client:
        theirs = client.batches.open("theirs").batch_id
        client.batches.update_status(theirs, "Pending")

    end = run(
        UpdateBatchStatusOperator(
            task_id="take", batch_id=theirs, batch_status="Open", leave_open_batches_as_is=True
        )
    )

    assert end.result["batch_status"].lower() == "open"
    assert {batch["batch_status"].lower() for batch in sandbox.batches()} == {"open"}


def test_a_change_that_did_not_take_place_is_not_reported_as_done(
    sandbox: Sandbox, batch_id: int, turned_clock: TurnedClock
) -> None:
    sandbox.fault("PUT", f"/api/v202206/batch/{batch_id}/status", status=204)

    end = run(UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed"))

    assert isinstance(end.error, errors.EciNotCarriedOutError)
    assert "but it is open" in str(end.error)


def test_a_change_that_airflow_ends_names_what_it_was_at(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch = client.batches.open("A").batch_id
    sandbox.fault("GET", "/api/v3/batch/*", status=503)

    def sleep(seconds: float) -> None:
        raise TIMED_OUT

    monkeypatch.setattr("eci_provider.core.clock.sleep", sleep)

    end = run(UpdateBatchStatusOperator(task_id="close", batch_id=batch, batch_status="Closed"))

    assert isinstance(end.error, errors.EciWaitTimeoutError)
    assert not end.is_final
    assert "'close'" in str(end.error)
    assert "Closed" in str(end.error)
