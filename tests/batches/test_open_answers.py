"""The answer to an opened batch is verified, or the batch is looked up."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.operators import OpenBatchOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import run
from tests.support.turned_clock import TurnedClock

#: Answers that do not say that the batch "2026-01" was opened.
NOT_IT: list[dict[str, Any]] = [
    {},
    {"batchId": None, "batchCode": "2026-01", "batchStatus": "Open"},
    {"batchCode": "2026-01", "batchStatus": "Open"},
    {"batchId": 0, "batchCode": "2026-01", "batchStatus": "Open"},
    {"batchId": 99, "batchStatus": "Open"},
    {"batchId": 99, "batchCode": "another", "batchStatus": "Closed"},
    {"batchId": 99, "batchCode": "another", "batchStatus": "Open"},
    {"batchId": 99, "batchCode": "2026-01", "batchStatus": "Closed"},
    {"batchId": 99, "batchCode": "2026-01"},
]


def _open(**arguments: object) -> OpenBatchOperator:
    return OpenBatchOperator(task_id="open_batch", **{"batch_code": "2026-01", **arguments})


@pytest.mark.parametrize("if_exists", ["fail", "adopt"])
@pytest.mark.parametrize("answer", NOT_IT)
def test_an_answer_that_does_not_say_so_is_looked_up(
    answer: dict[str, Any], if_exists: str, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("POST", "/api/v3/batch", status=200, body=answer, commit=True)

    end = run(_open(if_exists=if_exists))

    assert end.state == "success", end.error
    (batch,) = sandbox.batches()
    assert (end.result["batch_id"], end.result["batch_code"]) == (batch["batch_id"], "2026-01")
    assert end.result["batch_status"].lower() == "open"
    assert [request.method for request in sandbox.requests].count("POST") == 1


def test_what_such_an_answer_did_not_open_is_opened(
    sandbox: Sandbox, turned_clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sandbox.fault("POST", "/api/v3/batch", status=200, body={})

    end = run(_open())

    assert end.state == "success", end.error
    assert [batch["batch_id"] for batch in sandbox.batches()] == [end.result["batch_id"]]
    assert turned_clock.slept == [15.0]
    assert any("batch '2026-01' was opened. Searching again in 15 s" in message for message in caplog.messages)


def test_answers_that_never_say_so_do_not_count_as_success(sandbox: Sandbox, turned_clock: TurnedClock) -> None:
    sandbox.fault("POST", "/api/v3/batch", status=200, body={}, times=None)

    end = run(_open())

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert not end.is_final
    assert [request.method for request in sandbox.requests].count("POST") == 3


def test_an_answer_in_another_case_is_about_the_same_batch(sandbox: Sandbox) -> None:
    body = {"batchId": 7, "batchCode": " MINE ", "batchStatus": "open"}
    sandbox.fault("POST", "/api/v3/batch", status=200, body=body)

    end = run(_open(batch_code="mine"))

    assert end.result["batch_id"] == 7


@pytest.mark.parametrize("if_exists", ["fail", "adopt"])
def test_a_batch_that_the_list_shows_without_its_number_is_not_adopted(
    if_exists: str, sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault("POST", "/api/v3/batch", drop="after")
    shown = [{"batchCode": "2026-01", "batchStatus": "open"}]
    sandbox.fault("GET", "/api/v3/batch", times=None, status=200, body=shown, headers={"TotalPages": "1"})

    end = run(_open(if_exists=if_exists))

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert "without its number" in str(end.error)
    assert not end.is_final


@pytest.mark.parametrize(
    ("call", "method", "path", "answer"),
    [
        (lambda client: client.batches.get(1), "GET", "/api/v3/batch/1", {}),
        (lambda client: client.batches.get(1), "GET", "/api/v3/batch/1", {"batchStatus": "Closed"}),
        (lambda client: client.batches.close(1), "PUT", "/api/v3/batch/close/1", {"batchId": 2}),
        (
            lambda client: client.batches.edit(1, batch_code="A", note=None),
            "PUT",
            "/api/v3/batch/1",
            {"batchId": 1, "batchCode": "B"},
        ),
    ],
)
def test_an_answer_about_another_batch_is_refused(
    call: Any, method: str, path: str, answer: dict[str, Any], sandbox: Sandbox, turned_clock: TurnedClock
) -> None:
    sandbox.fault(method, path, times=None, status=200, body=answer)

    with EciClient(sandbox.url, sandbox.api_key) as client, pytest.raises(errors.EciUnreadableResponseError):
        call(client)
