"""Paths in the checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The Airflow homes of all tools.
HOMES = ROOT / ".airflow"
#: The example DAGs; `example_dags` in the checkout is a link to this folder.
EXAMPLES = ROOT / "eci_provider" / "example_dags"
