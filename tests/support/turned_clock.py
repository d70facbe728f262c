"""A clock that waits turn, and the connection to a sandbox, for tests and for what runs beside pytest."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from eci_provider.sandbox import Sandbox


def connect(monkeypatch: pytest.MonkeyPatch, host: str, key: str, **extra: object) -> None:
    """Define the connection ``eci_default`` for this test."""
    connection = {"conn_type": "eci", "host": host, "password": key, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_ECI_DEFAULT", json.dumps(connection))


class TurnedClock:
    """
    Stand in for the provider's clock: sleeping turns the wall clock and the sandbox's at once.

    Set ``fatal`` to an exception that ends the process in its next sleep.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.fatal: BaseException | None = None
        self.sandbox = sandbox
        self.moment = datetime(2026, 1, 5, 8, 0, tzinfo=timezone.utc)
        self.slept: list[float] = []

    def utc_now(self) -> datetime:
        """Return the turned wall clock."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Turn both clocks."""
        if self.fatal is not None:
            raise self.fatal
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)
        self.sandbox.advance(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Turn both clocks."""
        self.sleep(seconds)
