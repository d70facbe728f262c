"""
EnergyCAP over HTTP, without a line of Airflow: ``EciClient(base_url, api_key)`` works in a notebook.

It touches core alone. Within it: models and errors, then transport, then resources, then the client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient as EciClient
    from eci_provider.api.filters import where as where

__all__ = ["EciClient", "where"]

_HOMES = {"EciClient": "eci_provider.api.client", "where": "eci_provider.api.filters"}


def __getattr__(name: str) -> Any:
    """Load the client when it is first used, so that parsing a DAG file does not load the HTTP library."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
