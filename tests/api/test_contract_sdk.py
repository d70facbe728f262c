"""EnergyCAP's own client beside ours: what each sends for a call, and why where they differ."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timezone
from typing import Any

import pytest

from eci_provider.api import EciClient, where
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS, GUID, MAPPING, BillBytes
from tests.support.energycap_sdk import load_sdk

DATE_TIME = "the SDK writes a date as a date-time; both are ISO 8601, and ours stays as the user wrote it"
PAGED = "ours fetches page after page, the SDK leaves paging to its caller"
DEFINED = "documented as 'Required (defined)': the key must be there; the SDK drops nulls"
NEWER = "documented since; the SDK of 2023 does not know it"
REDUCED = "ours leaves out `output`, which may be large, by the documented include list"
WHOLE = "PUT replaces: 'all body parameters are required', so ours sends null for a column that is not mapped"
OUR_NULL_COLUMNS = (
    *("vendorCode", "payAmount", "billingPeriod", "accountPeriod", "statementDate", "dueDate", "controlCode"),
    *("invoiceNumber", "meterCode", "commodity", "serviceCharge", "aceFlag", "vprFlag", "rate"),
    *("serialNumber", "billNote"),
)
TASK_FIELDS = (
    "taskId,taskGUId,taskType,status,message,beginDate,endDate,taskNote,analyzingCount,"
    "unresolvedFlagCount,currentSuccessCount,batch,user"
)

#: Call: {difference: reason}. What is not listed must be equal; what is listed must differ in just this way.
DIFFERENCES: dict[str, dict[str, str]] = {
    "open batch": {"body.dueDate: ours '2026-03-31', theirs '2026-03-31T00:00:00.000Z'": DATE_TIME},
    "list batches": {
        "query.pageNumber: ours '1', theirs absent": PAGED,
        "query.pageSize: ours '1000', theirs absent": PAGED,
    },
    "get batch": {},
    "edit batch": {"body.note: ours None, theirs absent": DEFINED},
    "edit batch with a note": {},
    "update batch status": {
        "body.leaveOpenBatchesAsIs: ours False, theirs absent": NEWER,
        "body.note: ours None, theirs absent": DEFINED,
    },
    "close batch": {},
    "delete batch": {},
    "create profile": {},
    "list profiles": {},
    "get profile": {},
    "edit profile": {
        f"body.columnMapping.{name}ColumnIndex: ours None, theirs absent": WHOLE for name in OUR_NULL_COLUMNS
    },
    "delete profile": {},
    "import": {},
    "poll": {f"query.field: ours '{TASK_FIELDS}', theirs absent": REDUCED},
    "edit task note": {},
}


class Recorder:
    """Name the requests that follow by the call that sends them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.requests: dict[str, dict[str, Any]] = {}

    def take(self, call: str) -> None:
        (record,) = self._sandbox.requests
        assert record.status in (200, 204), (call, record)
        path = re.sub("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", GUID, record.path)
        self.requests[call] = {
            "method": record.method,
            "path": path,
            "query": record.query,
            "body": record.body,
        }
        self._sandbox.clear_requests()


def ours(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """Go through the calls with our client."""
    recorder = Recorder(sandbox)
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch_id = client.batches.open("A", due_date=date(2026, 3, 31), account_period_year=2026).batch_id
        assert batch_id is not None
        recorder.take("open batch")
        assert [found.batch_id for found in client.batches.list(where("batchCode", "equals", "A"))] == [batch_id]
        recorder.take("list batches")
        assert client.batches.get(batch_id).batch_code == "A"
        recorder.take("get batch")
        assert client.batches.edit(batch_id, batch_code="B", note=None).batch_code == "B"
        recorder.take("edit batch")
        assert client.batches.edit(batch_id, batch_code="B", note="N").note == "N"
        recorder.take("edit batch with a note")
        client.batches.update_status(batch_id, "Pending")
        recorder.take("update batch status")
        assert client.batches.close(batch_id).is_open is False
        recorder.take("close batch")
        client.batches.delete(batch_id)
        recorder.take("delete batch")

        profile_id = client.import_profiles.create("P", MAPPING).profile_id
        assert profile_id is not None
        recorder.take("create profile")
        assert [found.profile_code for found in client.import_profiles.list()] == ["P"]
        recorder.take("list profiles")
        assert client.import_profiles.get(profile_id).profile_code == "P"
        recorder.take("get profile")
        assert client.import_profiles.edit(profile_id, "Q", MAPPING).profile_code == "Q"
        recorder.take("edit profile")
        client.import_profiles.delete(profile_id)
        recorder.take("delete profile")

        settings = {"batch_mode": "new batch", "new_batch_code": "C"}
        guid = client.bill_imports.submit(
            BillBytes(), batch_settings=settings, import_note="N", save_as_resolved=True, comment="why"
        )
        recorder.take("import")
        task = client.tasks.get(guid)
        assert (task.status, task.task_note) == ("Completed with kickouts", "N")
        recorder.take("poll")
        assert task.task_id is not None
        assert client.tasks.edit_note(task.task_id, "M").task_note == "M"
        recorder.take("edit task note")
    return recorder.requests


def theirs(sandbox: Sandbox, sdk: Any) -> dict[str, dict[str, Any]]:
    """Go through the same calls with the official client, as its documentation shows them."""
    recorder = Recorder(sandbox)
    models = sdk.models
    client = sdk.EnergyCapApi(base_url=sandbox.url)
    client.config.headers["ECI-ApiKey"] = sandbox.api_key
    with client:
        due = datetime(2026, 3, 31, tzinfo=timezone.utc)
        request = models.BatchCreate(batch_code="A", due_date=due, account_period_year=2026)
        batch_id = client.open_batch(request).batch_id
        recorder.take("open batch")
        assert [found.batch_id for found in client.get_batches(filter="batchCode equals 'A'")] == [batch_id]
        recorder.take("list batches")
        assert client.get_batch(batch_id).batch_code == "A"
        recorder.take("get batch")
        assert client.edit_batch(batch_id, models.BatchEdit(batch_code="B", note=None)).batch_code == "B"
        recorder.take("edit batch")
        assert client.edit_batch(batch_id, models.BatchEdit(batch_code="B", note="N")).note == "N"
        recorder.take("edit batch with a note")
        client.update_batch_status(batch_id, models.UpdateBatchStatusRequest(batch_status="Pending"))
        recorder.take("update batch status")
        assert client.close_batch(batch_id).is_open is False
        recorder.take("close batch")
        client.delete_batch(batch_id)
        recorder.take("delete batch")

        (observation,) = MAPPING["observations"]
        mapping = models.BillImportProfileColumnMapping(
            date_format="yyyymmdd",
            account_code_column_index=1,
            start_date_column_index=2,
            end_date_column_index=3,
            observations=[
                models.BillImportProfileObservation(
                    column_index=4,
                    observation_type_code=observation["observationTypeCode"],
                    caption=observation["caption"],
                    unit_code=observation["unitCode"],
                )
            ],
        )
        profile = models.BillImportProfileRequest(profile_code="P", column_mapping=mapping)
        profile_id = client.write_bill_import_profile(profile).profile_id
        recorder.take("create profile")
        assert [found.profile_code for found in client.get_bill_import_profiles()] == ["P"]
        recorder.take("list profiles")
        assert client.get_bill_import_profile(profile_id).profile_code == "P"
        recorder.take("get profile")
        profile.profile_code = "Q"
        assert client.edit_bill_import_profile(profile_id, profile).profile_code == "Q"
        recorder.take("edit profile")
        client.delete_bill_import_profile(profile_id)
        recorder.take("delete profile")

        guid = client.bill_import(
            models.BillImportRequest(
                data=base64.b64encode(BILLS).decode(),
                file_name="bills.csv",
                batch_settings=models.BatchSettings(batch_mode="new batch", new_batch_code="C"),
                import_note="N",
                save_as_resolved=True,
                comment="why",
            )
        ).task_gu_id
        recorder.take("import")
        task = client.get_task(guid)
        assert (task.status, task.task_note) == ("Completed with kickouts", "N")
        recorder.take("poll")
        assert client.edit_task(task.task_id, models.TaskEdit(task_note="M")).task_note == "M"
        recorder.take("edit task note")
    return recorder.requests


def differences(mine: Any, other: Any, where: str) -> Iterator[str]:
    """Name what differs between two JSON values, member by member."""
    if isinstance(mine, dict) and isinstance(other, dict):
        for name in mine.keys() | other.keys():
            here = f"{where}.{name}" if where else name
            if name not in other:
                yield f"{here}: ours {mine[name]!r}, theirs absent"
            elif name not in mine:
                yield f"{here}: ours absent, theirs {other[name]!r}"
            else:
                yield from differences(mine[name], other[name], here)
    # As text, so that 1, 1.0 and true are not taken for the same.
    elif json.dumps(mine) != json.dumps(other):
        yield f"{where}: ours {mine!r}, theirs {other!r}"


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Any:
    return load_sdk(monkeypatch)


@pytest.fixture
def both(sdk: Any) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Both clients' requests, each against a sandbox of its own, so that ids are equal."""
    with Sandbox() as mine, Sandbox() as other:
        for sandbox in (mine, other):
            sandbox.add_account("1001", ["M1"])
        # The SDK sends no content type where it has no body, against the documentation, which wants it always.
        other.settings.strict_content_type = False
        return ours(mine), theirs(other, sdk)


def test_both_clients_send_the_same_but_for_the_listed_differences(
    both: tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]],
) -> None:
    mine, other = both
    assert list(mine) == list(other) == list(DIFFERENCES)
    found = {call: set(differences(mine[call], other[call], "")) for call in mine}
    assert found == {call: set(listed) for call, listed in DIFFERENCES.items()}
