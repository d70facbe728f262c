"""The table that a storm prints."""

from __future__ import annotations

import os
import platform
from collections import Counter
from importlib.metadata import version

from dev.storm.plan import Plan
from dev.storm.verdict import Result


def table(plan: Plan, found: Result) -> list[str]:
    """Return the table, a line a figure."""
    python, airflow = platform.python_version(), version("apache-airflow")
    rows = [
        ("seed", str(plan.seed)),
        ("with", f"Airflow {airflow}, Python {python}, {found.database}"),
        ("EnergyCAP shows notes", "yes" if plan.notes_shown else "no"),
        ("provider", version("airflow-provider-eci")),
        ("things were killed for", f"{min(plan.seconds, found.seconds):.0f} s"),
        ("processor cores", str(os.cpu_count())),
        ("DAG runs", counted(found.runs)),
        ("runs that deserve to fail", str(sum(run.deserves() == "failed" for run in plan.planned))),
        ("mapped imports", str(found.imports_mapped)),
        ("submits sent", str(found.submits)),
        ("submits answered with trouble", str(found.submits_troubled)),
        ("imports at the server", str(found.imports)),
        ("bills at the server", str(found.bills)),
        ("duplicates", str(found.duplicates)),
        ("losses", str(found.losses)),
        ("imports reattached", str(found.reattached)),
        ("tries that could not know", str(found.unknown_tries)),
        ("tasks that could not know", str(found.unknown_tasks)),
        ("tries beyond the first", str(found.retries)),
        ("kills", counted(found.kills)),
        ("parts that ended by themselves", counted(found.ended_parts)),
        ("still waiting at the end", str(found.waiting)),
        ("time to the end", f"{found.seconds:.0f} s"),
    ]
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {value}" for name, value in rows]


def counted(counts: Counter[str]) -> str:
    """Return a count and what it is made of."""
    if not counts:
        return "0"
    return f"{counts.total()}: " + ", ".join(f"{count} {name}" for name, count in counts.most_common())
