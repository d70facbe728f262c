"""Failures by name: lost connections, and POSTs whose outcome is unknown."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import (
    EciAuthenticationError,
    EciBadRequestError,
    EciConnectionError,
    EciError,
    EciNotFoundError,
    EciPermissionError,
    EciRateLimitError,
    EciResponseError,
    EciServerError,
    EciUnknownOutcomeError,
)
from eci_provider.api.transport.failures import final_error
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID, MAPPING, BillBytes
from tests.support.raw_server import RawServer, free_port, http
from tests.support.tracebacks import shown

POSTS: dict[str, tuple[str, str, Callable[[EciClient], Any]]] = {
    "open batch": ("OpenBatchV3", "/api/v3/batch", lambda c: c.batches.open("A")),
    "import": ("BillImportV3", "/api/v3/import/bill", lambda c: c.bill_imports.submit(BillBytes())),
    "retry kickouts": (
        "ImportBillImportTaskKickoutsV202401",
        f"/api/v202401/import/bill/task/{GUID}/kickout",
        lambda c: c.bill_imports.retry_kickouts(GUID),
    ),
    "create profile": (
        "WriteBillImportProfileV3",
        "/api/v3/import/bill/profile",
        lambda c: c.import_profiles.create("P", MAPPING),
    ),
}
UNKNOWN: dict[str, dict[str, Any]] = {
    "dropped before it took effect": {"drop": "before"},
    "dropped after it took effect": {"drop": "after"},
    "dropped, takes effect later": {"drop": "late", "commit_after": 60},
    **{str(status): {"status": status} for status in (303, 406, 408, 423, 424, 499, 500, 502, 503, 504)},
    "a redirect": {"redirect": "https://login.example/"},
    "499 that took effect": {"status": 499, "commit": True},
    "503 that took effect": {"status": 503, "commit": True, "headers": {"Retry-After": "1"}},
    "garbage": {"garbage": True},
    "truncated": {"status": 200, "body": {"taskGUId": GUID}, "truncate": 9},
    "html": {"status": 200, "body": "<html>Sign in</html>"},
    "no body": {"status": 200, "body": ""},
    "a list": {"status": 200, "body": []},
    "hangs": {"hang": True},
}


def hasty(sandbox: Sandbox, waits: list[float]) -> EciClient:
    """Return a client that waits a fifth of a second for an answer: less than a busy machine may need for one."""
    return EciClient(sandbox.url, sandbox.api_key, timeout=0.2, sleep=waits.append)


def arrived(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Return what reached the sandbox; a client that gave up may have been quicker than it."""
    limit = time.monotonic() + 60
    while not sandbox.requests and time.monotonic() < limit:
        time.sleep(0.005)
    return [(record.method, record.path) for record in sandbox.requests]


@pytest.mark.parametrize("kind", UNKNOWN)
@pytest.mark.parametrize("post", POSTS)
def test_a_post_that_was_received_is_never_sent_again(
    post: str, kind: str, eci_sandbox: Sandbox, client: EciClient, waits: list[float]
) -> None:
    operation, path, call = POSTS[post]
    eci_sandbox.fault("POST", path, times=None, **UNKNOWN[kind])
    with (
        hasty(eci_sandbox, waits) if "hang" in UNKNOWN[kind] else client as used,
        pytest.raises(EciUnknownOutcomeError) as caught,
    ):
        call(used)
    assert arrived(eci_sandbox) == [("POST", path)]
    assert waits == []
    error = caught.value
    assert (error.details["operation"], error.details["method"], error.details["path"]) == (
        operation,
        "POST",
        path,
    )
    assert operation in error.message
    assert "Check in EnergyCAP before you send it again" in error.message


@pytest.mark.parametrize("body", [{}, {"taskGUId": None}, {"taskGUId": "string"}, {"guid": GUID}], ids=str)
@pytest.mark.parametrize("post", ["import", "retry kickouts"])
def test_a_success_without_a_guid_leaves_the_outcome_unknown(
    post: str, body: dict[str, Any], eci_sandbox: Sandbox, client: EciClient
) -> None:
    operation, path, call = POSTS[post]
    eci_sandbox.fault("POST", path, status=200, body=body)
    with pytest.raises(
        EciUnknownOutcomeError, match=f"^{operation}: POST {path} was answered with 200, but taskGUId "
    ):
        call(client)
    assert len(eci_sandbox.requests) == 1


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, EciBadRequestError),
        (401, EciAuthenticationError),
        (403, EciPermissionError),
        (404, EciNotFoundError),
        (409, EciBadRequestError),
        (422, EciBadRequestError),
        (429, EciRateLimitError),
    ],
)
@pytest.mark.parametrize("post", POSTS)
def test_a_post_that_was_refused_says_whether_it_may_have_had_an_effect(
    post: str, status: int, cls: type[EciResponseError], eci_sandbox: Sandbox, client: EciClient
) -> None:
    _, path, call = POSTS[post]
    eci_sandbox.fault("POST", path, times=None, status=status, headers={"Retry-After": "1"})
    with pytest.raises(EciError) as caught:
        call(client)
    assert type(caught.value) is cls
    assert ("may have carried it out all the same" in str(caught.value)) is (status in (409, 429))
    assert len(eci_sandbox.requests) == 1


@pytest.mark.parametrize("post", POSTS)
def test_a_post_is_repeated_when_no_connection_came_about(post: str) -> None:
    """The port is closed at first; while the client waits, something begins to listen."""
    port, opened, waits = free_port(), [], []

    def open_the_port(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            opened.append(Sandbox(port=port, api_key="the-key").start())

    _, path, call = POSTS[post]
    try:
        with EciClient(f"http://127.0.0.1:{port}", "the-key", sleep=open_the_port) as client:
            if post == "retry kickouts":
                with pytest.raises(EciNotFoundError):
                    call(client)
            else:
                call(client)
        assert [(record.method, record.path) for record in opened[0].requests] == [("POST", path)]
        assert len(waits) == 2
    finally:
        for sandbox in opened:
            sandbox.stop()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_closed_port_is_unreachable(method: str, waits: list[float]) -> None:
    port = free_port()
    with (
        EciClient(f"http://127.0.0.1:{port}", "key", sleep=waits.append) as client,
        pytest.raises(EciConnectionError) as caught,
    ):
        client.account.me() if method == "get" else client.batches.open("A")
    error = caught.value
    assert (error.kind, error.sent) == ("unreachable", False)
    assert f"no connection to 127.0.0.1:{port}; check the host, the port, the route and the firewall" in str(error)
    assert len(waits) == 3


def test_a_name_that_cannot_be_resolved_is_named_as_the_cause(waits: list[float]) -> None:
    with (
        EciClient("https://nonexistent.invalid", "key", sleep=waits.append) as client,
        pytest.raises(EciConnectionError) as caught,
    ):
        client.batches.open("A")
    error = caught.value
    assert (error.kind, error.sent, error.method, error.path) == ("dns", False, "POST", "/api/v3/batch")
    assert "the host name nonexistent.invalid cannot be resolved" in str(error)
    assert len(waits) == 3


@pytest.mark.parametrize("refusing", [False, True], ids=["no proxy there", "proxy refuses"])
def test_a_proxy_that_fails_is_named_as_the_cause(
    refusing: bool, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with RawServer(http("407 Proxy Authentication Required", b"", "Connection: close")) as server:
        proxy = server.url if refusing else f"http://127.0.0.1:{free_port()}"
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with (
            EciClient("https://eci.invalid", "the-key", sleep=waits.append) as client,
            pytest.raises(EciConnectionError, match=r"the proxy on the way to eci\.invalid failed") as caught,
        ):
            client.batches.open("A")
        assert (caught.value.kind, caught.value.sent) == ("proxy", False)
        assert len(server.requests) == (4 if refusing else 0)
        assert not [request for request in server.requests if b"the-key" in request]


@pytest.mark.parametrize(
    "setting",
    ["socks5://u:s3cret@p.example", "ftp://u:s3cret@p.example", "http://", "http://u:s3cret@p.example:99999"],
)
def test_a_proxy_setting_that_cannot_be_used_sends_nothing(
    setting: str, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", setting)
    with (
        EciClient("https://eci.invalid", "key", sleep=waits.append) as client,
        pytest.raises(EciConnectionError, match=r"proxy setting \(HTTPS_PROXY.* cannot be used") as caught,
    ):
        client.batches.open("A")
    assert (caught.value.kind, caught.value.sent, waits) == ("proxy_setting", False, [])
    assert "s3cret" not in shown(caught.value)


def test_a_header_that_no_answer_has_came_from_one(waits: list[float]) -> None:
    """requests names it as it would name a header of the request that cannot be sent."""
    with (
        RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}") as server,
        EciClient(server.url, "key", sleep=waits.append) as client,
        pytest.raises(EciUnknownOutcomeError),
    ):
        client.batches.open("A")
    assert (len(server.requests), waits) == (1, [])


def test_a_timeout_is_named_as_the_cause(eci_sandbox: Sandbox, waits: list[float]) -> None:
    eci_sandbox.fault("GET", "/api/v3/me", times=None, hang=True)
    with (
        hasty(eci_sandbox, waits) as client,
        pytest.raises(EciConnectionError, match="did not answer in time") as caught,
    ):
        client.account.me()
    assert (caught.value.kind, caught.value.sent) == ("timeout", True)
    assert len(waits) == 3


def test_a_closed_connection_is_named_as_the_cause(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", "/api/v3/me", times=None, drop="before")
    with pytest.raises(EciConnectionError, match="closed the connection before its answer") as caught:
        client.account.me()
    assert (caught.value.kind, caught.value.sent) == ("reset", True)


def test_only_a_post_has_an_unknown_outcome() -> None:
    error = EciServerError("m", status=503, method="PUT", path="/p")
    for method in ("GET", "PUT", "DELETE"):
        assert final_error(error, "op", method) is error
    assert isinstance(final_error(error, "op", "POST"), EciUnknownOutcomeError)
