"""The hook: one client a connection, and a test of the connection that says what to mend."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eci_provider.hooks import eci
from eci_provider.hooks.eci import EciHook
from eci_provider.sandbox import Sandbox
from tests.hooks.conftest import KEY

Connect = Callable[..., EciHook]
ME = "/api/v3/me"


@pytest.fixture
def at_sandbox(eci_sandbox: Sandbox, connect: Connect) -> Callable[..., EciHook]:
    def hook(key: str | None = None, **extra: Any) -> EciHook:
        return connect(host=eci_sandbox.url, password=key or eci_sandbox.api_key, extra=extra)

    return hook


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a server whose answer never ends, a byte at a time."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not stop.wait(0.02):
                connection.sendall(b" ")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop.set()
    thread.join(5)
    listener.close()


def test_the_client_is_made_once(at_sandbox: Connect, eci_sandbox: Sandbox) -> None:
    hook = at_sandbox()
    for _ in range(3):
        hook.get_conn().account.me()
    assert hook.get_conn() is hook.get_conn()
    assert len({record.connection for record in eci_sandbox.requests}) == 1
    hook.close()


def test_leaving_the_context_closes_and_a_later_call_opens_again(
    at_sandbox: Connect, eci_sandbox: Sandbox
) -> None:
    hook = at_sandbox()
    with hook as entered:
        assert entered is hook
        first = hook.get_conn()
        first.account.me()
    second = hook.get_conn()
    assert second is not first
    second.account.me()
    assert len({record.connection for record in eci_sandbox.requests}) == 2
    hook.close()
    hook.close()


def test_the_connections_limits_reach_the_client(
    at_sandbox: Connect, eci_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    made: list[dict[str, Any]] = []
    from eci_provider.api import client as client_module

    class Recording(client_module.EciClient):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            made.append(named)
            super().__init__(*arguments, **named, sleep=waits.append)

    monkeypatch.setattr(client_module, "EciClient", Recording)
    eci_sandbox.fault("GET", ME, times=None, status=503)
    hook = at_sandbox(timeout=7, connect_timeout="3", max_retries="2", verify="false", allow_http=True)
    with hook, pytest.raises(Exception, match="503"):
        hook.get_conn().account.me()
    assert made == [
        {"timeout": 7.0, "connect_timeout": 3.0, "max_retries": 2, "verify": False, "allow_http": True}
    ]
    assert (len(eci_sandbox.requests), len(waits)) == (3, 2)


def test_the_default_connection_is_eci_default(at_sandbox: Connect, eci_sandbox: Sandbox) -> None:
    at_sandbox()
    with EciHook() as hook:
        assert hook.eci_conn_id == "eci_default"
        assert hook.get_conn().base_url == eci_sandbox.url


def test_two_connections_do_not_mix(connect: Connect) -> None:
    first = connect("first", host="https://one.example")
    second = connect("second", host="https://two.example")
    assert (first.settings.base_url, second.settings.base_url) == ("https://one.example", "https://two.example")


@pytest.mark.parametrize("create", [True, False])
def test_success_names_owner_environment_and_permission(
    create: bool, at_sandbox: Connect, eci_sandbox: Sandbox
) -> None:
    eci_sandbox.settings.environment_name = "Implementation"
    key = eci_sandbox.add_user("jdoe", "Jane Doe", create=create)
    ability = {
        True: "It may create bills and batches.",
        False: "It may NOT create bills and batches: its owner needs the permission Bills and Batches Create.",
    }[create]
    assert at_sandbox(key).test_connection() == (
        True,
        f"Connected to Implementation at {eci_sandbox.url}: the API key is Jane Doe (jdoe)'s. {ability}",
    )
    assert [(record.method, record.path) for record in eci_sandbox.requests] == [("GET", ME)]


def test_an_environment_that_is_offline_is_told(at_sandbox: Connect, eci_sandbox: Sandbox) -> None:
    eci_sandbox.settings.application_mode = "Offline"
    works, said = at_sandbox().test_connection()
    assert works
    assert said.endswith("It may create bills and batches. EnergyCAP is Offline.")


def test_an_answer_that_says_little_still_connects(at_sandbox: Connect, eci_sandbox: Sandbox) -> None:
    eci_sandbox.fault("GET", ME, status=200, body={"token": "t0k3n", "permissions": {"billsAndBatches": {}}})
    assert at_sandbox().test_connection() == (
        True,
        f"Connected to an unnamed environment at {eci_sandbox.url}: the API key is an unnamed user (no user "
        "code)'s. EnergyCAP did not say whether it may create bills and batches.",
    )


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            {"status": 401},
            ["401 from {url}: the API key is wrong or was deleted, or its owner lacks a permission"],
        ),
        ({"status": 403, "body": "No."}, ["403 from {url}: the key was recognised, but", "No."]),
        (
            {"status": 404},
            ["404: {url} answers, but has no EnergyCAP API at this path; check the connection's host"],
        ),
        ({"status": 302, "headers": {"Location": "/login"}}, ["{url}: ", "302: redirects are not followed"]),
        ({"status": 500}, ["{url}: ", "500: a failure on EnergyCAP's side"]),
        ({"status": 429}, ["{url}: ", "429: too many requests"]),
        (
            {"status": 200, "body": "<html><title>Sign in</title></html>"},
            ["{url} answers, but not as EnergyCAP's API does; check the connection's host.", "Sign in"],
        ),
        ({"status": 200, "body": []}, ["{url} answers, but not as EnergyCAP's API does"]),
        ({"drop": "before"}, ["closed the connection before its answer was complete"]),
        ({"truncate": 20}, ["closed the connection before its answer was complete"]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_went_wrong_is_told_after_one_request(
    fault: dict[str, Any], said: list[str], at_sandbox: Connect, eci_sandbox: Sandbox
) -> None:
    eci_sandbox.fault("GET", ME, times=None, **fault)
    works, message = at_sandbox().test_connection()
    assert not works
    for part in said:
        assert part.format(url=eci_sandbox.url) in message
    assert eci_sandbox.api_key not in message
    assert len(eci_sandbox.requests) == 1


def test_a_key_of_another_environment_is_thought_of(at_sandbox: Connect, eci_sandbox: Sandbox) -> None:
    with Sandbox() as implementation:
        works, message = at_sandbox(implementation.api_key).test_connection()
        assert not works
        assert implementation.api_key not in message
    assert "a key works only in the environment and datasource it was made in" in message


def test_a_path_beside_the_api_is_told(connect: Connect, eci_sandbox: Sandbox) -> None:
    hook = connect(host=f"{eci_sandbox.url}/energycap", password=eci_sandbox.api_key)
    works, message = hook.test_connection()
    assert (works, message[:5]) == (False, "404: ")


def test_a_name_that_cannot_be_resolved_is_told(connect: Connect) -> None:
    works, message = connect(host="nonexistent.invalid").test_connection()
    assert not works
    assert "the host name nonexistent.invalid cannot be resolved; check the connection's host" in message


def test_a_closed_port_is_told(connect: Connect) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    works, message = connect(host=f"http://127.0.0.1:{port}").test_connection()
    assert not works
    assert f"no connection to 127.0.0.1:{port}; check the host, the port, the route and the firewall" in message


def test_tls_with_a_plain_port_is_told(connect: Connect, eci_sandbox: Sandbox) -> None:
    works, message = connect(host=eci_sandbox.url.replace("http:", "https:")).test_connection()
    assert not works
    assert "TLS with 127.0.0.1:" in message
    assert eci_sandbox.requests == []


def test_a_server_that_does_not_answer_is_waited_for_only_so_long(
    at_sandbox: Connect, eci_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eci, "TEST_LIMIT", 0.3)
    eci_sandbox.fault("GET", ME, hang=True)
    works, message = at_sandbox(timeout=3600).test_connection()
    assert not works
    assert eci_sandbox.url.removeprefix("http://") in message
    assert "in time" in message or "within 0.3 s" in message


def test_an_answer_that_drips_is_waited_for_only_so_long(
    dripping: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eci, "TEST_LIMIT", 0.2)
    expected = f"{dripping} gave no complete answer within 0.2 s; try again later."
    assert connect(host=dripping).test_connection() == (False, expected)


def test_a_look_up_that_hangs_is_waited_for_only_so_long(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No socket option bounds it, and no real name server here can be told to hang."""
    go_on = threading.Event()
    real = socket.getaddrinfo

    def hanging(*arguments: Any, **named: Any) -> Any:
        go_on.wait(60)
        return real(*arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    monkeypatch.setattr(eci, "TEST_LIMIT", 0.1)
    expected = "https://nonexistent.invalid gave no complete answer within 0.1 s; try again later."
    assert connect(host="nonexistent.invalid").test_connection() == (False, expected)
    go_on.set()


def test_the_limit_of_a_test_is_fifteen_seconds() -> None:
    assert eci.TEST_LIMIT == 15


def test_an_unusable_connection_is_told_and_not_raised(connect: Connect) -> None:
    works, message = connect("my_eci", host="http://eci.example", extra={}).test_connection()
    assert not works
    assert message.startswith("plain http to eci.example would show the API key")


def test_an_unexpected_error_is_told_and_not_taken_for_silence(
    at_sandbox: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, **_: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setattr("eci_provider.api.account.Account.me", broken)
    works, message = at_sandbox().test_connection()
    assert not works
    assert "asking failed unexpectedly (RuntimeError)" in message
    assert KEY not in message


def test_netrc_and_proxies_have_no_say(
    at_sandbox: Connect, eci_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password x\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{os.getpid() % 1000 + 1}")
    works, _ = at_sandbox().test_connection()
    assert works
    assert "authorization" not in eci_sandbox.requests[0].headers
