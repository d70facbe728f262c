"""Environment variables of the processes that run Airflow."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from dev.support.paths import EXAMPLES

# Variables that are meant for another Airflow or Python of the user. A Python that is told to write no compiled
# modules, for one, would compile ours at every start.
FOREIGN_PREFIXES = ("AIRFLOW_", "_AIRFLOW_", "PYTHON")
SETTINGS = {
    "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    # Neither of the next two asks the network for anything.
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "PYTHONUNBUFFERED": "1",
    "NO_COLOR": "1",
}


def airflow_environment(home: Path, **more: str) -> dict[str, str]:
    """
    Return the user's environment without variables of another Airflow, and with those that this one needs.

    :param home: the Airflow home.
    :param more: further variables.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_PREFIXES)}
    kept.pop("FORCE_COLOR", None)
    # `airflow standalone` searches this path for `airflow`.
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    # A proxy cannot reach this machine's loopback.
    direct = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1,localhost"]))
    own = {"AIRFLOW_HOME": str(home), "PATH": path, "NO_PROXY": direct, "no_proxy": direct}
    return {**kept, **SETTINGS, **own, **more}


def connection_variable(url: str, api_key: str, **extra: object) -> dict[str, str]:
    """
    Return the variable that defines the Airflow connection ``eci_default``.

    :param url: EnergyCAP's address.
    :param api_key: the API key.
    :param extra: extra fields of the connection.
    """
    fields = {"conn_type": "eci", "host": url, "password": api_key, "extra": extra}
    return {"AIRFLOW_CONN_ECI_DEFAULT": json.dumps(fields)}
