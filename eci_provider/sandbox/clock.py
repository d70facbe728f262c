"""The sandbox's time, and how EnergyCAP writes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

VIRTUAL_START = datetime(2026, 1, 5, 8, 0, 0, tzinfo=timezone.utc)


class Clock:
    """
    Tell the time of the sandbox, in seconds since 1970 (UTC).

    :param kind: ``real`` follows the machine's clock, ``virtual`` stands at 2026-01-05T08:00:00Z.
    :param shift: seconds added to either; :meth:`advance` changes it.
    """

    def __init__(self, kind: str = "real", shift: float = 0.0) -> None:
        if kind not in ("real", "virtual"):
            raise ValueError(f"clock must be 'real' or 'virtual', not {kind!r}")
        self.kind = kind
        self.shift = shift
        self._pinned = threading.local()

    def time(self) -> float:
        pinned: float | None = getattr(self._pinned, "time", None)
        if pinned is not None:
            return pinned
        base = VIRTUAL_START if self.kind == "virtual" else datetime.now(timezone.utc)
        return base.timestamp() + self.shift

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), timezone.utc)

    def advance(self, seconds: float) -> None:
        self.shift += seconds

    @contextmanager
    def pinned(self, moment: float) -> Iterator[None]:
        """
        Let the calling thread see ``moment`` as now.

        What falls due between two looks at the server is caught up with later, but at its own time.
        """
        before = getattr(self._pinned, "time", None)
        self._pinned.time = moment
        try:
            yield
        finally:
            self._pinned.time = before

    def http_date(self) -> str:
        return format_datetime(self.now(), usegmt=True)


def stamp(moment: float | None) -> str | None:
    """
    Write a time as the API does.

    Assumption: ISO 8601 in UTC with milliseconds and ``Z``; the pages only say "date-time".
    """
    if moment is None:
        return None
    # Added in whole microseconds: a float's last bits must not turn .500 into .499.
    exact = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=round(moment * 1e6))
    return exact.strftime("%Y-%m-%dT%H:%M:%S.") + f"{exact.microsecond // 1000:03d}Z"
