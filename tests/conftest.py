"""An Airflow home of its own for the tests, and a connection to the sandbox."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

# Airflow reads its configuration when it is imported, so this stands before anything else.
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
_home = tempfile.TemporaryDirectory(prefix="eci-tests-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"

from eci_provider.core.time_limit import THREAD_NAME  # noqa: E402
from eci_provider.sandbox import Sandbox  # noqa: E402
from tests.support.turned_clock import TurnedClock, connect  # noqa: E402


@pytest.fixture(autouse=True)
def working_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run each test in an empty folder of its own, so that no relative path can reach the checkout."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("cwd")
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(autouse=True)
def empty_memory_store() -> Iterator[None]:
    """Empty the store at memory:// after each test; all tests of a process share it."""
    yield
    MemoryFileSystem.store.clear()


@pytest.fixture
def memory() -> MemoryFileSystem:
    """Attach a store at memory:// that shows a file from its first byte on."""
    try:
        from airflow.sdk.io.store import attach
    except ImportError:
        from airflow.io.store import attach
    store = MemoryFileSystem()
    attach("memory", fs=store)
    return store


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


@pytest.fixture
def turned_clock(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> TurnedClock:
    """Let waits pass without waiting."""
    turned = TurnedClock(sandbox)
    for name in ("utc_now", "sleep", "sleep_async"):
        monkeypatch.setattr(f"eci_provider.core.clock.{name}", getattr(turned, name))
    return turned
