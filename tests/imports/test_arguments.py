"""The arguments that all operators share which start an import: wrong ones are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from eci_provider.api import errors
from eci_provider.operators import ImportBillsOperator, RetryKickoutsOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import run
from tests.support.waiting_tasks import bill_file

GUID = "123e4567-e89b-12d3-a456-426614174000"
Make = Callable[..., BaseOperator]


def _import(file: Path | str = "bills.csv", **arguments: Any) -> ImportBillsOperator:
    return ImportBillsOperator(task_id="import_bills", file=str(file), **arguments)


def _retry(**arguments: Any) -> RetryKickoutsOperator:
    return RetryKickoutsOperator(task_id="retry", task_guid=GUID, **arguments)


@pytest.mark.parametrize("make", [_import, _retry])
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"poll_interval": 0}, "poll_interval is 0: must be a number of seconds or a timedelta, above 0"),
        ({"poll_interval": "30"}, "poll_interval is '30': must be a number of seconds"),
        ({"timeout": -1}, "timeout is -1: must be"),
        ({"timeout": timedelta.max}, "at most a year"),
        ({"timeout": 1e12}, "at most a year"),
        ({"timeout": float("inf")}, "at most a year"),
        ({"timeout": timedelta(days=367)}, "at most a year"),
        ({"on_kickouts": "ignore"}, "on_kickouts is 'ignore': must be one of 'fail', 'warn', 'skip'"),
        ({"max_kickouts": -1}, "max_kickouts is -1: must be a whole number of rows, or a share"),
        ({"max_kickouts": 1.5}, "max_kickouts is 1.5"),
        ({"on_kill": "cancel"}, "on_kill is 'cancel': must be one of 'detach', 'void_batch'"),
        ({"adopt_task_guid": "A-1"}, "adopt_task_guid is 'A-1': must be a UUID"),
        ({"kickout_report": "kickouts.pdf"}, "kickout_report is 'kickouts.pdf': must end in .csv, .xlsx or .md"),
        (
            {"kickout_report": "kickouts.csv", "wait_for_completion": False},
            "wait_for_completion is False, and kickout_report is 'kickouts.csv'",
        ),
    ],
)
def test_wrong_ones_are_refused_when_the_dag_is_parsed(
    arguments: dict[str, Any], problem: str, make: Make
) -> None:
    with pytest.raises(errors.EciValidationError) as caught:
        make(**arguments)

    assert problem in str(caught.value)


@pytest.mark.parametrize("make", [_import, _retry])
def test_templates_are_left_for_later(make: Make) -> None:
    template = "{{ params.x }}"
    task: Any = make(
        on_kickouts=template,
        max_kickouts=template,
        success_statuses=[template],
        adopt_task_guid=template,
        kickout_report=template,
        batch_settings={"batch_mode": template},
        import_note=template,
    )

    assert task.on_kickouts == template


def test_a_report_may_not_replace_the_bill_file() -> None:
    with pytest.raises(
        errors.EciValidationError, match=r"kickout_report is .bills\.csv., where the bill file lies"
    ):
        _import(kickout_report="bills.csv")


@pytest.mark.parametrize("statuses", ["All done", [1], [None], [""], ["  "], {"Done": 1}])
def test_success_statuses_are_a_list_of_texts(statuses: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(errors.EciValidationError, match="success_statuses"):
        _import("bills.csv", success_statuses=statuses)


def test_a_text_that_success_statuses_render_to_is_refused_before_anything_is_sent(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    end = run(
        _import(bill_file(tmp_path, "A-1"), success_statuses="{{ params.done }}"), params={"done": "All done"}
    )

    assert isinstance(end.error, errors.EciValidationError)
    assert sandbox.requests == []
