"""Connections that end in the TLS handshake, as with a load balancer that restarts, or right after."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciConnectionError, EciUnknownOutcomeError
from eci_provider.triggers.task import EciTaskTrigger
from tests.support.api_data import GUID
from tests.support.connection_server import KEY, LARGE, Connection, Server, take
from tests.support.raw_server import http
from tests.support.run_task import first_event
from tests.support.turned_clock import connect

BATCH = http("200 OK", b'{"batchId": 7, "batchCode": "B", "batchStatus": "open"}')


def hear_and_close(accepted: socket.socket) -> None:
    """Close in order once the client has begun to speak: it reads the end of the stream."""
    accepted.recv(65536)


def close_at_once(accepted: socket.socket) -> None:
    """Close without a word; what the client says meanwhile may be answered with a reset."""


def reset(accepted: socket.socket) -> None:
    """Close with a reset."""
    accepted.recv(1)
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


CUTS = pytest.mark.parametrize("cut", [hear_and_close, close_at_once, reset])


def open_batch(connection: Connection) -> None:
    connection.read(connection.length)
    connection.socket.sendall(BATCH)


@CUTS
def test_a_post_is_sent_again_while_no_connection_is_agreed_on(
    cut: Callable[[socket.socket], None], certified: tuple[ssl.SSLContext, Path], waits: list[float]
) -> None:
    context, bundle = certified
    with (
        Server(open_batch, context=context, cuts=[cut] * 3) as server,
        EciClient(server.url, KEY, verify=str(bundle), sleep=waits.append) as client,
    ):
        assert client.batches.open("B").batch_id == 7
    assert len(server.seen) == 1
    assert len(waits) == 3


@CUTS
def test_an_upload_starts_again_when_no_connection_was_agreed_on(
    cut: Callable[[socket.socket], None],
    certified: tuple[ssl.SSLContext, Path],
    large_file: Path,
    waits: list[float],
) -> None:
    context, bundle = certified
    with (
        Server(take, context=context, cuts=[cut]) as server,
        EciClient(server.url, KEY, verify=str(bundle), sleep=waits.append) as client,
    ):
        assert client.bill_imports.submit(large_file) == GUID
    assert [connection.received - connection.length for connection in server.seen] == [0]
    assert server.seen[0].length > LARGE
    assert len(waits) == 1


@CUTS
def test_a_connection_that_is_never_agreed_on_was_surely_not_used(
    cut: Callable[[socket.socket], None], certified: tuple[ssl.SSLContext, Path], waits: list[float]
) -> None:
    context, bundle = certified
    with (
        Server(open_batch, context=context, cuts=[cut] * 4) as server,
        EciClient(server.url, KEY, verify=str(bundle), sleep=waits.append) as client,
        pytest.raises(EciConnectionError, match="closed the connection") as caught,
    ):
        client.batches.open("B")
    assert (caught.value.kind, caught.value.sent, server.seen) == ("reset", False, [])


def test_a_server_that_never_says_hello_was_sent_nothing(waits: list[float]) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        EciClient(
            f"https://127.0.0.1:{silent.getsockname()[1]}", KEY, connect_timeout=0.2, sleep=waits.append
        ) as client,
        pytest.raises(EciConnectionError) as caught,
    ):
        client.batches.open("B")
    assert (caught.value.kind, caught.value.sent, len(waits)) == ("timeout", False, 3)


def receive_and_close(connection: Connection) -> None:
    """Take a whole request and close in order, without an answer and without TLS's own good-bye."""
    connection.read(connection.length)
    connection.socket.shutdown(socket.SHUT_RDWR)


def receive_and_say_good_bye(connection: Connection) -> None:
    """Take a whole request and close as TLS has it, without an answer."""
    connection.read(connection.length)
    with suppress(OSError):  # the client has no good-bye of its own
        connection.socket.unwrap()  # type: ignore[attr-defined]


def receive_and_hang_up(connection: Connection) -> None:
    """Take a whole request and close with a reset."""
    connection.read(connection.length)
    connection.hang_up()


@pytest.mark.parametrize("end", [receive_and_close, receive_and_say_good_bye, receive_and_hang_up])
def test_a_post_that_was_received_is_not_sent_again_though_tls_ended(
    end: Callable[[Connection], None], certified: tuple[ssl.SSLContext, Path], waits: list[float]
) -> None:
    context, bundle = certified
    with (
        Server(end, open_batch, context=context) as server,
        EciClient(server.url, KEY, verify=str(bundle), sleep=waits.append) as client,
    ):
        with pytest.raises(EciUnknownOutcomeError) as caught:
            client.batches.open("B")
        assert (caught.value.details["kind"], caught.value.details["sent"]) == ("reset", True)
        assert (len(server.seen), waits) == (1, [])
        assert client.batches.get(7).batch_code == "B"


@CUTS
def test_a_wait_in_the_triggerer_outlives_a_load_balancer_that_restarts(
    cut: Callable[[socket.socket], None],
    certified: tuple[ssl.SSLContext, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = {"taskId": 1, "taskGUId": GUID, "status": "Completed", "endDate": "2026-01-05T08:00:00Z"}

    def tell(connection: Connection) -> None:
        is_list = connection.head.startswith(b"GET /api/v3/task?")
        connection.socket.sendall(http("200 OK", json.dumps([task] if is_list else task).encode()))
        connection.hang_up()

    async def no_wait(_: Any) -> None:
        pass

    monkeypatch.setattr("eci_provider.core.clock.sleep", lambda _: None)
    monkeypatch.setattr("eci_provider.core.clock.sleep_async", no_wait)
    context, bundle = certified
    with Server(tell, context=context, cuts=[cut] * 9) as server:
        connect(monkeypatch, server.url, KEY, verify=str(bundle))
        event = asyncio.run(first_event(*EciTaskTrigger(GUID).serialize()))
    assert (event["status"], event["found"]["status"]) == ("found", "Completed")
