"""
The pytest fixture ``eci_sandbox``: a sandbox for each test.

::

    def test_my_dag(eci_sandbox, monkeypatch):
        eci_sandbox.add_account("1001", ["M1"])
        connection = {"conn_type": "eci", "host": eci_sandbox.url, "password": eci_sandbox.api_key}
        monkeypatch.setenv("AIRFLOW_CONN_ECI_DEFAULT", json.dumps(connection))
        dag.test()
        assert [bill["cost"] for bill in eci_sandbox.bills()] == [120.50]

The package registers the plugin; a test only names the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from eci_provider import sandbox

if TYPE_CHECKING:
    from eci_provider.sandbox import Sandbox


@pytest.fixture
def eci_sandbox() -> Iterator[Sandbox]:
    """Start a new, empty sandbox for one test."""
    # Looked up here: every pytest run loads this plugin, and the server behind the name loads slowly.
    with sandbox.Sandbox() as started:
        yield started
