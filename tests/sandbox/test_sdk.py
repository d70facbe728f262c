"""EnergyCAP's own client of 2023 works with the sandbox without changes."""

from __future__ import annotations

import base64

import pytest

from tests.sandbox.sandbox_api import advanced
from tests.support.energycap_sdk import load_sdk

pytest.importorskip("msrest")


@pytest.fixture
def sdk(monkeypatch):
    return load_sdk(monkeypatch)


@pytest.fixture
def client(sandbox, sdk):
    made = sdk.EnergyCapApi(base_url=sandbox.url)
    made.config.headers["ECI-ApiKey"] = sandbox.api_key
    with made:
        yield made


def test_a_month_with_the_official_client(sandbox, sdk, client):
    models = sdk.models
    batch = client.open_batch(models.BatchCreate(batch_code="2026-01", note="January"))
    assert (batch.batch_code, batch.is_open, batch.created_by.user_code) == ("2026-01", True, "sandbox")
    settings = models.BatchSettings(batch_mode="use existing batch")
    request = models.BillImportRequest(
        data=base64.b64encode(advanced(["1001"]).encode()).decode(),
        file_name="bills.csv",
        batch_settings=settings,
        import_note="sent by the SDK",
    )
    guid = client.bill_import(request).task_gu_id
    task = client.get_task(guid)
    assert (task.status, task.task_note, task.current_success_count) == ("Completed", "sent by the SDK", 1)
    assert task.batch.batch_id == batch.batch_id
    assert task.end_date is not None
    assert client.get_batch(batch.batch_id).running_total == 12.5
    raw = client.get_batches(filter="batchCode equals '2026-01'", raw=True)
    assert [found.batch_id for found in raw.output] == [batch.batch_id]
    assert raw.headers["TotalNumberOfRecords"] == 1
    change = models.UpdateBatchStatusRequest(batch_status="Closed")
    client.update_batch_status(batch.batch_id, change)
    assert [found["batch_status"] for found in sandbox.batches()] == ["Closed"]
