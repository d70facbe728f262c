"""
A storm: a whole Airflow imports bills into a sandbox that fails at random, and everything in it is killed.

``python -m storm`` runs one and prints what became of it; :func:`run` is the same for tests.
"""

from __future__ import annotations

from storm.plan import Plan
from storm.running import run
from storm.verdict import Result

__all__ = ["Plan", "Result", "run"]
