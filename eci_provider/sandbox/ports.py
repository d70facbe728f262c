"""Ports of loopback: one to listen on, and what to say if it cannot be had."""

from __future__ import annotations

import contextlib
import errno
import socket

HOST = "127.0.0.1"
LARGEST = 65_535
# How many ports after a busy one are tried, to name one that is free.
TRIED = 100


class PortError(OSError):
    """
    A port that cannot be listened on. Its text says why, and which one is free.

    :param port: the port.
    :param free: a port that was free a moment ago; None if none was found.
    """

    def __init__(self, code: int, message: str, port: int, free: int | None) -> None:
        super().__init__(code, message)
        self.port = port
        self.free = free

    def __str__(self) -> str:
        return str(self.strerror)


def listening(port: int) -> socket.socket:
    """
    Return a socket that listens on a port of 127.0.0.1.

    :param port: port; 0 for any free one.
    :raises PortError: if the port is in use, is reserved, or is no port.
    """
    if not 0 <= port <= LARGEST:
        raise PortError(errno.EINVAL, f"{port} is no port: ports are 0 to {LARGEST}.", port, None)
    # asyncio sets TCP_NODELAY only if the protocol is named; without it, every answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Without this, a port that was in use a moment ago could not be bound.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise _explained(port, error) from None
    except BaseException:
        listener.close()
        raise
    return listener


def _explained(port: int, error: OSError) -> PortError:
    free = _free_after(max(port, 1024))
    if error.errno == errno.EADDRINUSE:
        user = user_of(port)
        reason = f"is in use by {user}" if user else "is in use by another program"
    elif error.errno == errno.EACCES:
        reason = "is reserved by this system"
    else:
        reason = f"cannot be used ({error.strerror})"
    known = "" if free is None else f" Port {free} is free."
    return PortError(error.errno or 0, f"Port {port} of {HOST} {reason}.{known}", port, free)


def _free_after(port: int) -> int | None:
    for candidate in range(port + 1, min(port + TRIED, LARGEST) + 1):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((HOST, candidate))
            return candidate
    return None


def user_of(port: int) -> str | None:
    """
    Return the program that listens on a port, such as "nginx (process 123)".

    :return: None if it is not known: it belongs to another user, or psutil is not installed.
    """
    try:
        import psutil
    except ImportError:
        return None
    # Most systems tell everything about own processes only.
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            address, pid = connection.laddr, connection.pid
            if connection.status == psutil.CONN_LISTEN and address and address.port == port and pid:
                return f"{psutil.Process(pid).name()} (process {pid})"
    return None
