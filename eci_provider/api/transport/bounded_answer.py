"""HTTP responses that are read in a bounded time, after any interim ones."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from http.client import BadStatusLine, HTTPResponse
from typing import Any, TypeVar

log = logging.getLogger(__name__)

_Read = TypeVar("_Read")

#: How many times the time-out all reads of one answer may take together.
TIMEOUTS_PER_ANSWER = 10
#: How many interim answers may come before the answer, 100 Continue not counted.
MOST_INTERIM = 20


class BoundedAnswer(HTTPResponse):
    """
    An HTTP response whose reads, from the status to the trailers, take a bounded time altogether.

    Time between the reads does not count. Interim answers (102, 103) are skipped as the standard says; http.client
    would take one for the answer, and the answer for that of the next request.

    :param sock: the connection's socket.
    :param timeout: seconds that the server may stay silent; the whole answer may take ten times as long.
    """

    def __init__(self, sock: Any, *args: Any, timeout: float, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self._left = TIMEOUTS_PER_ANSWER * timeout
        # http.client reads a tunnel's answer from here, without begin().
        self._reader = _DeadlineReader(self.fp.detach(), sock, timeout, time.monotonic() + self._left)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        self._timed(self._begin)

    def read(self, *args: Any) -> bytes:
        return self._timed(super().read, *args)

    def read1(self, *args: Any) -> bytes:
        return self._timed(super().read1, *args)

    def _begin(self) -> None:
        for _ in range(MOST_INTERIM + 1):
            super().begin()
            self._drop_broken_lines()
            if self.status >= 200:
                del self.headers["Set-Cookie"]  # none is kept, and the parser of cookies takes long for some
                return
            if self.status == 101:
                break  # 101 switches to another protocol, which was not requested
            self.headers = self.msg = None  # type: ignore[assignment]  # makes begin() read again
        raise BadStatusLine(f"{self.status} and no answer")

    def _drop_broken_lines(self) -> None:
        """Drop what follows a header line that is none, which urllib3 would log with all that a server wrote."""
        if self.headers.defects or self.headers.get_payload():
            self.headers.defects.clear()
            self.headers.set_payload("")
            log.debug("An answer has a header line without a name; what follows it in the head is not read.")

    def _timed(self, step: Callable[..., _Read], *args: Any) -> _Read:
        began = time.monotonic()
        self._reader.deadline = began + self._left
        try:
            return step(*args)
        finally:
            self._left -= time.monotonic() - began


class _DeadlineReader(io.RawIOBase):
    """
    A stream that reads from a socket until a deadline.

    :param stream: the socket's own stream.
    :param sock: the socket.
    :param timeout: the socket's time-out, in seconds.
    :param deadline: the deadline, by the monotonic clock.
    """

    def __init__(self, stream: io.RawIOBase, sock: Any, timeout: float, deadline: float) -> None:
        super().__init__()
        self._stream, self._sock, self._timeout = stream, sock, timeout
        self.deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        if left < self._timeout:
            self._sock.settimeout(left)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._stream.close()
