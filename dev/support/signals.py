"""Signals that stop a tool."""

from __future__ import annotations

import signal
import time
from types import FrameType

from dev.support.errors import StoppedError

LONGEST_SLEEP = 0.1


class Stop:
    """
    Handler of Ctrl+C, SIGTERM and SIGHUP. It remembers the signal; :meth:`check` and :meth:`sleep` raise it.

    A handler that raised the error itself could do so after a process was started and before it was recorded, or
    during a clean-up. Under ``nohup``, SIGHUP stays ignored.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._number = number

    def check(self) -> None:
        """
        Do nothing, unless a signal was received.

        :raises StoppedError: if one was.
        """
        if self._number is not None:
            raise StoppedError(self._number)

    def sleep(self, seconds: float) -> None:
        """
        Sleep, but not longer than until a signal.

        :raises StoppedError: if one was received.
        """
        end = time.monotonic() + seconds
        while True:
            self.check()
            left = end - time.monotonic()
            if left <= 0:
                return
            # A signal does not end a sleep in Python, so each sleep is short.
            time.sleep(min(left, LONGEST_SLEEP))
