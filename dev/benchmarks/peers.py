"""EnergyCAP's own client, as its documentation shows it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


def energycap_sdk(url: str, key: str) -> Any:
    """
    Return a client of EnergyCapSdk.

    :param url: the environment's address.
    :param key: the API key.
    """
    # Its package asks setuptools to declare a namespace; setuptools no longer offers that.
    namespaces = ModuleType("pkg_resources")
    namespaces.declare_namespace = lambda name: None  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = namespaces
    import energycap.sdk  # type: ignore[import-untyped]

    client = energycap.sdk.EnergyCapApi(base_url=url)
    client.config.headers["ECI-ApiKey"] = key
    return client
