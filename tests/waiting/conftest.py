"""Fixtures of the tests of waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox
from tests.support.waiting_tasks import bill_file


@pytest.fixture
def guid(sandbox: Sandbox, tmp_path: Path) -> str:
    """Submit an import of one bill that takes an hour."""
    sandbox.add_account("A-1")
    sandbox.settings.delay = 3599.999
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.bill_imports.submit(bill_file(tmp_path, "A-1"))
