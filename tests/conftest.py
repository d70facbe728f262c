"""An Airflow home of its own for the tests, and a connection to the sandbox."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

# Airflow reads its configuration when it is imported, so this stands before anything else.
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
_home = tempfile.TemporaryDirectory(prefix="eci-tests-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"

from eci_provider.core.time_limit import THREAD_NAME  # noqa: E402
from eci_provider.sandbox import Sandbox  # noqa: E402


@pytest.fixture(autouse=True)
def working_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run each test in an empty folder of its own, so that no relative path can reach the checkout."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("cwd")
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Start a sandbox whose time stands still until it is turned, and connect ``eci_default`` with it."""
    with Sandbox(clock="virtual") as started:
        connect(monkeypatch, started.url, started.api_key)
        yield started
        started.clear_faults()
        _await_abandoned_threads()


def _await_abandoned_threads() -> None:
    """Let abandoned threads end here; they would sleep by the next test's clock."""
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join(60)


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


@pytest.fixture
def turned_clock(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> TurnedClock:
    """Let waits pass without waiting."""
    turned = TurnedClock(sandbox)
    for name in ("utc_now", "sleep", "sleep_async"):
        monkeypatch.setattr(f"eci_provider.core.clock.{name}", getattr(turned, name))
    return turned
