"""
List once a week the imports that have kickouts, with TaskFlow and the hook.

The hook's client has every call for EnergyCAP's batches, imports, kickouts, profiles and tasks. Use it for what
the operators do not cover.

An import stays in the list after its kickouts were retried, since EnergyCAP keeps them.

The log of `report` has the list. **Nothing waits**, and nothing fails: without kickouts `reasons` is skipped, and
`report` says so.
"""

from __future__ import annotations

import logging
from datetime import datetime

from airflow.providers.common.compat.sdk import Param, dag, task

from eci_provider.hooks.eci import EciHook

log = logging.getLogger("airflow.task")


@dag(
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={
        "days": Param(
            30,
            type="integer",
            enum=[7, 14, 30, 60, 90],
            title="Days",
            description="How far back to look for imports.",
        ),
    },
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_open_kickouts():
    @task
    def imports_with_kickouts(days: str) -> list[dict]:
        from eci_provider.api import where

        with EciHook() as hook:
            tasks = hook.get_conn().tasks.list(where("beginDate", f"last {days} days"))
            return [
                {"task_guid": found.task_guid, "begin_date": found.begin_date}
                for found in tasks
                if (found.status or "").lower() == "completed with kickouts"
            ]

    @task
    def reasons(found: dict) -> dict:
        with EciHook() as hook:
            summary = hook.get_conn().kickouts.summary(found["task_guid"])
        return {**found, "file_name": summary.file_name, "messages": summary.kickout_messages[:10]}

    @task(trigger_rule="none_failed")
    def report(imports: list[dict] | None, days: str) -> list[str]:
        lines = [
            f"{found['begin_date']} {found['file_name']}: {message}"
            for found in imports or []
            for message in found["messages"]
        ]
        for line in lines or [f"No import of the last {days} days has kickouts."]:
            log.info("%s", line)
        return lines

    days = "{{ params.days }}"
    report(reasons.expand(found=imports_with_kickouts(days)), days)


eci_open_kickouts()
