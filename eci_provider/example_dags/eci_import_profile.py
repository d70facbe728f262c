"""
Keep an import profile up to date, import a file with it, and wait with the sensor.

The operator only submits the file, and the sensor waits: use this if other tasks run in between. The import goes
into a batch of its own, which EnergyCAP closes afterwards, so the DAG has no batch to close. The batch is named
after the DAG and the run.

**What waits, and for what.** `wait_for_import` waits, without a worker, until the import has ended and EnergyCAP
has analysed its bills.

**What fails.** Nothing: with `on_kickouts="warn"` the sensor names kicked-out rows in its log and succeeds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import Param, dag

from eci_provider.operators import CreateImportProfileOperator, ImportBillsOperator
from eci_provider.retry_policy import eci_default_args
from eci_provider.sensors import EciTaskSensor

BILLS = Path(__file__).parent / "data" / "nycha_electric_use.csv"
PROFILE = "NYCHA electric, use only"


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args=eci_default_args(),
    params={
        "file": Param(
            str(BILLS),
            type="string",
            minLength=1,
            title="Bill file",
            description="A path that the workers can read, or a URL such as s3://bills/2026-01/electric.csv.",
        ),
    },
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_import_profile():
    profile = CreateImportProfileOperator(
        task_id="create_profile",
        profile_code=PROFILE,
        column_mapping={
            "dateFormat": "mm/dd/yyyy",
            "accountCodeColumnIndex": 3,
            "startDateColumnIndex": 5,
            "endDateColumnIndex": 6,
            "meterCodeColumnIndex": 8,
            "payAmountColumnIndex": 9,
            "observations": [
                {"columnIndex": 10, "observationTypeCode": "USE", "caption": "Consumption", "unitCode": "KWH"},
            ],
        },
        if_exists="replace",
    )
    bills = ImportBillsOperator(
        task_id="import_bills",
        file="{{ params.file }}",
        profile_code=PROFILE,
        batch_settings={
            "batchMode": "new self-contained batch",
            "newBatchCode": "{{ dag.dag_id }} {{ run_id }}",
        },
        wait_for_completion=False,
    )
    wait = EciTaskSensor(
        task_id="wait_for_import",
        task_guid=bills.output["task_guid"],
        on_kickouts="warn",
        wait_for_analysis=True,
        timeout=timedelta(hours=6).total_seconds(),
        deferrable=True,
    )

    profile >> bills >> wait


eci_import_profile()
