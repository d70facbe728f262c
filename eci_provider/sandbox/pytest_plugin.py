"""
A pytest fixture with a sandbox of its own for each test.

::

    def test_my_dag(eci_sandbox, monkeypatch):
        eci_sandbox.add_account("1001", ["M1"])
        connection = {"conn_type": "eci", "host": eci_sandbox.url, "password": eci_sandbox.api_key}
        monkeypatch.setenv("AIRFLOW_CONN_ECI_DEFAULT", json.dumps(connection))
        dag.test()
        assert [bill["cost"] for bill in eci_sandbox.bills()] == [120.50]

The package registers it; a test only names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from eci_provider.sandbox import Sandbox


@pytest.fixture
def eci_sandbox() -> Iterator[Sandbox]:
    """Serve a fresh, empty sandbox for one test."""
    # Imported here: every pytest run on this machine loads plugins, few of them need a server.
    from eci_provider.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox
