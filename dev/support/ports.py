"""Free ports on this machine's loopback."""

from __future__ import annotations

import socket

from dev.support.errors import ToolError

PORTS_TRIED = 50


def free_port(first: int) -> int:
    """
    Return the first free port.

    :param first: port to begin with.
    :raises ToolError: if that port and the next 49 are in use.
    """
    for port in range(first, first + PORTS_TRIED):
        if _is_free(port):
            return port
    raise ToolError(f"The ports {first} to {first + PORTS_TRIED - 1} on 127.0.0.1 are all in use.")


def _is_free(port: int) -> bool:
    # Some systems let a second program bind a port that another one has bound on all addresses; so connect as
    # well.
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as server:
        # Without this, a port that was in use a moment ago could not be bound.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
