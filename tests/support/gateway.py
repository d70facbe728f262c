"""A gateway on loopback that hands requests to a sandbox and may answer otherwise."""

from __future__ import annotations

import http.client
import itertools
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import Self

#: What each side of a connection sets for itself.
_OWN = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}


@dataclass
class Reply:
    """An answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    reason: str = "OK"


class Gateway:
    """
    A gateway before a sandbox; its children answer otherwise.

    :param url: the sandbox's address.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """Return the gateway's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator[Self]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the sandbox's answer."""
        connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=30)
        try:
            connection.request(method, path, body=body or None, headers=dict(headers))
            response = connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read(), response.reason)
        finally:
            connection.close()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the answer to a request."""
        return self.forward(method, path, headers, body)


class EndlessLists(Gateway):
    """
    A gateway whose lists have no end: each page has one thing that no page had before.

    Kickouts, which have no pages, are answered with such a page as well.

    :param url: the sandbox's address.
    :param total_pages: the ``TotalPages`` of each page; None for no such header.
    :param before_page: called before each page.
    """

    def __init__(self, url: str, total_pages: str | None, before_page: Callable[[], None] = lambda: None) -> None:
        super().__init__(url)
        self._headers = [("TotalPages", total_pages)] if total_pages else []
        self._before_page = before_page
        self._numbers = itertools.count(1)
        #: How many pages were requested of each list, by the last word of its path.
        self.pages: Counter[str] = Counter()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return a page, or the sandbox's answer."""
        name = path.partition("?")[0].rpartition("/")[2]
        if method != "GET" or name not in _ITEMS:
            return super().answer(method, path, headers, body)
        self._before_page()
        self.pages[name] += 1
        item = _ITEMS[name](next(self._numbers))
        return Reply(200, self._headers, json.dumps([item]).encode())


#: An item of each list, by the last word of its path.
_ITEMS: dict[str, Callable[[int], Any]] = {
    "task": lambda number: {
        "taskId": number,
        "taskGUId": f"00000000-0000-4000-8000-{number:012}",
        "beginDate": "2026-01-05T08:00:00Z",
        "status": "In progress",
    },
    "batch": lambda number: {"batchId": 1_000_000 + number, "batchCode": f"other {number}"},
    "profile": lambda number: {"profileId": number, "profileCode": f"other {number}"},
    "summary": lambda number: {"kickoutMessages": [f"reason {number}"]},
    "detail": lambda number: {"data": [[{"fieldId": 1, "value": f"{number}"}]]},
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a client that closes its connection when it has read enough."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body go out in two pieces; the second would wait 40 ms for the first one's ACK.
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            try:
                reply = gateway.answer(self.command, self.path, headers, body)
            except (OSError, http.client.HTTPException):
                self.close_connection = True  # as the sandbox did
                return
            self.send_response_only(reply.status, reply.reason)
            for name, value in reply.headers:
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            try:
                self.wfile.write(reply.body)
            except OSError:
                self.close_connection = True  # the client has read enough of it

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: pytest shows what failed."""

    return Handler
