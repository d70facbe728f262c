"""Packages that the demo and the storm need."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from dev.support.errors import ToolError

PROVIDER = "this provider"
NAMES = {"airflow": "Airflow", "fastapi": "FastAPI", "uvicorn": "uvicorn", "openpyxl": "openpyxl"}


def check_installed() -> None:
    """
    Check that everything is installed, without importing it.

    :raises ToolError: if something is not, with what to do.
    """
    missing = [name for package, name in NAMES.items() if find_spec(package) is None]
    try:
        # The package can always be imported in a checkout, but Airflow only finds providers that are installed.
        version("airflow-provider-eci")
    except PackageNotFoundError:
        missing.insert(0, PROVIDER)
    if missing:
        raise ToolError(
            f"Not installed for {sys.executable}: {', '.join(missing)}.\n"
            "`make demo` creates an environment that has all of it, and runs the demo there."
        )


def airflow_version() -> str:
    """Return the version of the installed Airflow, such as ``3.3.2``."""
    return version("apache-airflow")
