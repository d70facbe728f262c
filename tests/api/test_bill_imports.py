"""Bill imports: settings and options that are refused before sending, and imports that arrive."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.bill_imports import BatchSettings
from eci_provider.api.errors import EciBadRequestError, EciNotFoundError
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS, GUID, BillBytes

INT32 = 2**31
SETTINGS = "bill_imports.submit: batch_settings"
#: An import whose kickouts are retried: another one than the answer names.
RETRIED = "0" * 8 + GUID[8:]


LEGAL_SETTINGS: list[dict[str, Any]] = [
    {},
    {"batchMode": "new batch"},
    {"batchMode": "new batch", "leaveExistingBatchesOpen": True, "newBatchCode": "x" * 255},
    {"batchMode": "new self-contained batch"},
    {"batchMode": "use existing batch", "existingOpenBatchId": 1},
    {"batchMode": "use pending batch", "pendingBatchId": INT32 - 1},
    {"batchMode": "smart batch", "newBatchCode": "x"},
]
ILLEGAL_SETTINGS: list[tuple[dict[str, Any], str]] = [
    # Companions. That an existing batch must be named is this client's rule, stricter than the documentation's
    # "used with": which batch happens to be open is no ground to import on.
    (
        {"batch_mode": "use existing batch"},
        " is {!r}: existing_open_batch_id is required when batch_mode is 'use existing batch'",
    ),
    (
        {"batch_mode": "use pending batch", "existing_open_batch_id": 1},
        " is {!r}: pending_batch_id is required when batch_mode is 'use pending batch'",
    ),
    ({"batchMode": "smart batch"}, " is {!r}: new_batch_code is required when batch_mode is 'smart batch'"),
    (
        {"batchMode": "smart batch", "newBatchCode": ""},
        " is {!r}: new_batch_code is required when batch_mode is 'smart batch'",
    ),
    # Modes that are none.
    *[
        ({"batch_mode": mode}, f".batch_mode is {mode!r}: must be 'use existing batch', 'new batch', ")
        for mode in ("New batch", "new  batch", "new_batch", "string", "")
    ],
    # Bounds.
    ({"new_batch_code": "x" * 256}, ".new_batch_code is "),
    ({"newBatchCode": "x" * 256}, ".newBatchCode is "),
    *[
        ({name: value}, f".{name} is {value!r}: {bound}")
        for name in ("existing_open_batch_id", "pending_batch_id")
        for value, bound in (
            (0, "must be greater than or equal to 1"),
            (INT32, f"must be less than or equal to {INT32 - 1}"),
            (False, "must be a whole number, not true or false"),
        )
    ],
    (
        {"leave_existing_batches_open": "no way"},
        ".leave_existing_batches_open is 'no way': must be True or False",
    ),
    ({"batch_mod": "new batch"}, ".batch_mod is not a field. Did you mean batch_mode? Allowed: batch_mode, "),
]


@pytest.mark.parametrize("settings", LEGAL_SETTINGS, ids=str)
def test_legal_settings_are_sent_as_given(
    settings: dict[str, Any], eci_sandbox: Sandbox, client: EciClient
) -> None:
    eci_sandbox.fault("POST", "*", times=None, status=200, body={"taskGUId": GUID})
    assert client.bill_imports.submit(BillBytes(), batch_settings=settings) == GUID
    assert client.bill_imports.retry_kickouts(RETRIED, batchSettings=settings) == GUID
    assert client.bill_imports.submit(BillBytes(), batch_settings=BatchSettings(**settings)) == GUID
    assert [record.body["batchSettings"] for record in eci_sandbox.requests] == [settings] * 3


@pytest.mark.parametrize(("settings", "problem"), ILLEGAL_SETTINGS, ids=str)
def test_illegal_settings_are_refused(
    settings: dict[str, Any], problem: str, client: EciClient, refusal: Callable[..., str]
) -> None:
    text = problem.format(settings)
    submitted = refusal(client.bill_imports.submit, BillBytes(), batch_settings=settings)
    assert submitted.startswith(f"bill_imports.submit: batch_settings{text[:60]}")
    assert text in submitted or len(repr(settings)) > 60
    retried = refusal(client.bill_imports.retry_kickouts, GUID, batch_settings=settings)
    assert retried == submitted.replace("bill_imports.submit", "bill_imports.retry_kickouts")


def test_a_field_that_only_an_import_has_is_refused_for_a_retry(
    client: EciClient, refusal: Callable[..., str]
) -> None:
    for name in ("profile_code", "suppress_bill_capture_notification", "file_name", "data"):
        message = refusal(client.bill_imports.retry_kickouts, GUID, **{name: "x"})
        assert message.startswith(f"bill_imports.retry_kickouts: {name} is not a field. ")
    assert "data is not a field" in refusal(client.bill_imports.submit, BillBytes(), data="x")


@pytest.mark.parametrize(
    "guid",
    ["", "1", GUID[:-1], GUID + "0", "g" + GUID[1:], None, 7],
)
def test_what_is_no_uuid_is_refused(guid: Any, client: EciClient, refusal: Callable[..., str]) -> None:
    message = refusal(client.bill_imports.retry_kickouts, guid)
    assert message.startswith(f"bill_imports.retry_kickouts: task_guid is {guid!r}: must be a ")


def test_an_import_and_its_retry_end_up_in_energycap(
    eci_sandbox: Sandbox, client: EciClient, bill_file: Path
) -> None:
    eci_sandbox.add_account("1001", ["M1"])
    guid = client.bill_imports.submit(bill_file, import_note="first", batch_settings={"batchMode": "new batch"})
    task = client.tasks.get(guid)
    assert (task.status, task.current_success_count, task.task_note) == ("Completed with kickouts", 1, "first")
    eci_sandbox.add_account("9999", ["M9"])
    retry = client.bill_imports.retry_kickouts(guid, import_note="second")
    assert retry != guid
    assert client.tasks.get(retry).status == "Completed"
    assert [bill["cost"] for bill in eci_sandbox.bills()] == [12.5, 7.0]


def test_the_file_arrives_as_it_is(eci_sandbox: Sandbox, client: EciClient, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    file = tmp_path / "noise.DAT"
    file.write_bytes(content)
    client.bill_imports.submit(str(file))
    (record,) = eci_sandbox.requests
    assert base64.b64decode(record.body["data"], validate=True) == content
    assert record.body["fileName"] == "noise.DAT"


def test_only_kicked_out_imports_can_be_retried(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.add_account("1001", ["M1"])
    guid = client.bill_imports.submit(BillBytes(BILLS[: BILLS.index(b"9999")]))
    with pytest.raises(EciBadRequestError, match="completed with kickouts can be retried"):
        client.bill_imports.retry_kickouts(guid)
    with pytest.raises(EciNotFoundError):
        client.bill_imports.retry_kickouts(GUID)


@pytest.mark.parametrize("key", ["taskGUId", "taskGuid", "taskGUID", "taskguid", "TASKGUID"])
def test_the_guid_is_found_in_any_case_of_its_key(key: str, eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.settings.guid_key = key
    guid = client.bill_imports.submit(BillBytes())
    assert guid == eci_sandbox.tasks()[0]["task_guid"]
    assert client.tasks.get(guid, fields=None).task_guid == guid
