"""
Import one file for each development into one batch, in parallel, without workers that wait.

The DAG closes the batch after every file is imported and EnergyCAP has analysed all bills. The batch is named
after the DAG and the run.

**What waits, and for what.** Each instance of `import_bills` waits, without a worker, until its import has ended.
`wait_for_analysis` then waits until no bill of the batch is under analysis.

**What fails.** If rows of a file are kicked out, that file's `import_bills` fails and names them, and the batch
stays open. With the files that come with the example, and with `make ui`, none are. Set *Kickouts* to "warn" when
you trigger the DAG to import what can be imported, and to close the batch.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import Param, dag, task

from eci_provider.operators import (
    CreateImportProfileOperator,
    ImportBillsOperator,
    OpenBatchOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.retry_policy import eci_default_args
from eci_provider.sensors import EciBatchSensor

FOLDER = Path(__file__).parent / "data" / "by_development"
PROFILE = "NYCHA electric by development"
# Columns by their names in the header of a file. Use the observation types and units of your EnergyCAP.
COLUMNS = {
    "sample_file": str(FOLDER / "williamsburg.csv"),
    "date_format": "mm/dd/yyyy",
    "account_code": "Building ID",
    "start_date": "Service Start Date",
    "end_date": "Service End Date",
    "meter_code": "Meter Number",
    "observations": [
        {"column": "Consumption (KWH)", "observation_type_code": "USE", "unit_code": "KWH"},
        {"column": "Current Charges", "observation_type_code": "COST", "unit_code": "USD"},
    ],
}


@dag(
    schedule="@monthly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args=eci_default_args(),
    params={
        "folder": Param(
            str(FOLDER),
            type="string",
            minLength=1,
            title="Folder of the bill files",
            description="All its .csv files are imported. The workers must be able to read it.",
        ),
        "on_kickouts": Param(
            "fail",
            type="string",
            enum=["fail", "warn"],
            title="Kickouts",
            description="What a task does if rows are kicked out: fail, or name them in its log and succeed.",
        ),
    },
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_mapped_import():
    @task
    def list_files(folder: str) -> list[str]:
        return sorted(str(path) for path in Path(folder).glob("*.csv"))

    profile = CreateImportProfileOperator(
        task_id="create_profile", profile_code=PROFILE, column_mapping=COLUMNS, if_exists="keep"
    )
    batch = OpenBatchOperator(task_id="open_batch", batch_code="{{ dag.dag_id }} {{ run_id }}", if_exists="adopt")
    imports = ImportBillsOperator.partial(
        task_id="import_bills",
        profile_code=PROFILE,
        batch_settings={"batch_mode": "use existing batch", "existing_open_batch_id": batch.output["batch_id"]},
        import_note="{{ run_id }}",
        on_kickouts="{{ params.on_kickouts }}",
        deferrable=True,
        max_active_tis_per_dag=8,
    ).expand(file=list_files("{{ params.folder }}"))
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

    [profile, batch] >> imports >> analysed >> close


eci_mapped_import()
