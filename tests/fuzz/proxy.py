"""A proxy on loopback that hands requests to the sandbox and damages the answers that a plan names."""

from __future__ import annotations

import http.client
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.fuzz.mutations import damaged

#: What a plan says: the number of an answer, counted from 0, and which damage it gets.
Plan = Mapping[int, tuple[str, int]]


class MutatingProxy:
    """
    A proxy whose answers are damaged by a plan.

    :param url: the sandbox's.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.plan: Plan = {}
        self.answers = 0
        self.applied: list[str] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """Return the proxy's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator[MutatingProxy]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def follow(self, plan: Plan) -> None:
        """Begin a flow: count answers from 0 again, and damage them by a plan."""
        with self._lock:
            self.plan, self.answers, self.applied = plan, 0, []

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[Any, bytes]:
        """Return the sandbox's answer, damaged if it is its turn."""
        connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=30)
        try:
            connection.request(method, path, body=body or None, headers=dict(headers))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        with self._lock:
            number, self.answers = self.answers, self.answers + 1
            mutation = self.plan.get(number)
            if mutation is not None and response.status < 300 and content:
                self.applied.append(f"{method} {path.partition('?')[0]}: {mutation[0]}")
                content = damaged(content, *mutation)
        return response, content


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a client that closes its connection when it has read enough."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(proxy: MutatingProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body go out in two pieces; the second would wait 40 ms for the first one's ACK.
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            response, content = proxy.forward(self.command, self.path, headers, body)
            self.send_response_only(response.status)
            for name, value in response.getheaders():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            if response.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:
                self.close_connection = True  # the client has read enough of it

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: pytest shows what failed."""

    return Handler


_OWN = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
