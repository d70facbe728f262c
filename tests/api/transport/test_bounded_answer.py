"""Answers that never end are abandoned; time on our side does not count."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciConnectionError, EciUnknownOutcomeError
from eci_provider.api.transport import bounded_answer
from tests.support.api_data import GUID, BillBytes
from tests.support.connection_server import Connection, Server
from tests.support.raw_server import RawServer, http

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#: What is sent at once, and what again and again.
DRIPS = {
    "status": (b"", b"H"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X"),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "chunk extension": (CHUNKED + b"2;", b"x"),
    "trailer": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X"),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n"),
}


class TurnedTime:
    """Stand in for the module ``time`` where answers are read."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        """Return the turned clock."""
        return time.monotonic() + self.ahead


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> TurnedTime:
    clock = TurnedTime()
    monkeypatch.setattr(bounded_answer, "time", clock)
    return clock


def _dripping(kind: str) -> Callable[[socket.socket], None]:
    def drip(connection: socket.socket) -> None:
        start, drop = DRIPS[kind]
        connection.sendall(start)
        while True:
            connection.sendall(drop)
            threading.Event().wait(0.01)

    return drip


@pytest.mark.parametrize("kind", DRIPS)
def test_an_answer_that_drips_for_ever_is_given_up(kind: str) -> None:
    """No single wait is long, so the time-out between two bytes alone would never end it."""
    with (
        RawServer(_dripping(kind)) as server,
        EciClient(server.url, "key", timeout=0.05, max_retries=0) as client,
        pytest.raises(EciConnectionError, match="did not answer in time") as caught,
    ):
        client.account.me()
    assert (caught.value.kind, caught.value.sent) == ("timeout", True)


def test_over_tls_as_well(certified: tuple[ssl.SSLContext, Path]) -> None:
    context, bundle = certified

    def drip(connection: Connection) -> None:
        connection.read(connection.length)
        with suppress(OSError):
            _dripping("headers")(connection.socket)

    with (
        Server(drip, context=context) as server,
        EciClient(server.url, "key", timeout=0.1, verify=str(bundle)) as client,
        pytest.raises(EciUnknownOutcomeError, match="did not answer in time"),
    ):
        client.batches.open("B")


def test_a_proxy_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with RawServer(_dripping("headers")) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        with (
            EciClient("https://eci.invalid", "key", timeout=0.05, max_retries=0) as client,
            pytest.raises(EciConnectionError) as caught,
        ):
            client.batches.open("B")
    assert caught.value.sent is False


def test_a_flood_of_interim_answers_ends(turned: TurnedTime) -> None:
    """It is always there already, so nothing is ever waited for."""

    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
            turned.ahead += 1

    with (
        RawServer(flood) as server,
        EciClient(server.url, "key", timeout=60, max_retries=0) as client,
        pytest.raises(EciConnectionError, match="did not answer in time"),
    ):
        client.account.me()


class SlowFile(BillBytes):
    """A file of which reading takes an hour."""

    def __init__(self, turned: TurnedTime) -> None:
        super().__init__()
        self._turned = turned

    def open(self, mode: str) -> BinaryIO:
        self._turned.ahead += 3600
        return super().open(mode)


def test_the_limit_starts_when_the_request_is_sent(turned: TurnedTime) -> None:
    server = RawServer(http("200 OK", json.dumps({"taskGUId": GUID}).encode()))
    with server, EciClient(server.url, "key", timeout=5, max_retries=0) as client:
        assert client.bill_imports.submit(SlowFile(turned)) == GUID


def test_processing_the_answer_does_not_count(turned: TurnedTime) -> None:
    body, seen = json.dumps({"data": [[], [], []]}).encode(), threading.Event()

    def halting(connection: socket.socket) -> None:
        answer = http("200 OK", body)
        connection.sendall(answer[:-5])
        seen.wait(60)
        connection.sendall(answer[-5:])

    def take(members: Iterator[tuple[str, Any]]) -> int:
        count = 0
        for _ in members:
            count += 1
            turned.ahead += 3600
            seen.set()
        return count

    with RawServer(halting) as server, EciClient(server.url, "key", timeout=5, max_retries=0) as client:
        assert client.kickouts.stream(GUID, None, "detail", take) == 3
