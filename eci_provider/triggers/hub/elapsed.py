"""Elapsed time that no clock change makes longer."""

from __future__ import annotations

from eci_provider.core import clock


class Elapsed:
    """
    The seconds since it was made, by the machine's clock or by the wall clock, whichever says less.

    The wall clock is read so that a test can turn it.
    """

    __slots__ = ("_by_machine", "_by_wall")

    def __init__(self) -> None:
        self._by_machine, self._by_wall = clock.monotonic(), clock.utc_now()

    def seconds(self) -> float:
        """Return the seconds; a wall clock that is set makes them fewer, but never more."""
        by_wall = (clock.utc_now() - self._by_wall).total_seconds()
        return max(0.0, min(clock.monotonic() - self._by_machine, by_wall))
