"""A mail server on a socket that keeps what it is given."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage
from typing import cast


class MailServer(socketserver.ThreadingTCPServer):
    """
    Take mail by SMTP (RFC 5321), without TLS and without a login.

    :param refuses: whether it refuses each message when it is handed over.
    """

    daemon_threads = True

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.refuses = refuses
        self.messages: list[EmailMessage] = []
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return int(self.server_address[1])

    def __enter__(self) -> MailServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(5)


class _Session(socketserver.StreamRequestHandler):
    """A conversation with a client."""

    def handle(self) -> None:
        """Answer each command."""
        server = cast("MailServer", self.server)
        self._say("220 ready")
        for line in self.rfile:
            command = line.split()[0].upper() if line.split() else b""
            if command == b"DATA":
                self._say("354 go on")
                message = email.message_from_bytes(self._message(), policy=email.policy.default)
                if server.refuses:
                    self._say("554 refused")
                    continue
                server.messages.append(cast("EmailMessage", message))
            self._say("250 ok" if command != b"QUIT" else "221 bye")
            if command == b"QUIT":
                return

    def _message(self) -> bytes:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
