"""The server of a sandbox: its gate and its listener."""

from __future__ import annotations

from eci_provider.sandbox.app import build
from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.gate import Gate
from eci_provider.sandbox.listener import Listener


class Server:
    """
    An environment behind a loopback port.

    :param env: the environment.
    :param port: port; 0 for any free one.
    :raises PortError: if the port cannot be listened on.
    """

    def __init__(self, env: Environment, port: int) -> None:
        self._gate = Gate(env, build())
        self._listener = Listener(self._gate, port, self._gate.release)

    def start(self) -> None:
        """Start to serve, and wait until connections are accepted."""
        self._listener.start()

    def stop(self) -> None:
        """Close all connections and stop serving."""
        self._listener.stop()

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self._listener.port}"

    def end_hanging_requests(self) -> None:
        """End the wait of all hanging and delayed requests."""
        self._listener.call_soon(self._gate.release)

    def discard_late_requests(self) -> None:
        """Discard the late requests: they never take effect."""
        self._gate.discard_late()

    def process_late_requests(self) -> None:
        """Process the late requests that are due, in the thread in which all requests run."""
        if self._gate.has_late:
            self._listener.call(self._gate.settle())
