"""Connections as users make them, through Airflow's environment variables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.hooks.eci import EciHook

KEY = "s3cret-key"


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., EciHook]:
    """Define a connection and return its hook; ``extra`` is a dict, or text as it would stand in the database."""

    def hook(conn_id: str = "eci_default", **fields: Any) -> EciHook:
        fields = {"conn_type": "eci", "password": KEY, **fields}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        return EciHook(conn_id)

    return hook
