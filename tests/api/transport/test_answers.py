"""Answers: how much of a body is read, what of it counts, and what is logged."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciBadRequestError, EciUnreadableResponseError
from eci_provider.api.transport import bodies
from eci_provider.sandbox import Sandbox
from tests.api.conftest import RawServer
from tests.api.conftest import http as answer

ME = "/api/v3/me"


def test_a_body_larger_than_the_bound_is_not_read_on(
    eci_sandbox: Sandbox, client: EciClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "LARGEST_BODY", 100_000)
    eci_sandbox.fault("GET", ME, times=None, status=200, body=b'{"fullName": "' + b"x" * 5_000_000 + b'"}')
    with pytest.raises(EciUnreadableResponseError, match=r"answered with more than 100000 bytes") as caught:
        client.account.me()
    assert len(caught.value.message) < 1000
    eci_sandbox.fault("POST", "/api/v3/batch", status=400, body=b"x" * 5_000_000)
    with pytest.raises(EciBadRequestError) as refused:
        client.batches.open("A")
    assert refused.value.body == "x" * 497 + "..."


def test_large_answers_within_the_bound_are_read_whole(eci_sandbox: Sandbox, client: EciClient) -> None:
    name = "é" * 3_000_000
    eci_sandbox.fault("GET", ME, status=200, body={"fullName": name})
    assert client.account.me().full_name == name


def test_the_status_of_a_refusal_counts_though_its_body_breaks_off(
    eci_sandbox: Sandbox, client: EciClient
) -> None:
    """A POST that was refused was not carried out, however little of the answer arrives."""
    eci_sandbox.fault("POST", "/api/v3/batch", status=400, body={"message": "No such thing."}, truncate=12)
    with pytest.raises(EciBadRequestError) as caught:
        client.batches.open("A")
    assert caught.value.body == '{"message":'


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe\x00", b'{"a": 1', b"NotJSON", b"1" * 5000, b""])
def test_a_body_that_is_no_json_object_is_unreadable(body: bytes, eci_sandbox: Sandbox) -> None:
    eci_sandbox.fault("GET", ME, times=None, status=200, body=body)
    with (
        EciClient(eci_sandbox.url, eci_sandbox.api_key, max_retries=0) as client,
        pytest.raises(EciUnreadableResponseError) as caught,
    ):
        client.account.me()
    assert caught.value.status == 200
    assert len(caught.value.message) < 1000


def test_compressed_answers_are_read() -> None:
    body = gzip.compress(b'{"fullName": "Jane"}')
    server = RawServer(answer("200 OK", body, "Content-Encoding: gzip", "Content-Type: application/json"))
    with server, EciClient(server.url, "key") as client:
        assert client.account.me().full_name == "Jane"


def test_a_date_that_no_clock_shows_is_not_believed() -> None:
    date = "Date: Fri, 31 Dec 9999 23:59:59 GMT"
    with RawServer(answer("200 OK", b'{"fullName": "Jane"}', date)) as server:
        client = EciClient(server.url, "key")
        with client:
            client.account.me()
            assert client.server_now() - datetime.now(timezone.utc) < timedelta(days=1)


def test_of_what_a_server_calls_a_request_the_start_is_kept() -> None:
    refusal = answer("400 Bad Request", b"No.", f"X-Request-Id: {'r' * 60_000}")
    with (
        RawServer(refusal) as server,
        EciClient(server.url, "key") as client,
        pytest.raises(EciBadRequestError) as caught,
    ):
        client.account.me()
    assert caught.value.request_id == "r" * 200
    assert len(repr(vars(caught.value))) < 2000


def test_a_deprecated_operation_is_logged_once(
    eci_sandbox: Sandbox, client: EciClient, caplog: pytest.LogCaptureFixture
) -> None:
    eci_sandbox.settings.deprecated = {"/api/v3/batch*": "v209901 GetBatchesV209901", ME: "v209901 Me"}
    for _ in range(3):
        list(client.batches.list())
        client.account.me()
        client.account.bill_import_settings()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage() for record in warnings] == [
        f"EnergyCAP has deprecated {operation} and names as its replacement: {replacement}"
        for operation, replacement in (("GetBatchesV3", "v209901 GetBatchesV209901"), ("me_method", "v209901 Me"))
    ]


def test_a_repeat_is_logged_with_its_reason_and_wait(
    eci_sandbox: Sandbox, client: EciClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eci_provider")
    eci_sandbox.fault("GET", ME, status=503, headers={"Retry-After": "5"}, body="Busy")
    client.account.me()
    (line,) = [
        record.getMessage() for record in caplog.records if record.name == "eci_provider.api.transport.session"
    ]
    assert line.startswith("me_method: retrying in 5.")
    assert line.endswith(
        "after: GET /api/v3/me was answered with 503: a failure on EnergyCAP's side. EnergyCAP said: Busy"
    )


@pytest.mark.parametrize(
    "call", [lambda c: c.batches.get(1), lambda c: next(c.batches.list())], ids=["one", "many"]
)
def test_an_answer_of_another_shape_is_unreadable(
    call: Callable[[EciClient], Any], eci_sandbox: Sandbox, client: EciClient
) -> None:
    eci_sandbox.fault("GET", "*", status=200, body="null")
    with pytest.raises(EciUnreadableResponseError, match="its body is not an "):
        call(client)
