"""Being stopped: only where nothing is half done."""

from __future__ import annotations

import signal
import time
from types import FrameType

from dev.demo.errors import StoppedError

LONGEST_NAP = 0.1


class Stop:
    """
    Take note of Ctrl+C, SIGTERM and SIGHUP, and raise when asked.

    A signal handler that raised by itself could do so between the start of a process and the note that it runs, or
    in the middle of cleaning up. What runs under ``nohup`` stays deaf to SIGHUP.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._number = number

    def check(self) -> None:
        """
        Go on, unless a signal came.

        :raises StoppedError: if one did.
        """
        if self._number is not None:
            raise StoppedError(self._number)

    def sleep(self, seconds: float) -> None:
        """
        Sleep, and wake for a signal.

        :raises StoppedError: if one came.
        """
        end = time.monotonic() + seconds
        while True:
            self.check()
            left = end - time.monotonic()
            if left <= 0:
                return
            # Python goes on sleeping after a signal, so the naps are short.
            time.sleep(min(left, LONGEST_NAP))
