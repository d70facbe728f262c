"""A server that answers with any bytes it is given."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable


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
