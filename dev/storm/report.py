"""The table of a storm's result."""

from __future__ import annotations

import os
import platform
from collections import Counter
from importlib.metadata import version

from dev.storm.plan import Plan
from dev.storm.verdict import Result


def table(plan: Plan, result: Result) -> list[str]:
    """Return the table, one line for each figure."""
    python, airflow = platform.python_version(), version("apache-airflow")
    rows = [
        ("seed", str(plan.seed)),
        ("versions", f"Airflow {airflow}, Python {python}, {result.database}"),
        ("EnergyCAP shows notes", "yes" if plan.notes_shown else "no"),
        ("EnergyCAP's habits", str(plan.habits)),
        ("provider", version("airflow-provider-eci")),
        ("time with kills", f"{min(plan.seconds, result.seconds):.0f} s"),
        ("processor cores", str(os.cpu_count())),
        ("DAG runs", breakdown(result.runs)),
        ("runs expected to fail", str(sum(run.expected_state() == "failed" for run in plan.planned))),
        ("mapped imports", str(result.imports_mapped)),
        ("submits sent", str(result.submits)),
        ("submits answered wrongly", str(result.submits_faulty)),
        ("submits doubled by a proxy", str(result.doubled)),
        ("imports at the server", str(result.imports)),
        ("bills at the server", str(result.bills)),
        ("duplicates", str(result.duplicates)),
        ("losses", str(result.losses)),
        ("imports reattached", str(result.reattached)),
        ("attempts with unknown outcome", str(result.unknown_attempts)),
        ("tasks with unknown outcome", str(result.unknown_tasks)),
        ("of these, tasks that name both imports", str(result.twins)),
        ("retries", str(result.retries)),
        ("kills", breakdown(result.kills)),
        ("components ended by themselves", breakdown(result.ended_components)),
        ("not ended at the end", str(result.waiting)),
        ("time until all runs ended", f"{result.seconds:.0f} s"),
    ]
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {value}" for name, value in rows]


def breakdown(counts: Counter[str]) -> str:
    """Return a sum and its parts, such as "3: 2 success, 1 failed"."""
    if not counts:
        return "0"
    return f"{counts.total()}: " + ", ".join(f"{count} {name}" for name, count in counts.most_common())
