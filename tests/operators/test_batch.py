"""The arguments of the operators that open a batch and change its status."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api import errors
from eci_provider.operators import OpenBatchOperator, UpdateBatchStatusOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import run

TIMED_OUT = AirflowTaskTimeout("Timeout, PID: 7")
RUN = SimpleNamespace(run_after=datetime(2026, 1, 5, 8, tzinfo=timezone.utc))


def _open(**arguments: object) -> OpenBatchOperator:
    return OpenBatchOperator(task_id="open_batch", **{"batch_code": "2026-01", **arguments})


def test_every_argument_reaches_the_batch(sandbox: Sandbox) -> None:
    given = {
        "statement_date": "2026-01-31",
        "due_date": "2026-02-15T00:00:00Z",
        "next_reading": "2026-02-28",
        "control_code": "CC",
        "invoice_number": "INV-1",
        "account_period_number": 1,
        "account_period_year": 2026,
        "note": "by Airflow",
    }

    end = run(_open(**given, close_existing_batch=False))

    assert end.state == "success", end.error
    assert end.result["batch_code"] == "2026-01"
    assert end.result["batch_status"].lower() == "open"
    assert {name: end.result[name] for name in given if "date" not in name and name != "next_reading"} == {
        name: value for name, value in given.items() if "date" not in name and name != "next_reading"
    }
    assert all(
        end.result[name].startswith(given[name][:10]) for name in ("statement_date", "due_date", "next_reading")
    )
    assert end.xcoms["batch_id"] == end.result["batch_id"] == sandbox.batches()[0]["batch_id"]


def test_templates_are_rendered_and_checked_then(sandbox: Sandbox) -> None:
    operator = _open(batch_code="{{ params.code }}", account_period_year="{{ params.year }}")

    assert run(operator, params={"code": "2026-02", "year": 2026}).result["account_period_year"] == 2026
    sandbox.clear_requests()
    again = _open(batch_code="{{ params.code }}", account_period_year="{{ params.year }}")
    end = run(again, params={"code": "x" * 256, "year": 1899})

    assert isinstance(end.error, errors.EciValidationError)
    assert end.is_final
    assert "OpenBatchOperator 'open_batch'" in str(end.error)
    assert "batch_code" in str(end.error)
    assert "255" in str(end.error)
    assert "account_period_year is '1899'" in str(end.error)
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"batch_code": ""}, "batch_code"),
        ({"account_period_year": 2100}, "2099"),
        ({"statement_date": "31.01.2026"}, "ISO 8601"),
        ({"note": "n" * 256}, "255"),
        ({"if_exists": "replace"}, "'fail', 'adopt'"),
    ],
)
def test_wrong_literals_are_refused_when_the_dag_is_parsed(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(errors.EciValidationError, match=r"OpenBatchOperator 'open_batch'") as caught:
        _open(**arguments)

    assert words in str(caught.value)
    assert next(iter(arguments)) in str(caught.value)


@pytest.mark.parametrize("status", ["open", "CLOSED", "Voided"])
def test_the_case_of_a_status_counts(status: str) -> None:
    with pytest.raises(errors.EciValidationError, match="batch_status"):
        UpdateBatchStatusOperator(task_id="move", batch_id=1, batch_status=status)


@pytest.mark.parametrize("batch_id", [0, -1, "twelve", 2**31, "True", None])
def test_a_batch_number_that_is_none_is_refused_before_anything_is_sent(
    sandbox: Sandbox, batch_id: object
) -> None:
    with pytest.raises(errors.EciValidationError, match=r"UpdateBatchStatusOperator 'move': batch_id"):
        UpdateBatchStatusOperator(task_id="move", batch_id=batch_id, batch_status="Closed")
    templated = UpdateBatchStatusOperator(task_id="move", batch_id="{{ params.id }}", batch_status="Closed")

    end = run(templated, params={"id": batch_id})

    assert isinstance(end.error, errors.EciValidationError)
    assert "batch_id" in str(end.error)
    assert sandbox.requests == []
