"""EnergyCAP's own client, for tests that compare with it."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest


def load_sdk(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the client."""
    # The package calls a function of setuptools that no longer exists.
    namespaces = ModuleType("pkg_resources")
    namespaces.declare_namespace = lambda name: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pkg_resources", namespaces)
    return import_module("energycap.sdk")
