"""A server that ends connections at any moment, also under TLS."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence

from tests.support.api_data import GUID
from tests.support.raw_server import http

KEY = "K" * 40
#: More than the buffers of a connection take in before the server reads.
LARGE = 32 * 1024 * 1024
TAKEN = http("200 OK", f'{{"taskGUId": "{GUID}"}}'.encode())


class Connection:
    """What a server sees of one connection: the head of a request, and its body piece by piece."""

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        self.head, _, rest = received.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", self.head, re.IGNORECASE)
        self.length = int(found[1]) if found else 0
        self.start, self.received, self.ended = rest, len(rest), False

    def _more(self) -> bytes:
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError("the client hung up")
        return more

    def read(self, size: int) -> None:
        """Read until so many bytes of the body have come, or the client hangs up."""
        try:
            while self.received < size:
                more = self._more()
                self.start = (self.start + more)[:100]
                self.received += len(more)
        except OSError:
            self.ended = True

    def hang_up(self) -> None:
        """Close with unread bytes and without a word, as a server does that crashes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Server:
    """
    Do with each connection what the next of some functions does, the last one again and again.

    :param acts: the functions.
    :param context: for TLS.
    :param port: where to listen; anywhere without.
    :param cuts: what is done first, with a connection each, before TLS has been agreed on.
    """

    def __init__(
        self,
        *acts: Callable[[Connection], None],
        context: ssl.SSLContext | None = None,
        port: int = 0,
        cuts: Sequence[Callable[[socket.socket], None]] = (),
    ) -> None:
        self._acts, self._context, self._cuts = acts, context, iter(cuts)
        self._listener = socket.create_server(("127.0.0.1", port))
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.seen: list[Connection] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for connection in self.seen:
            connection.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            # Else an answer right after the handshake waits here for an acknowledgement, and is lost in the close.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if cut := next(self._cuts, None):
                cut(accepted)
                accepted.close()
                continue
            if self._context is not None:
                accepted = self._context.wrap_socket(accepted, server_side=True)
            connection = Connection(accepted)
            self.seen.append(connection)
            self._acts[min(len(self.seen), len(self._acts)) - 1](connection)


def take(connection: Connection) -> None:
    """Read the body and answer that it was taken."""
    connection.read(connection.length)
    if not connection.ended:
        connection.socket.sendall(TAKEN)


def break_off(connection: Connection) -> None:
    """Hang up in the middle of the body."""
    connection.read(65536)
    connection.hang_up()
