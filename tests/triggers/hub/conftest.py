"""Fixtures of the hub's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.turned_clock import TurnedClock


@pytest.fixture
def at_pause(
    turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int, Callable[[], Any]], None]:
    """Return how to let something happen when the hub pauses for the n-th time, counted from 0."""

    def arrange(number: int, act: Callable[[], Any]) -> None:
        async def sleep(seconds: float) -> None:
            if len(turned_clock.slept) == number:
                act()
            turned_clock.sleep(seconds)

        monkeypatch.setattr("eci_provider.core.clock.sleep_async", sleep)

    return arrange
