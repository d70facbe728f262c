"""Errors: what they carry, that a pickle keeps it, and that bodies are bounded."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.api.errors import (
    EciAuthenticationError,
    EciBadRequestError,
    EciConnectionError,
    EciError,
    EciExistsError,
    EciImportFailedError,
    EciKickoutsError,
    EciNotFoundError,
    EciPermissionError,
    EciRateLimitError,
    EciRedirectError,
    EciResponseError,
    EciServerError,
    EciTriggerError,
    EciUnknownOutcomeError,
    EciValidationError,
    EciVoidedError,
    EciWaitTimeoutError,
)
from eci_provider.sandbox import Sandbox

RESPONSE: dict[str, Any] = {
    "status": 503,
    "method": "GET",
    "path": "/api/v3/me",
    "request_id": "r-1",
    "retry_after": 1.5,
    "body": "Busy",
}
RESULT = {"task_guid": "g", "imported": 0}
EVERY: list[EciError] = [
    EciError("m", a=1),
    EciValidationError(["one"], source="s"),
    EciValidationError(["one", "two"], source="s"),
    EciConnectionError("m", kind="dns", sent=False, method="GET", path="/p"),
    *[
        cls("m", **RESPONSE)
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, EciResponseError)
    ],
    EciUnknownOutcomeError("m", operation="BillImportV3"),
    EciImportFailedError("m", result=RESULT),
    EciImportFailedError("m", result={"imported": 3}),
    EciKickoutsError("m", result=RESULT),
    errors.EciOutcomeError("m", result=RESULT),
    EciWaitTimeoutError("m", task_guid="g", status="Running"),
    EciTriggerError("m", task_guid="g"),
    EciVoidedError("m", result=RESULT),
    errors.EciRemovedError("m", result=RESULT),
    EciExistsError("m"),
    errors.EciNotCarriedOutError("m"),
    errors.EciStoreError("m", file="s3://b/f.csv"),
]


def test_every_error_of_the_module_is_in_the_list() -> None:
    classes = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, EciError)}
    assert {type(error) for error in EVERY} == classes


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_an_error_survives_a_pickle(error: EciError) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
        assert type(again) is type(error)
        assert (again.args, vars(again), str(again)) == (error.args, vars(error), str(error))
        assert again.retry_helps == error.retry_helps


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_the_details_are_plain_json(error: EciError) -> None:
    assert json.loads(json.dumps(error.details)) == error.details


def test_a_failed_import_may_be_sent_again_only_if_nothing_of_it_was_imported() -> None:
    for imported, helps in ((0, True), (1, False), (None, False)):
        assert EciImportFailedError("m", result={"imported": imported}).retry_helps is helps
    assert EciImportFailedError("m", result={}).retry_helps is False


def test_a_validation_error_is_a_value_error() -> None:
    error = EciValidationError(["a is 1: b", "c is 2: d"], source="here")
    assert isinstance(error, ValueError)
    assert str(error) == "here: 2 problems:\n  - a is 1: b\n  - c is 2: d"
    assert error.details == {"problems": ["a is 1: b", "c is 2: d"], "source": "here"}


@pytest.mark.parametrize(
    ("status", "cls", "said"),
    [
        (301, EciRedirectError, "redirects are not followed, because the API key would be sent along"),
        (400, EciBadRequestError, "EnergyCAP refused the request; sending it again changes nothing"),
        (401, EciAuthenticationError, "or its owner lacks the permission for this"),
        (403, EciPermissionError, "it needs the permission Bills and Batches"),
        (404, EciNotFoundError, "not found, or the address is not"),
        (408, EciServerError, "a failure on EnergyCAP's side"),
        (409, EciBadRequestError, "EnergyCAP refused the request"),
        (418, EciBadRequestError, "EnergyCAP refused the request"),
        (425, EciServerError, "a failure on EnergyCAP's side"),
        (429, EciRateLimitError, "too many requests"),
        (500, EciServerError, "a failure on EnergyCAP's side"),
        (599, EciServerError, "a failure on EnergyCAP's side"),
    ],
)
def test_a_status_becomes_an_error_that_carries_what_is_known(
    status: int, cls: type[EciResponseError], said: str, eci_sandbox: Sandbox
) -> None:
    headers = {"Retry-After": "7", "X-Request-Id": "r-42"}
    eci_sandbox.fault("GET", "/api/v3/batch/5", status=status, headers=headers, body={"message": "So it is."})
    with (
        EciClient(eci_sandbox.url, eci_sandbox.api_key, max_retries=0) as client,
        pytest.raises(EciResponseError) as caught,
    ):
        client.batches.get(5, fields=["note"])
    error = caught.value
    assert type(error) is cls
    assert (error.status, error.method, error.path) == (status, "GET", "/api/v3/batch/5")
    assert (error.retry_after, error.request_id, error.body) == (7.0, "r-42", '{"message": "So it is."}')
    assert error.details == {
        "status": status,
        "method": "GET",
        "path": "/api/v3/batch/5",
        "request_id": "r-42",
        "retry_after": 7.0,
        "body": '{"message": "So it is."}',
    }
    assert error.message.startswith(f"GET /api/v3/batch/5 was answered with {status}: ")
    assert said in error.message
    assert error.message.endswith('EnergyCAP said: {"message": "So it is."}')


@pytest.mark.parametrize(
    ("error_format", "shown"),
    [
        ("json", '{"message": "Batch 5 was not found."}'),
        ("json_string", '"Batch 5 was not found."'),
        ("text", "Batch 5 was not found."),
        ("html", "Error Batch 5 was not found."),
    ],
)
def test_a_refusal_is_read_in_every_format(
    error_format: str, shown: str, eci_sandbox: Sandbox, client: EciClient
) -> None:
    eci_sandbox.settings.error_format = error_format
    with pytest.raises(EciNotFoundError) as caught:
        client.batches.get(5)
    assert " ".join(caught.value.body.split()) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 497 + "..."),
        ("x" * 1_000_000, "x" * 497 + "..."),
        ("é" * 600, "é" * 497 + "..."),
        ("a\r\n\tb\n\n", "a b"),
        (b"caf\xe9", "caf\ufffd"),
        ("", ""),
        ("<br>" * 1000, ""),
    ],
    ids=lambda value: f"{value[:6]!r} {len(value)}",
)
def test_the_excerpt_of_a_body_has_at_most_500_characters(
    body: str | bytes, shown: str, eci_sandbox: Sandbox, client: EciClient
) -> None:
    eci_sandbox.fault("GET", "/api/v3/me", status=400, body=body)
    with pytest.raises(EciBadRequestError) as caught:
        client.account.me()
    assert caught.value.body == shown
    assert caught.value.message.endswith(f"EnergyCAP said: {shown}" if shown else "changes nothing.")


@pytest.mark.parametrize("permission_status", [401, 403])
def test_a_missing_permission_is_reported_with_any_status(permission_status: int, eci_sandbox: Sandbox) -> None:
    eci_sandbox.settings.permission_status = permission_status
    key = eci_sandbox.add_user("viewer", create=False)
    cls: Callable[..., Any] = {401: EciAuthenticationError, 403: EciPermissionError}[permission_status]
    with EciClient(eci_sandbox.url, key) as client, pytest.raises(cls) as caught:  # type: ignore[call-overload]
        client.batches.open("A")
    assert "permission" in caught.value.message
    assert "lacks the permission Create" in caught.value.body
    assert eci_sandbox.batches() == []
