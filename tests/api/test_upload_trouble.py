"""Uploads that fail: answered early, cut by the network, or of a file that changes."""

from __future__ import annotations

import hashlib
import io
import os
import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import (
    EciAuthenticationError,
    EciBadRequestError,
    EciConnectionError,
    EciResponseError,
    EciUnknownOutcomeError,
)
from eci_provider.api.upload import EciFileError
from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS, GUID
from tests.support.connection_server import KEY, LARGE, Connection, Server, break_off, take
from tests.support.raw_server import free_port, http
from tests.support.run_task import run

REFUSALS: list[tuple[str, int, type[EciResponseError]]] = [
    ("401 Unauthorized", 401, EciAuthenticationError),
    ("413 Content Too Large", 413, EciBadRequestError),
]


@pytest.mark.parametrize(("status", "code", "kind"), REFUSALS)
def test_a_refusal_before_the_body_ends_is_reported_as_it_is(
    status: str,
    code: int,
    kind: type[EciResponseError],
    large_file: Path,
    secured: tuple[ssl.SSLContext | None, str],
) -> None:
    def refuse(connection: Connection) -> None:
        connection.read(65536)
        connection.socket.sendall(http(status, b'{"message": "No."}', "Connection: close"))
        connection.socket.close()

    context, bundle = secured
    with (
        Server(refuse, context=context) as server,
        EciClient(server.url, KEY, verify=bundle or True, sleep=lambda _: None) as client,
        pytest.raises(kind) as caught,
    ):
        client.bill_imports.submit(large_file)
    assert (caught.value.status, caught.value.body) == (code, '{"message": "No."}')
    assert len(server.seen) == 1


def test_a_refusal_of_a_server_that_reads_no_further_is_seen_and_its_connection_left(
    large_file: Path, secured: tuple[ssl.SSLContext | None, str], waits: list[float]
) -> None:
    """On that connection the server waits for the rest of the body, and would take a next request for it."""

    def refuse(connection: Connection) -> None:
        connection.read(65536)
        connection.socket.sendall(http("413 Content Too Large"))

    context, bundle = secured
    with (
        Server(refuse, take, context=context) as server,
        EciClient(server.url, KEY, verify=bundle or True, timeout=2, sleep=waits.append) as client,
    ):
        with pytest.raises(EciBadRequestError, match="answered with 413"):
            client.bill_imports.submit(large_file)
        large_file.write_bytes(BILLS)
        assert client.bill_imports.submit(large_file) == GUID
    assert [connection.head.partition(b" HTTP")[0] for connection in server.seen] == [
        b"POST /api/v3/import/bill"
    ] * 2
    assert waits == []


def test_a_body_that_the_network_cut_is_sent_again_from_its_start(large_file: Path, waits: list[float]) -> None:
    with Server(break_off, take) as server, EciClient(server.url, KEY, sleep=waits.append) as client:
        assert client.bill_imports.submit(large_file, import_note="N") == GUID
    cut, whole = server.seen
    assert cut.received < cut.length == whole.received
    assert cut.start == whole.start
    assert whole.start.startswith(b'{"importNote": "N", "data": "AAAA')
    assert len(waits) == 1


def test_a_body_that_is_cut_every_time_was_surely_not_taken(
    large_file: Path, secured: tuple[ssl.SSLContext | None, str], waits: list[float]
) -> None:
    context, bundle = secured
    with (
        Server(break_off, context=context) as server,
        EciClient(server.url, KEY, verify=bundle or True, max_retries=1, sleep=waits.append) as client,
        pytest.raises(EciConnectionError, match="EnergyCAP did not take it") as caught,
    ):
        client.bill_imports.submit(large_file)
    assert (caught.value.sent, caught.value.details["sent"]) == (False, False)
    assert (caught.value.kind, len(waits)) == ("reset", 1)


def test_a_body_that_went_out_whole_is_not_sent_again(large_file: Path, waits: list[float]) -> None:
    def swallow(connection: Connection) -> None:
        connection.read(connection.length)
        connection.hang_up()

    with (
        Server(swallow) as server,
        EciClient(server.url, KEY, sleep=waits.append) as client,
        pytest.raises(EciUnknownOutcomeError),
    ):
        client.bill_imports.submit(large_file)
    assert [connection.received - connection.length for connection in server.seen] == [0]
    assert waits == []


def test_a_server_may_pause_for_longer_than_a_connection_may_take(
    large_file: Path, secured: tuple[ssl.SSLContext | None, str], waits: list[float]
) -> None:
    context, bundle = secured
    # Agreeing on TLS takes a busy machine its time.
    connect_timeout, pause = (0.2, 1.0) if context is None else (2.0, 3.0)

    def take_its_time(connection: Connection) -> None:
        connection.read(65536)
        time.sleep(pause)
        take(connection)

    with (
        Server(take_its_time, context=context) as server,
        EciClient(
            server.url, KEY, verify=bundle or True, connect_timeout=connect_timeout, sleep=waits.append
        ) as client,
    ):
        assert client.bill_imports.submit(large_file) == GUID
    assert [connection.received - connection.length for connection in server.seen] == [0]
    assert waits == []


def test_a_failed_connect_starts_the_body_again(large_file: Path) -> None:
    port, started = free_port(), []

    def start(_: float) -> None:
        started.append(Server(take, port=port).__enter__())

    with EciClient(f"http://127.0.0.1:{port}", KEY, sleep=start) as client:
        assert client.bill_imports.submit(large_file) == GUID
    (server,) = started
    server.__exit__()
    assert [connection.received for connection in server.seen] == [server.seen[0].length]


@pytest.mark.parametrize(
    ("size", "problem"),
    [(LARGE - 1, f"it ended after {LARGE - 1} of {LARGE} bytes"), (LARGE + 1, f"grown beyond its {LARGE} bytes")],
)
def test_a_file_that_changes_its_size_is_not_taken(
    size: int, problem: str, large_file: Path, waits: list[float]
) -> None:
    def change(connection: Connection) -> None:
        connection.read(65536)
        with large_file.open("r+b") as stream:
            stream.truncate(size)
        take(connection)

    with (
        Server(change) as server,
        EciClient(server.url, KEY, sleep=waits.append) as client,
        pytest.raises(EciFileError, match=problem) as caught,
    ):
        client.bill_imports.submit(large_file)
    (connection,) = server.seen
    assert connection.ended
    assert connection.received < connection.length
    assert (caught.value.retry_helps, waits) == (True, [])


def test_a_file_whose_content_is_replaced_is_not_taken(large_file: Path, waits: list[float]) -> None:
    meant = hashlib.sha256(large_file.read_bytes()).hexdigest()

    def replace_the_end(connection: Connection) -> None:
        connection.read(65536)
        with large_file.open("r+b") as stream:
            stream.seek(-1, os.SEEK_END)
            stream.write(b"x")
        take(connection)

    with (
        Server(replace_the_end, take) as server,
        EciClient(server.url, KEY, sleep=waits.append) as client,
    ):
        with pytest.raises(EciFileError, match="its content is no longer what was to be sent"):
            client.bill_imports.submit(large_file, sha256=meant)
        now = hashlib.sha256(large_file.read_bytes()).hexdigest()
        assert client.bill_imports.submit(large_file, sha256=now) == GUID
    broken_off, whole = server.seen
    assert broken_off.ended
    assert broken_off.received < broken_off.length
    assert whole.received == broken_off.length
    assert waits == []


class TwoFaced:
    """A bill file that opens as one thing when it is measured, and as another when it is sent."""

    name = "bills.csv"

    def __init__(self, *faces: Callable[[], Any]) -> None:
        self._faces = iter(faces)

    def exists(self) -> bool:
        return True

    def open(self, mode: str) -> BinaryIO:
        stream: BinaryIO = next(self._faces)()
        return stream


class Failing(io.BytesIO):
    """A stream of a store that loses its connection."""

    def read(self, size: int | None = -1) -> bytes:
        raise ConnectionResetError(104, "Connection reset by peer")


def gone() -> None:
    raise FileNotFoundError("bills.csv")


@pytest.mark.parametrize(
    ("face", "problem"),
    [
        (Failing, "it can no longer be read (ConnectionResetError)"),
        (gone, "it can no longer be read (FileNotFoundError)"),
        (io.BytesIO, f"it ended after 0 of {len(BILLS)} bytes"),
        (lambda: io.BytesIO(BILLS + b"x"), f"it has grown beyond its {len(BILLS)} bytes"),
    ],
)
def test_an_error_of_the_file_is_not_reported_as_one_of_energycap(
    face: Callable[[], Any], problem: str, eci_sandbox: Sandbox, client: EciClient, waits: list[float]
) -> None:
    with pytest.raises(EciFileError, match=re.escape(f" changed while it was sent: {problem}. ")):
        client.bill_imports.submit(TwoFaced(lambda: io.BytesIO(BILLS), face))
    assert eci_sandbox.tasks() == []
    assert waits == []
    # The session still works.
    assert client.bill_imports.submit(TwoFaced(*[lambda: io.BytesIO(BILLS)] * 2))


def test_a_task_whose_file_changes_can_be_retried(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bills.csv"
    file.write_bytes(BILLS)
    opened = Path.open
    opens: list[Path] = []

    def growing(path: Path, *arguments: Any, **named: Any) -> Any:
        if path == file and (opens.append(path) or len(opens) == 2):  # type: ignore[func-returns-value]
            with opened(file, "ab") as stream:
                stream.write(b"\n")
        return opened(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", growing)
    task = ImportBillsOperator(task_id="import", file=str(file), wait_for_completion=False)
    first = run(task)
    assert isinstance(first.error, EciFileError)
    assert not first.is_final
    assert sandbox.tasks() == []
