"""The only place where this package reads a clock and sleeps, so that tests can control time."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timezone


def utc_now() -> datetime:
    """Return the current time in UTC. Deadlines use it, since they must hold in other processes too."""
    return datetime.now(timezone.utc)


def monotonic() -> float:
    """Return seconds on a clock that nobody sets. Time spent within this process is measured with it."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """
    Sleep in a worker.

    :param seconds: how long.
    """
    time.sleep(seconds)


async def sleep_async(seconds: float) -> None:
    """
    Sleep in an event loop.

    :param seconds: how long.
    """
    await asyncio.sleep(seconds)
