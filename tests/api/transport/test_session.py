"""The session: which requests are repeated and when, and where no request is sent."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import (
    EciError,
    EciNotFoundError,
    EciRateLimitError,
    EciRedirectError,
    EciServerError,
    EciUnknownOutcomeError,
)
from eci_provider.sandbox import Sandbox
from tests.support.raw_server import RawServer
from tests.support.raw_server import http as answer

ME = "/api/v3/me"
TROUBLE: dict[str, dict[str, Any]] = {
    "dropped before": {"drop": "before"},
    "dropped after": {"drop": "after"},
    **{str(status): {"status": status} for status in (408, 425, 429, 500, 502, 503, 504, 599)},
    "garbage": {"garbage": True},
    "truncated": {"truncate": 10},
    "html instead": {"status": 200, "body": "<html>Maintenance</html>"},
}


@pytest.mark.parametrize("kind", TROUBLE)
def test_a_get_is_repeated_until_it_succeeds(
    kind: str, eci_sandbox: Sandbox, client: EciClient, waits: list[float]
) -> None:
    eci_sandbox.fault("GET", ME, times=2, **TROUBLE[kind])
    assert client.account.me().system_user_code == "sandbox"
    assert len(eci_sandbox.requests) == 3
    assert len(waits) == 2
    # Half a second, then a whole one, each with a quarter of jitter.
    assert 0.375 <= waits[0] <= 0.625
    assert 0.75 <= waits[1] <= 1.25


@pytest.mark.parametrize("kind", TROUBLE)
def test_a_get_is_given_up_after_the_repeats(
    kind: str, eci_sandbox: Sandbox, client: EciClient, waits: list[float]
) -> None:
    eci_sandbox.fault("GET", ME, times=None, **TROUBLE[kind])
    with pytest.raises(EciError) as caught:
        client.account.me()
    assert caught.value.retry_helps
    assert len(eci_sandbox.requests) == 4
    assert len(waits) == 3


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_the_number_of_repeats_is_the_clients(retries: int, eci_sandbox: Sandbox, waits: list[float]) -> None:
    eci_sandbox.fault("GET", ME, times=None, status=503)
    with (
        EciClient(eci_sandbox.url, eci_sandbox.api_key, max_retries=retries, sleep=waits.append) as client,
        pytest.raises(EciServerError),
    ):
        client.account.me()
    assert len(eci_sandbox.requests) == retries + 1
    assert len(waits) == retries


def test_a_call_can_forgo_repeats(eci_sandbox: Sandbox, client: EciClient) -> None:
    guid = "123e4567-e89b-12d3-a456-426614174000"
    eci_sandbox.fault("GET", "*", times=None, status=503)
    for call in (
        lambda: client.account.me(repeat=False),
        lambda: client.batches.get(1, repeat=False),
        lambda: client.tasks.get(guid, repeat=False),
    ):
        with pytest.raises(EciServerError):
            call()
    assert len(eci_sandbox.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 415, 422])
def test_a_refusal_is_not_asked_again(status: int, eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", ME, times=None, status=status)
    with pytest.raises(EciError) as caught:
        client.account.me()
    assert not caught.value.retry_helps
    assert len(eci_sandbox.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_obeyed(
    status: int, eci_sandbox: Sandbox, client: EciClient, waits: list[float]
) -> None:
    eci_sandbox.fault("GET", ME, status=status, headers={"Retry-After": "17"})
    client.account.me()
    assert len(waits) == 1
    assert 17 <= waits[0] < 18


def test_retry_after_as_a_date_is_counted_from_the_servers_clock(waits: list[float]) -> None:
    """The sandbox's clock shows January 2026, whatever this machine's shows."""
    with (
        Sandbox(clock="virtual") as sandbox,
        EciClient(sandbox.url, sandbox.api_key, sleep=waits.append) as client,
    ):
        later = format_datetime(sandbox.now() + timedelta(seconds=42), usegmt=True)
        sandbox.fault("GET", ME, status=429, headers={"Retry-After": later})
        client.account.me()
    assert len(waits) == 1
    assert 42 <= waits[0] < 43


def test_a_retry_after_beyond_the_limit_ends_it(
    eci_sandbox: Sandbox, client: EciClient, waits: list[float]
) -> None:
    eci_sandbox.fault("GET", ME, status=429, headers={"Retry-After": "301"})
    with pytest.raises(EciRateLimitError) as caught:
        client.account.me()
    assert caught.value.retry_after == 301
    assert waits == []


def test_idempotent_changes_are_repeated(eci_sandbox: Sandbox, client: EciClient) -> None:
    batch_id = client.batches.open("A").batch_id
    eci_sandbox.fault("PUT", "/api/v3/batch/*", drop="after")
    assert client.batches.edit(batch_id, batch_code="B", note="N").note == "N"
    assert [record.method for record in eci_sandbox.requests] == ["POST", "PUT", "PUT"]


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"garbage": True}, {"status": 503, "commit": True}], ids=str)
def test_changes_of_status_are_sent_once(
    fault: dict[str, Any], eci_sandbox: Sandbox, client: EciClient, waits: list[float]
) -> None:
    """After a lost answer the batch may have moved already, and the same request would be refused."""
    batch_id = client.batches.open("A").batch_id
    eci_sandbox.fault("PUT", "*", times=None, **fault)
    for call in (
        lambda: client.batches.update_status(batch_id, "Pending"),
        lambda: client.batches.close(batch_id),
    ):
        eci_sandbox.clear_requests()
        with pytest.raises(EciError):
            call()
        assert len(eci_sandbox.requests) == 1
    assert waits == []


def test_a_delete_whose_answer_was_lost_is_done(eci_sandbox: Sandbox, client: EciClient) -> None:
    batch_id = client.batches.open("A").batch_id
    eci_sandbox.fault("DELETE", "*", drop="after")
    client.batches.delete(batch_id)
    assert [record.status for record in eci_sandbox.requests if record.method == "DELETE"] == [None, 404]
    assert eci_sandbox.batches() == []


@pytest.mark.parametrize("fault", [{}, {"status": 429}], ids=str)
def test_a_delete_of_what_never_was_is_not_done(
    fault: dict[str, Any], eci_sandbox: Sandbox, client: EciClient
) -> None:
    if fault:
        eci_sandbox.fault("DELETE", "*", **fault)
    with pytest.raises(EciNotFoundError):
        client.batches.delete(5)
    assert len(eci_sandbox.requests) == 1 + bool(fault)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_refused_and_sends_nothing_there(
    status: int, eci_sandbox: Sandbox, client: EciClient
) -> None:
    with Sandbox(api_key=eci_sandbox.api_key) as other:
        eci_sandbox.fault("GET", ME, status=status, redirect=other.url + ME)
        with pytest.raises(EciRedirectError) as caught:
            client.account.me()
        assert other.requests == []
    assert caught.value.status == status
    assert len(eci_sandbox.requests) == 1


@pytest.mark.parametrize("target", ["/api/v3/environment", "", "http://[bad", "//evil.example/", "file:///etc"])
def test_no_redirect_is_followed_wherever_it_leads(target: str, eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", ME, redirect=target, body="Moved")
    with pytest.raises(EciRedirectError, match=r"answered with 307: redirects are not followed.*Moved$"):
        client.account.me()
    eci_sandbox.fault("POST", "/api/v3/batch", redirect=target)
    with pytest.raises(EciUnknownOutcomeError, match="answered with 307: redirects are not followed"):
        client.batches.open("A")
    assert [record.path for record in eci_sandbox.requests] == [ME, "/api/v3/batch"]


def test_netrc_is_not_sent(eci_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password other-secret\ndefault login user password x\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
        client.account.me()
    assert "authorization" not in eci_sandbox.requests[0].headers


def test_cookies_are_not_kept(eci_sandbox: Sandbox, client: EciClient) -> None:
    eci_sandbox.fault("GET", ME, status=200, headers={"Set-Cookie": "session=1; Path=/"}, body={})
    client.account.me()
    client.account.me()
    assert "cookie" not in eci_sandbox.requests[1].headers


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_what_is_meant_for_this_machine_passes_no_proxy(
    name: str, eci_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over plain http a proxy would read the key."""
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with Sandbox() as proxy:
        monkeypatch.setenv(name, proxy.url)
        with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
            client.account.me()
        assert proxy.requests == []
    assert len(eci_sandbox.requests) == 1


def test_a_session_may_be_used_for_thousands_of_requests(eci_sandbox: Sandbox) -> None:
    """A connection class is replaced once, not again at each request."""
    with EciClient(eci_sandbox.url, eci_sandbox.api_key, sleep=lambda _: None) as client:
        for _ in range(1100):
            client.account.me()
        eci_sandbox.fault("GET", "/api/v3/me", drop="before")

        assert client.account.me().system_user_code == "sandbox"


def test_an_impossible_date_is_ignored() -> None:
    date = "Date: Fri, 31 Dec 9999 23:59:59 GMT"
    with RawServer(answer("200 OK", b'{"fullName": "Jane"}', date)) as server:
        client = EciClient(server.url, "key")
        with client:
            client.account.me()
            assert client.server_now() - datetime.now(timezone.utc) < timedelta(days=1)


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


def test_a_retry_is_logged_with_its_reason_and_delay(
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
