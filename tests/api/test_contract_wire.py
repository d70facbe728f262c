"""Every call on the wire, letter by letter: method, path with its version, query, body, headers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from eci_provider import __version__
from eci_provider.api import EciClient, where
from eci_provider.api.errors import EciBadRequestError
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS, GUID, MAPPING, BillBytes, sent
from tests.support.raw_server import RawServer, http

Expected = tuple[str, str, dict[str, str], Any]
Calls = dict[str, tuple[Callable[[EciClient], Any], Expected]]

ALL_FIELDS = (
    "taskId,taskGUId,taskType,status,message,beginDate,endDate,taskNote,analyzingCount,"
    "unresolvedFlagCount,currentSuccessCount,batch,user"
)
KICKOUT = f"/api/v202401/import/bill/task/{GUID}/kickout"
PROFILE = "/api/v3/import/bill/profile"
DATA = base64.b64encode(BILLS).decode()
NULL_COLUMNS = dict.fromkeys(
    f"{name}ColumnIndex"
    for name in (
        *("vendorCode", "payAmount", "billingPeriod", "accountPeriod", "statementDate", "dueDate", "controlCode"),
        *("invoiceNumber", "meterCode", "commodity", "serviceCharge", "aceFlag", "vprFlag", "rate"),
        *("serialNumber", "billNote"),
    )
)
PAGE_ONE = {"pageNumber": "1", "pageSize": "1000"}


BATCH_CALLS: Calls = {
    "open": (lambda c: c.batches.open("A"), ("POST", "/api/v3/batch", {}, {"batchCode": "A"})),
    "open with everything": (
        lambda c: c.batches.open(
            "A",
            close_existing_batch=True,
            statement_date="2026-03-30",
            due_date="2026-03-31T00:00:00Z",
            next_reading="2026-04-01T12:30:00.1234567+02:00",
            control_code="C",
            invoice_number="I",
            account_period_number=3,
            account_period_year=2026,
            note="N",
        ),
        (
            "POST",
            "/api/v3/batch",
            {},
            {
                "batchCode": "A",
                "closeExistingBatch": True,
                "statementDate": "2026-03-30",
                "dueDate": "2026-03-31T00:00:00Z",
                "nextReading": "2026-04-01T12:30:00.1234567+02:00",
                "controlCode": "C",
                "invoiceNumber": "I",
                "accountPeriodNumber": 3,
                "accountPeriodYear": 2026,
                "note": "N",
            },
        ),
    ),
    "list": (lambda c: next(c.batches.list()), ("GET", "/api/v3/batch", PAGE_ONE, None)),
    "list some fields of some": (
        lambda c: next(
            c.batches.list(
                where("batchCode", "equals", "A & B") & where("isOpen", "equals", True),
                fields=["batchId", "batchCode"],
                page_size=7,
            )
        ),
        (
            "GET",
            "/api/v3/batch",
            {
                "filter": "batchCode equals 'A & B' and isOpen equals 'true'",
                "field": "batchId,batchCode",
                "pageNumber": "1",
                "pageSize": "7",
            },
            None,
        ),
    ),
    "get": (lambda c: c.batches.get(7), ("GET", "/api/v3/batch/7", {}, None)),
    "get some fields": (
        lambda c: c.batches.get(7, fields=["batchId", "note"]),
        ("GET", "/api/v3/batch/7", {"field": "batchId,note"}, None),
    ),
    "edit with a null note": (
        lambda c: c.batches.edit(7, batch_code="B", note=None),
        ("PUT", "/api/v3/batch/7", {}, {"batchCode": "B", "note": None}),
    ),
    "delete": (lambda c: c.batches.delete(7), ("DELETE", "/api/v3/batch/7", {}, None)),
    "close": (lambda c: c.batches.close(7), ("PUT", "/api/v3/batch/close/7", {}, None)),
    "status": (
        lambda c: c.batches.update_status(7, "Pending"),
        (
            "PUT",
            "/api/v202206/batch/7/status",
            {},
            {"batchStatus": "Pending", "leaveOpenBatchesAsIs": False, "note": None},
        ),
    ),
    "status with an empty note": (
        lambda c: c.batches.update_status(7, "Open", note="", leave_open_batches_as_is=True),
        (
            "PUT",
            "/api/v202206/batch/7/status",
            {},
            {"batchStatus": "Open", "leaveOpenBatchesAsIs": True, "note": ""},
        ),
    ),
}
IMPORT_CALLS: Calls = {
    "submit": (
        lambda c: c.bill_imports.submit(BillBytes()),
        ("POST", "/api/v3/import/bill", {}, {"data": DATA, "fileName": "bills.csv"}),
    ),
    "submit with everything": (
        lambda c: c.bill_imports.submit(
            BillBytes(),
            "march.txt",
            profile_code="P",
            batch_settings={"batch_mode": "new batch", "leaveExistingBatchesOpen": True, "new_batch_code": "A"},
            import_note="N",
            save_as_resolved=True,
            comment="C",
            suppress_bill_capture_notification=False,
        ),
        (
            "POST",
            "/api/v3/import/bill",
            {},
            {
                "data": DATA,
                "fileName": "march.txt",
                "profileCode": "P",
                "batchSettings": {
                    "batchMode": "new batch",
                    "leaveExistingBatchesOpen": True,
                    "newBatchCode": "A",
                },
                "importNote": "N",
                "saveAsResolved": True,
                "comment": "C",
                "suppressBillCaptureNotification": False,
            },
        ),
    ),
    "retry kickouts": (
        lambda c: c.bill_imports.retry_kickouts(
            GUID.upper(), batch_settings={"batchMode": "use pending batch", "pendingBatchId": 4}, comment="C"
        ),
        (
            "POST",
            KICKOUT,
            {},
            {"batchSettings": {"batchMode": "use pending batch", "pendingBatchId": 4}, "comment": "C"},
        ),
    ),
    "retry kickouts with nothing": (
        lambda c: c.bill_imports.retry_kickouts(GUID),
        ("POST", KICKOUT, {}, {}),
    ),
    "kickout summary": (lambda c: c.kickouts.summary(GUID), ("GET", f"{KICKOUT}/summary", {}, None)),
    "kickout details": (lambda c: c.kickouts.details(GUID), ("GET", f"{KICKOUT}/detail", {}, None)),
    "kickout summary of a file": (
        lambda c: c.kickouts.summary(GUID, "Kickouts a+b #1.csv"),
        ("GET", f"{KICKOUT}/Kickouts a+b #1.csv/summary", {}, None),
    ),
    "kickout details of a file with one message": (
        lambda c: c.kickouts.details(GUID, "k.csv", kickout_message="Account 'é' & co?"),
        ("GET", f"{KICKOUT}/k.csv/detail", {"kickoutMessage": "Account 'é' & co?"}, None),
    ),
}
OTHER_CALLS: Calls = {
    "profiles": (lambda c: c.import_profiles.list(), ("GET", PROFILE, {}, None)),
    "create profile": (
        lambda c: c.import_profiles.create("P", MAPPING),
        ("POST", PROFILE, {}, {"profileCode": "P", "columnMapping": MAPPING}),
    ),
    "get profile": (lambda c: c.import_profiles.get(3), ("GET", f"{PROFILE}/3", {}, None)),
    "edit profile": (
        lambda c: c.import_profiles.edit(3, "P", MAPPING),
        ("PUT", f"{PROFILE}/3", {}, {"profileCode": "P", "columnMapping": {**NULL_COLUMNS, **MAPPING}}),
    ),
    "delete profile": (lambda c: c.import_profiles.delete(3), ("DELETE", f"{PROFILE}/3", {}, None)),
    "task": (lambda c: c.tasks.get(GUID.upper()), ("GET", f"/api/v3/task/{GUID}", {"field": ALL_FIELDS}, None)),
    "task with its output": (
        lambda c: c.tasks.get(GUID, fields=None),
        ("GET", f"/api/v3/task/{GUID}", {}, None),
    ),
    "tasks": (
        lambda c: next(c.tasks.list(where("batchId", "equals", 7))),
        (
            "GET",
            "/api/v3/task",
            {"taskTypeCode": "BillImport", "filter": "batchId equals '7'", "field": ALL_FIELDS, **PAGE_ONE},
            None,
        ),
    ),
    "tasks of all kinds": (
        lambda c: next(c.tasks.list(task_type_code=None, fields=None)),
        ("GET", "/api/v3/task", PAGE_ONE, None),
    ),
    "edit task note": (
        lambda c: c.tasks.edit_note(9, "N"),
        ("PUT", "/api/v3/task/9", {}, {"taskNote": "N"}),
    ),
    "me": (
        lambda c: c.account.me(),
        (
            "GET",
            "/api/v3/me",
            {"field": "systemUserCode,fullName,environment,applicationMode,buildDate,permissions"},
            None,
        ),
    ),
    "bill import settings": (
        lambda c: c.account.bill_import_settings(),
        ("GET", "/api/v3/workflow/billImport", {}, None),
    ),
}
CALLS = {**BATCH_CALLS, **IMPORT_CALLS, **OTHER_CALLS}


@pytest.mark.parametrize("name", CALLS)
def test_each_call_sends_what_the_documentation_says(name: str, eci_sandbox: Sandbox, client: EciClient) -> None:
    call, expected = CALLS[name]
    eci_sandbox.fault("*", "*", status=400)
    with pytest.raises(EciBadRequestError):
        call(client)
    assert sent(eci_sandbox) == [expected]


def test_every_request_carries_the_same_headers(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("*", "*", status=400, times=None)
    for call, _ in CALLS.values():
        with pytest.raises(EciBadRequestError):
            call(client)
    assert len(eci_sandbox.requests) == len(CALLS)
    for record in eci_sandbox.requests:
        headers = {**record.headers}
        length = headers.pop("content-length", None)
        assert (length is None) == (record.method == "GET")
        assert headers == {
            "eci-apikey": eci_sandbox.api_key,
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": f"airflow-provider-eci/{__version__}",
            "host": eci_sandbox.url.removeprefix("http://"),
        }


def test_snake_case_and_camel_case_send_the_same(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("*", "*", status=400, times=None)
    snake = {
        "date_format": "yyyymmdd",
        "account_code_column_index": 1,
        "start_date_column_index": 2,
        "end_date_column_index": 3,
        "observations": [
            {"column_index": 4, "observation_type_code": "CHG", "caption": "Charge", "unit_code": "USD"}
        ],
    }
    for call in (
        lambda: client.batches.open("A", invoice_number="I", accountPeriodYear=2026),
        lambda: client.batches.open("A", invoiceNumber="I", account_period_year=2026),
        lambda: client.import_profiles.create("P", snake),
        lambda: client.import_profiles.create("P", MAPPING),
    ):
        with pytest.raises(EciBadRequestError):
            call()
    bodies = [record.body for record in eci_sandbox.requests]
    assert bodies == [
        *[{"batchCode": "A", "invoiceNumber": "I", "accountPeriodYear": 2026}] * 2,
        *[{"profileCode": "P", "columnMapping": MAPPING}] * 2,
    ]


def test_a_kickout_file_name_stays_one_part_of_the_path() -> None:
    """Quoted, so that a slash or question mark in a file's name cannot name another resource."""
    with RawServer(http("200 OK", b"{}")) as server, EciClient(server.url, "key") as raw:
        raw.kickouts.summary(GUID, "../a/b?c#d%.csv")
    line = server.requests[0].split(b"\r\n")[0].decode()
    assert line == f"GET {KICKOUT}/..%2Fa%2Fb%3Fc%23d%25.csv/summary HTTP/1.1"
