"""
The storm's DAGs: open a batch, import files into it and close it, or import each file into a batch of its own.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from eci_provider.operators import ImportBillsOperator, OpenBatchOperator, UpdateBatchStatusOperator

# The storm writes this file: ids of the DAGs, and the number of files in each run.
KINDS = json.loads(Path(__file__).with_name("kinds.json").read_text())
FILES = [f"{{{{ dag_run.conf['files'][{place}] }}}}" for place in range(KINDS["files"])]
# More retries than any number of kills.
RETRIES = {"retries": 40, "retry_delay": timedelta(seconds=3)}


def import_bills(deferrable: bool, batch_settings: dict[str, Any]) -> Any:
    """Import each of the run's files."""
    return ImportBillsOperator.partial(
        task_id="import_bills",
        batch_settings=batch_settings,
        on_kickouts="{{ dag_run.conf['on_kickouts'] }}",
        deferrable=deferrable,
        poll_interval=3,
        timeout=timedelta(minutes=30),
    ).expand(file=FILES)


def storm_dag(dag_id: str, *, deferrable: bool, own_batches: bool) -> None:
    """Define the DAG for a kind of run."""
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with DAG(dag_id, schedule=None, start_date=start, default_args=RETRIES):
        if own_batches:
            import_bills(deferrable, {"batch_mode": "new self-contained batch"})
            return
        opened: Any = OpenBatchOperator(task_id="open_batch", batch_code="{{ run_id }}").output
        batch_id = opened["batch_id"]
        imported = import_bills(
            deferrable, {"batch_mode": "use existing batch", "existing_open_batch_id": batch_id}
        )
        imported >> UpdateBatchStatusOperator(task_id="close_batch", batch_id=batch_id, batch_status="Closed")


for kind in KINDS["dags"]:
    storm_dag(kind["dag_id"], deferrable=kind["deferrable"], own_batches=kind["own_batches"])
