"""
Import one file for each development into one batch, in parallel, without workers that wait.

The DAG closes the batch after every file is imported and EnergyCAP has analysed all bills. A file with kickouts
fails its own task, which names the rows. The batch then stays open.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import dag, task

from eci_provider.operators import ImportBillsOperator, OpenBatchOperator, UpdateBatchStatusOperator
from eci_provider.retry_policy import eci_default_args
from eci_provider.sensors import EciBatchSensor

FOLDER = Path(__file__).parent / "data" / "by_development"
RUN = "{{ (dag_run.logical_date or dag_run.run_after) | ts_nodash }}"


@dag(
    schedule="@monthly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args=eci_default_args(),
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_mapped_import():
    @task
    def list_files() -> list[str]:
        return sorted(str(path) for path in FOLDER.glob("*.csv"))

    batch = OpenBatchOperator(
        task_id="open_batch",
        batch_code=f"NYCHA by development {RUN}",
        if_exists="adopt",
    )
    imports = ImportBillsOperator.partial(
        task_id="import_bills",
        profile_code="NYCHA electric",
        batch_settings={"batch_mode": "use existing batch", "existing_open_batch_id": batch.output["batch_id"]},
        import_note="{{ run_id }}",
        deferrable=True,
        max_active_tis_per_dag=8,
    ).expand(file=list_files())
    analysed = EciBatchSensor(
        task_id="wait_for_analysis",
        batch_id=batch.output["batch_id"],
        wait_for_analysis=True,
        deferrable=True,
        timeout=6 * 3600,
    )
    close = UpdateBatchStatusOperator(
        task_id="close_batch",
        batch_id=batch.output["batch_id"],
        batch_status="Closed",
    )

    batch >> imports >> analysed >> close


eci_mapped_import()
