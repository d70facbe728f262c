"""EnergyCAP's own client, EnergyCapSdk."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


def energycap_sdk(url: str, key: str) -> Any:
    """
    Return a client, created as its documentation says.

    :param url: address of the environment.
    :param key: the API key.
    """
    # The package calls a function of setuptools that no longer exists. Imported here, since it changes
    # sys.modules.
    namespaces = ModuleType("pkg_resources")
    namespaces.declare_namespace = lambda name: None  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = namespaces
    import energycap.sdk  # type: ignore[import-untyped]

    client = energycap.sdk.EnergyCapApi(base_url=url)
    client.config.headers["ECI-ApiKey"] = key
    return client
