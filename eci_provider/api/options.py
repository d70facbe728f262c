"""The options of a client: their names, defaults and bounds, for the client, its session and the hook alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClientOptions:
    """
    How a client reaches EnergyCAP.

    :param timeout: seconds to wait for the next bytes of an answer; a whole answer may take ten times as long.
    :param connect_timeout: seconds to wait for a connection.
    :param max_retries: how often a request that is safe to repeat is repeated, at most.
    :param verify: true, false, or the path of a CA bundle.
    :param allow_http: whether plain http is allowed beyond loopback.
    """

    timeout: float = 60.0
    connect_timeout: float = 10.0
    max_retries: int = 3
    verify: bool | str = True
    allow_http: bool = False


#: The smallest and the largest value of the options that are numbers, where an Airflow connection sets them.
BOUNDS = {
    "timeout": (1.0, 3600.0),
    "connect_timeout": (1.0, 300.0),
    "max_retries": (0.0, 20.0),
}
