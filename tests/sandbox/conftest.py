"""Fixtures: a sandbox with a virtual clock, and clients of two users."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eci_provider.sandbox import Sandbox
from eci_provider.sandbox.pytest_plugin import eci_sandbox  # noqa: F401  (also where the plugin is not installed)
from tests.sandbox.sandbox_api import Api


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock="virtual") as running:
        running.add_account("1001", ["M1"])
        running.add_account("1002", ["M2"])
        yield running


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    return Api(sandbox)


@pytest.fixture
def other(sandbox: Sandbox) -> Api:
    """Client of a second user, who has all permissions but Manage."""
    return Api(sandbox, sandbox.add_user("other", "Other User", manage=False))
