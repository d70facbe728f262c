"""The one place where this package reads the wall clock and sleeps, so that a test can turn time."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone

#: By how much a date that names no zone may be off: a clock's farthest from UTC, and half a day.
ANY_ZONE = timedelta(hours=26)


def utc_now() -> datetime:
    """Return the wall clock; deadlines are kept in it, since they must hold in other processes too."""
    return datetime.now(timezone.utc)


def sleep(seconds: float) -> None:
    """Wait in a worker."""
    time.sleep(seconds)


async def sleep_async(seconds: float) -> None:
    """Wait in an event loop."""
    await asyncio.sleep(seconds)
