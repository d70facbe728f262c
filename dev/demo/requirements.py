"""What must be installed, and what to say where it is not."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from dev.demo.errors import DemoError

NEEDED = {
    "airflow": "Airflow",
    "eci_provider": "this provider",
    "fastapi": "FastAPI",
    "uvicorn": "uvicorn",
    "openpyxl": "openpyxl",
}


def check_installed() -> None:
    """
    Look for what the demo needs, without importing it.

    :raises DemoError: if something is missing, with what to do about it.
    """
    missing = [name for package, name in NEEDED.items() if find_spec(package) is None]
    try:
        # In the checkout the package can be imported in any case; Airflow finds providers by what is installed.
        version("airflow-provider-eci")
    except PackageNotFoundError:
        missing = [NEEDED["eci_provider"], *(name for name in missing if name != NEEDED["eci_provider"])]
    if missing:
        raise DemoError(
            f"Not installed for {sys.executable}: {', '.join(missing)}.\n"
            "`make demo` makes an environment with all of it and runs the demo there."
        )


def airflow_version() -> str:
    """Return the version of the Airflow that is installed, such as ``3.3.2``."""
    return version("apache-airflow")
