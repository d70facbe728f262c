"""A store at memory://, for tests of files in object stores."""

from __future__ import annotations

import pytest
from fsspec.implementations.memory import MemoryFileSystem

try:
    from airflow.sdk.io.store import attach
except ImportError:
    from airflow.io.store import attach


@pytest.fixture
def memory() -> MemoryFileSystem:
    """Attach a store at memory:// that shows a file from its first byte on."""
    store = MemoryFileSystem()
    attach("memory", fs=store)
    return store
