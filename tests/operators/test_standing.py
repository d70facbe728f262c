"""Whether an import's bills count is asked at its end, however little EnergyCAP tells of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from eci_provider.api import EciClient, errors
from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.conftest import TurnedClock
from tests.running import run
from tests.waiting_tasks import bill_file

TASK = "/api/v3/task/*"
MODES = pytest.mark.parametrize("deferrable", [False, True])
KINDS = pytest.mark.parametrize("kind", ["adopting", "sensor"])


def _ended(sandbox: Sandbox, folder: Path, *accounts: str) -> tuple[str, int]:
    """Return an import of bills for the known account A-1, and whatever else, that has ended, and its batch."""
    sandbox.add_account("A-1")
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(folder, *accounts))
        batch = client.tasks.get(guid).batch
    assert batch is not None
    assert batch.batch_id is not None
    return guid, batch.batch_id


def _task(kind: str, folder: Path, guid: str, **arguments: Any) -> BaseOperator:
    """Return a task that judges an import which somebody else made."""
    if kind == "sensor":
        return EciTaskSensor(task_id="judges", task_guid=guid, **arguments)
    path = bill_file(folder, "A-1")
    return ImportBillsOperator(task_id="judges", file=str(path), adopt_task_guid=guid, **arguments)


def _uncounted(sandbox: Sandbox, guid: str, **facts: Any) -> None:
    """Let EnergyCAP tell no ``currentSuccessCount``."""
    with EciClient(sandbox.url, sandbox.api_key) as client:
        shown = client.tasks.get(guid).documented()
    sandbox.fault("GET", TASK, times=None, status=200, body={**shown, "currentSuccessCount": None, **facts})


@MODES
@KINDS
@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        ("Completed", "success", "no bill counts. Batch {code!r} is Pending: all bills of this import are void"),
        ("Completed with kickouts", "failed", "all bills of this import are void"),
        ("Failed", "failed", "all bills of this import are void"),
    ],
)
def test_bills_that_are_not_counted_are_void_in_a_pending_batch(
    status: str,
    state: str,
    said: str,
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    guid, batch_id = _ended(sandbox, tmp_path, "A-1")
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.update_status(batch_id, "Pending")
    _uncounted(sandbox, guid, status=status)

    end = run(_task(kind, tmp_path, guid, deferrable=deferrable, max_kickouts=5))

    assert end.state == state, end.error
    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == [0, None, "pending"]
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    said = said.format(code=end.result["batch_code"])
    assert said in str(end.error) if end.error else any(said in text for text in told)
    assert end.error is None or (isinstance(end.error, errors.EciOutcomeError) and end.is_final)


@KINDS
def test_bills_that_are_not_counted_are_not_called_void_in_an_open_batch(
    kind: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    guid, _ = _ended(sandbox, tmp_path, "A-1")
    _uncounted(sandbox, guid)

    end = run(_task(kind, tmp_path, guid))

    assert end.state == "success", end.error
    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == [None, 0, "open"]
