"""A POST that the server may have received is sent once, even if the failure looks like another one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.sandbox import Sandbox


@contextmanager
def swallowing_server() -> Iterator[tuple[int, list[bytes]]]:
    """Serve a port that reads each request whole and hangs up; yield the port and the request lines."""
    received: list[bytes] = []

    def swallow(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            line = stream.readline()
            length = 0
            while (header := stream.readline().strip()) != b"":
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            stream.read(length)
            if line:
                received.append(line)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            swallow(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], received
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with swallowing_server() as (port, received):
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        client = EciClient("http://energycap.example", "K" * 40, allow_http=True, sleep=lambda _: None)

        with pytest.raises(errors.EciUnknownOutcomeError):
            client.batches.open("one")

        assert received == [b"POST http://energycap.example/api/v3/batch HTTP/1.1\r\n"]


def test_a_proxy_that_is_not_there_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    waits: list[float] = []
    client = EciClient("http://energycap.example", "K" * 40, allow_http=True, max_retries=2, sleep=waits.append)

    with pytest.raises(errors.EciConnectionError) as caught:
        client.batches.open("one")

    assert caught.value.sent is False
    assert len(waits) == 2


def test_while_another_failure_is_being_handled(eci_sandbox: Sandbox) -> None:
    eci_sandbox.fault("POST", "/api/v3/batch", drop="after", times=None)
    try:
        raise socket.gaierror("no such host")
    except OSError:
        client = EciClient(eci_sandbox.url, eci_sandbox.api_key, sleep=lambda _: None)
        with client, pytest.raises(errors.EciUnknownOutcomeError, match="closed the connection"):
            client.batches.open("one")

    assert len(eci_sandbox.requests) == 1
