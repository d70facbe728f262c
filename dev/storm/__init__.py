"""
A storm: a whole Airflow imports bills into a sandbox that fails at random, and everything in it is killed.

``python -m dev.storm`` runs one and prints what became of it; :func:`run` is the same for tests.
"""

from __future__ import annotations

from dev.storm.plan import Plan
from dev.storm.running import run
from dev.storm.verdict import Result

__all__ = ["Plan", "Result", "run"]
