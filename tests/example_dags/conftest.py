"""Airflow's database, for the examples that run in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Make the database of this test run's Airflow home."""
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True, timeout=120
    )
