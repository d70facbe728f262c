"""Answers as a connection reads them: after those that come before one, and not for ever, wherever one drips."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from http.client import BadStatusLine, HTTPResponse
from typing import Any, TypeVar

_Read = TypeVar("_Read")

#: How often an answer may take as long as the server may stay silent, in all that is waited for it.
TIMES = 10
#: How many interim answers (100 Continue is none of them) may come before the answer.
MOST_INTERIM = 20


class BoundedAnswer(HTTPResponse):
    """
    Read an answer, from its status to its trailers, in a bounded time in all.

    Only what is waited for it counts: what is made of its body may take its time. And an interim answer (102, 103)
    is passed over, as the standard wants it: http.client takes it for the answer, and the answer for that of the
    next request.

    :param sock: the connection.
    :param patience: seconds that a server may stay silent; ten times as long the answer may take.
    """

    def __init__(self, sock: Any, *args: Any, patience: float, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self._left = TIMES * patience
        # A tunnel's answer is read from here by http.client, without begin().
        self._watched = _Watched(self.fp.detach(), sock, patience, time.monotonic() + self._left)
        self.fp = io.BufferedReader(self._watched)

    def begin(self) -> None:
        self._timed(self._begin)

    def read(self, *args: Any) -> bytes:
        return self._timed(super().read, *args)

    def read1(self, *args: Any) -> bytes:
        return self._timed(super().read1, *args)

    def _begin(self) -> None:
        for _ in range(MOST_INTERIM + 1):
            super().begin()
            if self.status >= 200:
                return
            if self.status == 101:
                break  # nobody asked for another protocol, and from here on it is one
            self.headers = self.msg = None  # type: ignore[assignment]  # what makes begin() begin
        raise BadStatusLine(f"{self.status} and no answer")

    def _timed(self, step: Callable[..., _Read], *args: Any) -> _Read:
        began = time.monotonic()
        self._watched.deadline = began + self._left
        try:
            return step(*args)
        finally:
            self._left -= time.monotonic() - began


class _Watched(io.RawIOBase):
    """
    Read from a socket until a moment.

    :param stream: what reads from the socket.
    :param sock: the socket.
    :param patience: its time-out, in seconds.
    :param deadline: the moment, by the monotonic clock.
    """

    def __init__(self, stream: io.RawIOBase, sock: Any, patience: float, deadline: float) -> None:
        super().__init__()
        self._stream, self._sock, self._patience = stream, sock, patience
        self.deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        if left < self._patience:
            self._sock.settimeout(left)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._stream.close()
