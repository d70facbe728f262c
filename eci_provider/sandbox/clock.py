"""The sandbox's clock, and the format of times."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

VIRTUAL_START = datetime(2026, 1, 5, 8, 0, 0, tzinfo=timezone.utc)


class Clock:
    """
    Clock of a sandbox.

    :param kind: ``real`` follows the machine's clock; ``virtual`` stays at 2026-01-05T08:00:00Z.
    :param shift: seconds added to it; :meth:`advance` changes them.
    """

    def __init__(self, kind: str = "real", shift: float = 0.0) -> None:
        if kind not in ("real", "virtual"):
            raise ValueError(f"clock must be 'real' or 'virtual', not {kind!r}")
        self.kind = kind
        self.shift = shift
        self._pinned = threading.local()

    def time(self) -> float:
        """Return the time in seconds since 1970 (UTC)."""
        pinned: float | None = getattr(self._pinned, "time", None)
        if pinned is not None:
            return pinned
        base = VIRTUAL_START if self.kind == "virtual" else datetime.now(timezone.utc)
        return base.timestamp() + self.shift

    def now(self) -> datetime:
        """Return the time as a datetime in UTC."""
        return datetime.fromtimestamp(self.time(), timezone.utc)

    def advance(self, seconds: float) -> None:
        """Move the clock forward, or backward by negative seconds."""
        self.shift += seconds

    @contextmanager
    def pinned(self, moment: float) -> Iterator[None]:
        """
        Make ``moment`` the current time for the calling thread.

        Due events are processed later than they are due, but must see the time at which they are due.
        """
        before = getattr(self._pinned, "time", None)
        self._pinned.time = moment
        try:
            yield
        finally:
            self._pinned.time = before

    def http_date(self) -> str:
        """Return the time as a ``Date`` header has it."""
        return format_datetime(self.now(), usegmt=True)


def format_time(moment: float | None, *, utc_offset: float = 0.0, show_zone: bool = True) -> str | None:
    """
    Format a time as the API does.

    Assumption: ISO 8601 in UTC with milliseconds and ``Z``; the documentation only says "date-time".

    :param moment: seconds since 1970 (UTC); None stays None.
    :param utc_offset: hours that the time is ahead of UTC.
    :param show_zone: whether the zone follows the time.
    """
    if moment is None:
        return None
    zone = timezone(timedelta(hours=utc_offset))
    # Added in whole microseconds: a float's last bits must not turn .500 into .499.
    exact = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=round(moment * 1e6))
    written = exact.astimezone(zone).replace(tzinfo=zone if show_zone else None)
    return written.isoformat(timespec="milliseconds").replace("+00:00", "Z")
