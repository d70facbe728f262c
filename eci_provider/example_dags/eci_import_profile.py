"""
Keep an import profile up to date, import a file with it, and wait with the sensor.

The import goes into a batch of its own, which EnergyCAP closes afterwards, so the DAG has no batch to close.
The operator only submits the file, and the sensor waits: use this if other tasks run in between.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import dag

from eci_provider.operators import CreateImportProfileOperator, ImportBillsOperator
from eci_provider.retry_policy import eci_default_args
from eci_provider.sensors import EciTaskSensor

BILLS = Path(__file__).parent / "data" / "nycha_electric_bills.csv"
RUN = "{{ (dag_run.logical_date or dag_run.run_after) | ts_nodash }}"


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args=eci_default_args(),
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_import_profile():
    profile = CreateImportProfileOperator(
        task_id="create_profile",
        profile_code="NYCHA electric, use only",
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
        file=str(BILLS),
        profile_code="NYCHA electric, use only",
        batch_settings={"batchMode": "new self-contained batch", "newBatchCode": f"NYCHA {RUN}"},
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
