"""EnergyCAP over HTTP, without a line of Airflow: ``EciClient(base_url, api_key)`` works in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient as EciClient
    from eci_provider.api.filters import where as where

__all__ = ["EciClient", "where"]


def __getattr__(name: str) -> Any:
    """Load the client when it is asked for: parsing a DAG file must not load the HTTP library."""
    if name == "EciClient":
        from eci_provider.api.client import EciClient

        return EciClient
    if name == "where":
        from eci_provider.api.filters import where

        return where
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
