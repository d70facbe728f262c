"""Ports on this machine's loopback."""

from __future__ import annotations

import socket

from dev.demo.errors import DemoError

TRIED = 50


def free_port(first: int) -> int:
    """
    Return the first port that nobody listens on.

    :param first: where to begin.
    :raises DemoError: if a good many are taken.
    """
    for port in range(first, first + TRIED):
        if _free(port):
            return port
    raise DemoError(f"The ports {first} to {first + TRIED - 1} on 127.0.0.1 are all taken.")


def _free(port: int) -> bool:
    # Some systems let a second program listen where another has the port on all addresses, so one asks as well.
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as server:
        # A port that was in use a moment ago is free.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
