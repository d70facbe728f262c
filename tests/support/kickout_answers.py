"""Kickouts as EnergyCAP's answers hold them."""

from __future__ import annotations

from typing import Any

from tests.support.api_data import GUID

BASE = f"/api/v202401/import/bill/task/{GUID}/kickout"
FIELDS = [
    {"id": 1, "name": "Why"},
    {"id": 2, "name": "ACCOUNT"},
    {"id": 3, "name": "Use"},
    {"id": 4, "name": "Use"},
]


def row(*values: Any) -> list[dict[str, Any]]:
    """Return a row whose cells have these values, in the columns of :data:`FIELDS`."""
    return [{"fieldId": number, "value": value} for number, value in enumerate(values, start=1)]
