"""A POST that the server may have received is sent once, also where the network makes it look otherwise."""

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


def test_a_key_that_a_good_answer_echoes_is_masked(eci_sandbox: Sandbox) -> None:
    eci_sandbox.fault(
        "GET", "/api/v3/batch/1", status=200, body={"batchId": 1, "note": f"hi {eci_sandbox.api_key}"}
    )

    with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
        assert client.batches.get(1).note == "hi ***"


@pytest.mark.parametrize("key", ["test", "batch", "2026"])
def test_a_key_that_may_be_a_word_is_left_in_good_answers(key: str) -> None:
    with Sandbox(api_key=key) as sandbox, EciClient(sandbox.url, key) as client:
        opened = client.batches.open(f"{key}-2026-01")
        assert (opened.batch_id, opened.batch_code) == (1, f"{key}-2026-01")
        sandbox.fault("GET", "/api/v3/batch/1", status=400, body=f"No {key}.")
        with pytest.raises(errors.EciBadRequestError, match=r"said: No \*\*\*\.$"):
            client.batches.get(1)


def test_neither_names_nor_numbers_are_masked() -> None:
    body = {"batchId": 1, "batchCode": "batchCode 12345678", "runningTotal": 1234567890, "note": ["x batchCode"]}
    for key, code in (("batchCode", "*** 12345678"), ("12345678", "batchCode ***")):
        with Sandbox(api_key=key) as sandbox, EciClient(sandbox.url, key) as client:
            sandbox.fault("GET", "/api/v3/batch/1", status=200, body={**body, "note": f"x {key}"})
            batch = client.batches.get(1)
        assert (batch.batch_id, batch.batch_code, batch.running_total) == (1, code, 1234567890)
        assert batch.note == "x ***"


def test_a_key_that_a_good_answer_spells_in_its_own_way_is_masked() -> None:
    with Sandbox(api_key="key+0123456789") as sandbox, EciClient(sandbox.url, "key+0123456789") as client:
        body = b'{"batchId": 1, "note": "hi key\\u002B0123456789"}'
        sandbox.fault("GET", "/api/v3/batch/1", status=200, body=body)
        assert client.batches.get(1).note == "hi ***"


def test_a_server_that_repeats_a_page_does_not_hold_the_reader(eci_sandbox: Sandbox) -> None:
    page = [{"batchId": number} for number in range(2)]
    eci_sandbox.fault("GET", "/api/v3/batch", times=None, status=200, body=page)

    with EciClient(eci_sandbox.url, eci_sandbox.api_key) as client:
        assert len(list(client.batches.list(page_size=2))) == 4

    assert len(eci_sandbox.requests) == 2
