"""Fixtures and helpers: a client of the sandbox, bill files, and a server that sends any bytes it is told to."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciValidationError
from eci_provider.sandbox import Sandbox

GUID = "123e4567-e89b-12d3-a456-426614174000"
#: An Advanced file: two bills, the second of an account that no sandbox here knows.
BILLS = (
    b"ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,VENDORCODE,CHG:USD:Charge\n"
    b"1001,20250101,20250131,A,M1,,12.50\n"
    b"9999,20250101,20250131,A,M9,,7.00\n"
)
MAPPING = {
    "dateFormat": "yyyymmdd",
    "accountCodeColumnIndex": 1,
    "startDateColumnIndex": 2,
    "endDateColumnIndex": 3,
    "observations": [{"columnIndex": 4, "observationTypeCode": "CHG", "caption": "Charge", "unitCode": "USD"}],
}
EXAMPLES = Path(__file__).parent / "examples"


class BillBytes:
    """A bill file that is no local path: anything with a name, ``exists`` and ``open`` will do."""

    name = "bills.csv"

    def __init__(self, content: bytes = BILLS) -> None:
        self._content = content

    def exists(self) -> bool:
        return True

    def open(self, mode: str) -> BinaryIO:
        assert mode == "rb"
        return io.BytesIO(self._content)


def example(name: str) -> dict[str, Any]:
    """Return the example body of a documentation page, as it stands there."""
    body: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return body


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client waited between repeats; it never really sleeps."""
    return []


@pytest.fixture
def client(eci_sandbox: Sandbox, waits: list[float]) -> Iterator[EciClient]:
    with EciClient(eci_sandbox.url, eci_sandbox.api_key, sleep=waits.append) as made:
        yield made


@pytest.fixture
def bill_file(tmp_path: Path) -> Path:
    file = tmp_path / "bills.csv"
    file.write_bytes(BILLS)
    return file


@pytest.fixture
def kicked_out(eci_sandbox: Sandbox, client: EciClient, bill_file: Path) -> str:
    """An import of two bills, one of which was kicked out; the request log starts after it."""
    eci_sandbox.add_account("1001", ["M1"])
    guid = client.bill_imports.submit(bill_file)
    eci_sandbox.clear_requests()
    return guid


@pytest.fixture
def refusal(eci_sandbox: Sandbox) -> Callable[..., str]:
    """Make a call that must be refused before anything is sent, and return what the error says."""

    def message_of(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
        before = len(eci_sandbox.requests)
        with pytest.raises(EciValidationError) as caught:
            call(*arguments, **named)
        assert len(eci_sandbox.requests) == before
        return caught.value.message

    return message_of


def sent(sandbox: Sandbox) -> list[tuple[str, str, dict[str, str], Any]]:
    """Return method, path, query and JSON body of every request that arrived."""
    return [(record.method, record.path, record.query, record.body) for record in sandbox.requests]


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Return a whole response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class RawServer:
    """
    Answer each request with the next of some bytes, the last ones again and again.

    :param answers: whole responses, or functions that are given the connection.
    """

    def __init__(self, *answers: bytes | Callable[[socket.socket], None]) -> None:
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.stopping = threading.Event()
        self.hung_up = threading.Event()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> RawServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for held in (self._listener, *self._connections):
            with _ignored():
                held.shutdown(socket.SHUT_RDWR)
            held.close()
        self._thread.join(5)

    def _accept(self) -> None:
        with _ignored():
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with _ignored():
            while request := _request(connection):
                self.requests.append(request)
                answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    answer(connection)
        self.hung_up.set()


class _ignored:  # noqa: N801
    """Let a thread end quietly when its socket was closed under it."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, OSError)


def _request(connection: socket.socket) -> bytes:
    """Read one request; empty when the client hung up."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return b""
        received += more
    length = re.search(rb"content-length: (\d+)", received, re.IGNORECASE)
    whole = received.index(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
    while len(received) < whole:
        received += connection.recv(65536)
    return received
