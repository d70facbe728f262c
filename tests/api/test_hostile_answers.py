"""Whatever an answer holds, only our errors leave the client; after a POST, that its outcome is unknown."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.api.errors import EciError, EciUnknownOutcomeError, EciUnreadableResponseError
from eci_provider.core.text import storable
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID, MAPPING, BillBytes
from tests.support.raw_server import RawServer, http

#: Values as a hostile server may spell them.
SPELLED = {
    "600 levels": "[" * 600 + "]" * 600,
    "600 levels of objects": '{"a":' * 600 + "1" + "}" * 600,
    "65 levels": "[" * 65 + "]" * 65,
    "200,000 levels": "[" * 200_000 + "]" * 200_000,
    "100,000 empty objects": "[" + "{}," * 99_999 + "{}]",
    "a number of 5000 digits": "7" * 5000,
    "a number of 400 digits": "7" * 400,
    "infinity": "1e999",
    "NaN": "NaN",
    "half a character": '"cut \\ud83d"',
    "a name of half a character": '{"\\ud83d": 1}',
    "NUL": '"a\\u0000b"',
    "a text of 300 KB": '"' + "R" * 300_000 + '"',
    "a list": "[]",
    "a list of null": "[null]",
    "a date in year 1": '"0001-01-01T00:00:00+14:00"',
}
CALLS: dict[str, tuple[str, Callable[[EciClient], Any]]] = {
    "me": ("GET", lambda client: client.account.me()),
    "settings": ("GET", lambda client: client.account.bill_import_settings()),
    "open": ("POST", lambda client: client.batches.open("A")),
    "batches": ("GET", lambda client: list(client.batches.list())),
    "batch": ("GET", lambda client: client.batches.get(1)),
    "edit": ("PUT", lambda client: client.batches.edit(1, batch_code="A", note=None)),
    "close": ("PUT", lambda client: client.batches.close(1)),
    "status": ("PUT", lambda client: client.batches.update_status(1, "Pending")),
    "delete": ("DELETE", lambda client: client.batches.delete(1)),
    "import": ("POST", lambda client: client.bill_imports.submit(BillBytes())),
    "retry": ("POST", lambda client: client.bill_imports.retry_kickouts(GUID)),
    "profiles": ("GET", lambda client: client.import_profiles.list()),
    "profile": ("GET", lambda client: client.import_profiles.get(1)),
    "create": ("POST", lambda client: client.import_profiles.create("P", MAPPING)),
    "replace": ("PUT", lambda client: client.import_profiles.edit(1, "P", MAPPING)),
    "forget": ("DELETE", lambda client: client.import_profiles.delete(1)),
    "task": ("GET", lambda client: client.tasks.get(GUID)),
    "whole task": ("GET", lambda client: client.tasks.get(GUID, fields=None)),
    "tasks": ("GET", lambda client: list(client.tasks.list())),
    "lenient tasks": ("GET", lambda client: list(client.tasks.list(lenient=True))),
    "note": ("PUT", lambda client: client.tasks.edit_note(1, "x")),
    "summary": ("GET", lambda client: client.kickouts.summary(GUID)),
    "details": ("GET", lambda client: list(client.kickouts.details(GUID).rows())),
    "report": ("GET", lambda client: client.kickouts.report(GUID).count().digest()),
    "rows": ("GET", lambda client: list(client.kickouts.report(GUID, ["a.csv"]))),
}
NAMES = (
    *(
        "taskGUId",
        "taskGuid",
        "status",
        "endDate",
        "output",
        "settings",
        "currentSuccessCount",
        "user",
        "taskType",
    ),
    *("batch", "batchId", "batchCode", "batchStatus", "billCount", "runningTotal", "createdBy", "errorHandling"),
    *("profileId", "profileCode", "columnMapping", "permissions", "kickoutMessages", "fileName", "fields", "data"),
)
KEPT = {"taskGUId": json.dumps(GUID), "columnMapping": json.dumps(MAPPING), "fields": '[{"id": 1, "name": "A"}]'}


@pytest.fixture
def patient(eci_sandbox: Sandbox) -> Iterator[EciClient]:
    with EciClient(eci_sandbox.url, eci_sandbox.api_key, max_retries=0) as client:
        yield client


def bodies(value: str) -> Iterator[str]:
    """Yield answers with a value in all fields, in those that may hold anything, and in one nobody documented."""
    yield value
    for names in (NAMES if len(value) < 50_000 else NAMES[:3], ("unknown",), ("output", "columnMapping", "data")):
        fields = {**KEPT, **dict.fromkeys(names, value)}
        body = "{" + ", ".join(f"{json.dumps(name)}: {field}" for name, field in fields.items()) + "}"
        yield body
        yield f"[{body}, {body}]"


def walk(found: Any) -> None:
    """Do with what a call returned what this package does with it."""
    for one in found if isinstance(found, list) else [found]:
        if hasattr(one, "documented"):
            json.dumps(storable(one.documented()))
        if hasattr(one, "has_mapping"):
            one.has_mapping(ColumnMapping.model_validate(MAPPING))


@pytest.mark.parametrize("call", CALLS)
def test_nothing_but_our_errors_leaves(call: str) -> None:
    method, send = CALLS[call]
    answers = [http("200 OK", body.encode()) for spelled in SPELLED.values() for body in bodies(spelled)]

    given, seen = [b""], []
    with (
        RawServer(lambda connection: connection.sendall(given[0])) as server,
        EciClient(server.url, "key", max_retries=0) as client,
    ):
        for given[0] in answers:
            try:
                walk(send(client))
            except EciError as error:
                seen.append(error)
    assert seen
    assert all(len(error.message) < 1500 for error in seen)
    if method == "POST":
        assert {type(error) for error in seen} == {EciUnknownOutcomeError}


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (RecursionError("secret"), EciUnreadableResponseError),
        (KeyError("secret"), EciUnreadableResponseError),
        (OSError(errno.ENOSPC, "secret"), EciError),
        (MemoryError("secret"), EciError),
    ],
    ids=repr,
)
def test_whatever_python_raises_over_an_answer_is_an_error_of_ours(
    failure: Exception, kind: type[EciError], eci_sandbox: Sandbox, patient: EciClient
) -> None:
    def take(members: object) -> None:
        raise failure

    eci_sandbox.fault("GET", "*", status=200, body={"fileName": "secret"})
    with pytest.raises(EciError) as caught:
        patient.kickouts.stream(GUID, None, "summary", take)

    assert type(caught.value) is kind
    assert f"could not be processed{' on this machine' if kind is EciError else ''} (" in caught.value.message
    assert type(failure).__name__ in caught.value.message
    assert "secret" not in caught.value.message
    assert caught.value.details["status"] == 200
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_value_within_the_depth_is_read(eci_sandbox: Sandbox, patient: EciClient) -> None:
    nested: Any = "]" * 100
    for _ in range(63):
        nested = [nested, "[[", '"']
    eci_sandbox.fault("GET", "*", times=None, status=200, body={"taskGUId": GUID, "output": nested})

    assert patient.tasks.get(GUID).output == nested


def test_what_cannot_be_sent_is_refused(refusal: Callable[..., str], patient: EciClient) -> None:
    half = "\ud83d"
    assert "half a character" in refusal(patient.kickouts.summary, GUID, half)
    assert "half a character" in refusal(patient.kickouts.details, GUID, kickout_message=half)
    assert "must be a list of names" in refusal(patient.batches.get, 1, fields=[1])
