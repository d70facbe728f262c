"""
List once a week the imports that have kickouts, with TaskFlow and the hook.

The hook's client has every call for EnergyCAP's batches, imports, kickouts, profiles and tasks. Use it for what
the operators do not cover.
"""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import dag, task

from eci_provider.hooks.eci import EciHook


@dag(
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_open_kickouts():
    @task
    def imports_with_kickouts() -> list[dict]:
        from eci_provider.api import where

        with EciHook() as hook:
            tasks = hook.get_conn().tasks.list(where("beginDate", "last 30 days"))
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

    @task
    def report(imports: list[dict]) -> list[str]:
        lines = [
            f"{found['begin_date']} {found['file_name']}: {message}"
            for found in imports
            for message in found["messages"]
        ]
        print("\n".join(lines) or "No import of the last 30 days has kickouts.")
        return lines

    report(reasons.expand(found=imports_with_kickouts()))


eci_open_kickouts()
