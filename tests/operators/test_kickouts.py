"""Retry kickouts: what is refused, by us and by EnergyCAP; rounds are tested with their module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.operators import ImportBillsOperator, RetryKickoutsOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import run
from tests.support.waiting_tasks import bill_file

GUID = "123e4567-e89b-12d3-a456-426614174000"


def _import(path: Path | str, **arguments: Any) -> ImportBillsOperator:
    return ImportBillsOperator(task_id="import_bills", file=str(path), **arguments)


@pytest.mark.parametrize("guid", ["", "123", GUID + "0", "../../me"])
def test_a_guid_that_is_none_is_refused(sandbox: Sandbox, guid: str) -> None:
    with pytest.raises(errors.EciValidationError, match="task_guid"):
        RetryKickoutsOperator(task_id="retry", task_guid=guid)
    end = run(RetryKickoutsOperator(task_id="retry", task_guid="{{ params.guid }}"), params={"guid": guid})
    assert isinstance(end.error, errors.EciValidationError)
    assert sandbox.requests == []


def test_retrying_an_import_without_kickouts_says_what_energycap_said(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    guid = run(_import(bill_file(tmp_path, "A-1"))).result["task_guid"]

    done = run(RetryKickoutsOperator(task_id="retry", task_guid=guid))
    unknown = run(RetryKickoutsOperator(task_id="retry", task_guid=GUID))

    assert isinstance(done.error, errors.EciBadRequestError)
    assert isinstance(unknown.error, errors.EciNotFoundError)
