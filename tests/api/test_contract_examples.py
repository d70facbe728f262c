"""The examples of the documentation's pages are accepted, sent and read unchanged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from eci_provider.api import EciClient
from eci_provider.api.batches import BatchCreate, BatchResponse, BatchStatusUpdate
from eci_provider.api.bill_imports import KickoutImport
from eci_provider.api.import_profiles import ImportProfile, ImportProfileResponse
from eci_provider.api.models import RequestModel, ResponseModel
from eci_provider.api.tasks import GuidResponse
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID, example

#: The pages fill their examples with placeholders. Where one breaks what the same page demands, a legal value
#: stands in; page, path of the property, the placeholder, the value.
SUBSTITUTIONS: dict[str, dict[tuple[str, ...], tuple[Any, Any]]] = {
    "open_batch_request": {("accountPeriodYear",): (1, 2026)},
    "update_batch_status_request": {("batchStatus",): ("string", "Closed")},
    "create_bill_import_profile_request": {("columnMapping", "dateFormat"): ("string", "Month dd yyyy")},
    "retry_kickouts_request": {("batchSettings", "batchMode"): ("string", "new batch")},
    "retry_kickouts_response": {("taskGUId",): ("string", GUID)},
}
REQUESTS: dict[str, type[RequestModel]] = {
    "open_batch_request": BatchCreate,
    "update_batch_status_request": BatchStatusUpdate,
    "create_bill_import_profile_request": ImportProfile,
    "retry_kickouts_request": KickoutImport,
}
RESPONSES: dict[str, type[ResponseModel]] = {
    "open_batch_response": BatchResponse,
    "get_batch_response": BatchResponse,
    "create_bill_import_profile_response": ImportProfileResponse,
    "retry_kickouts_response": GuidResponse,
}


def legal(name: str) -> dict[str, Any]:
    """Return an example with its impossible placeholders replaced."""
    body = example(name)
    for path, (placeholder, value) in SUBSTITUTIONS.get(name, {}).items():
        inner = body
        for part in path[:-1]:
            inner = inner[part]
        assert inner[path[-1]] == placeholder
        inner[path[-1]] = value
    return body


@pytest.mark.parametrize("name", REQUESTS)
def test_example_requests_come_out_as_they_went_in(name: str) -> None:
    assert REQUESTS[name].model_validate(legal(name)).wire() == legal(name)


@pytest.mark.parametrize("name", RESPONSES)
def test_example_responses_come_out_as_they_went_in(name: str) -> None:
    response = RESPONSES[name].model_validate(legal(name))
    assert response.model_dump(by_alias=True, exclude_unset=True) == legal(name)
    assert response.model_extra == {}


@pytest.mark.parametrize("name", SUBSTITUTIONS)
def test_only_the_impossible_placeholders_were_replaced(name: str) -> None:
    models: dict[str, type[RequestModel] | type[ResponseModel]] = {**REQUESTS, **RESPONSES}
    with pytest.raises(ValidationError) as caught:
        models[name].model_validate(example(name))
    assert {error["loc"] for error in caught.value.errors()} == set(SUBSTITUTIONS[name])


SENDING: dict[str, Callable[[EciClient, dict[str, Any]], Any]] = {
    "open_batch_request": lambda c, body: c.batches.open(body.pop("batchCode"), **body),
    "create_bill_import_profile_request": lambda c, body: c.import_profiles.create(
        body["profileCode"], body["columnMapping"]
    ),
    "retry_kickouts_request": lambda c, body: c.bill_imports.retry_kickouts("0" * 8 + GUID[8:], **body),
    "update_batch_status_request": lambda c, body: c.batches.update_status(
        1, body["batchStatus"], note=body["note"], leave_open_batches_as_is=body["leaveOpenBatchesAsIs"]
    ),
}
ANSWERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "open_batch_request": ("open_batch_response", lambda got: got.model_dump(by_alias=True)),
    "create_bill_import_profile_request": (
        "create_bill_import_profile_response",
        lambda got: got.model_dump(by_alias=True),
    ),
    "retry_kickouts_request": ("retry_kickouts_response", lambda got: {"taskGUId": got}),
}


@pytest.mark.parametrize("name", SENDING)
def test_examples_pass_the_client_unchanged_both_ways(name: str, eci_sandbox: Sandbox, client: EciClient) -> None:
    answer, shown = ANSWERS.get(name, ("", lambda got: got))
    status, body = (200, legal(answer)) if answer else (204, None)
    eci_sandbox.fault("*", "*", status=status, body=body)
    got = SENDING[name](client, legal(name))
    assert [record.body for record in eci_sandbox.requests] == [legal(name)]
    assert shown(got) == body


def test_the_example_batch_is_read_by_its_documented_names(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", "/api/v3/batch/1", status=200, body=example("get_batch_response"))
    batch = client.batches.get(1)
    assert batch.created_by is not None
    assert (batch.batch_id, batch.batch_code, batch.is_open, batch.running_total) == (1, "string", False, 1.0)
    assert (batch.start_date, batch.statement_date, batch.has_imports_with_kickout) == (
        "2026-03-30",
        "string",
        False,
    )
    assert (batch.created_by.user_id, batch.created_by.full_name) == (1, "string")
