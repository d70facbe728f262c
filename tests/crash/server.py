"""The sandbox in a process of its own, which does not die with the tasks."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KEY = "sandbox-key-of-the-crash-matrix"


@dataclass(frozen=True)
class Server:
    """
    Client of a sandbox: for its controls, and for EnergyCAP's API.

    :param port: its port on loopback.
    """

    port: int

    @property
    def url(self) -> str:
        """Address of the sandbox."""
        return f"http://127.0.0.1:{self.port}"

    def control(self, method: str, name: str, /, **content: Any) -> Any:
        """
        Call a control of the sandbox: ``state``, ``requests``, ``faults``, ``settings``, ``clock`` and so on.
        """
        return self._send(method, f"/sandbox/{name}", content)

    def call(self, method: str, path: str, /, *, key: str = KEY, **content: Any) -> Any:
        """Call EnergyCAP's API as a user."""
        return self._send(method, path, content, key)

    def now(self) -> datetime:
        """Return the server's time."""
        return self.advance(0)

    def advance(self, seconds: float) -> datetime:
        """Advance the server's clock, and return its time."""
        return datetime.fromisoformat(self.control("POST", "clock", advance=seconds)["now"])

    def _send(self, method: str, path: str, content: dict[str, Any], key: str = "") -> Any:
        # A new connection for each request: forked processes would share one that is kept.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json", "ECI-ApiKey": key}
            connection.request(method, path, json.dumps(content) if content or method != "GET" else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path} was answered with {answer.status}: {text}")
        return json.loads(text) if text else None


class ServerProcess:
    """A sandbox with a virtual clock in a process of its own. Use it as a context manager."""

    def __enter__(self) -> Server:
        command = [
            sys.executable,
            "-m",
            "eci_provider.sandbox",
            "--port",
            "0",
            "--virtual-clock",
            "--api-key",
            KEY,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if "http://127.0.0.1:" not in first:
            raise RuntimeError(f"the sandbox did not start: {first!r}")
        return Server(int(first.rsplit(":", 1)[1]))

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
