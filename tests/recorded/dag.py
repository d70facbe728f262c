"""A DAG with all operators and sensors in several variants, as Airflow stores it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from eci_provider.operators import (
    CheckBillFileOperator,
    CreateImportProfileOperator,
    ImportBillsOperator,
    KickoutReportOperator,
    OpenBatchOperator,
    RetryKickoutsOperator,
    SplitBillFileOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.retry_policy import eci_default_args
from eci_provider.sensors import EciBatchSensor, EciTaskSensor

GUID = "123e4567-e89b-12d3-a456-426614174000"
COLUMNS = {
    "account_code_column_index": 1,
    "start_date_column_index": 2,
    "end_date_column_index": 3,
    "date_format": "mm/dd/yyyy",
    "observations": [{"column_index": 4, "observation_type_code": "USE", "caption": "Use", "unit_code": "KWH"}],
}


def make_dag() -> DAG:
    """Return the DAG."""
    with DAG(
        "recorded",
        schedule=None,
        start_date=datetime(2026, 1, 1),
        default_args=eci_default_args(),
        render_template_as_native_obj=True,
    ) as dag:
        batch = OpenBatchOperator(
            task_id="open_batch",
            batch_code="Bills {{ ds }}",
            statement_date="2026-01-31",
            account_period_year=2026,
            note="{{ params.note }}",
            if_exists="adopt",
            eci_conn_id="{{ params.conn }}",
        )
        CreateImportProfileOperator(
            task_id="create_profile", profile_code="Electric", column_mapping=COLUMNS, if_exists="keep"
        )
        CheckBillFileOperator(
            task_id="check", file="s3://bills/{{ ds }}.csv", profile_code="Electric", report="/data/problems.xlsx"
        )
        parts = SplitBillFileOperator(
            task_id="split", profile_code="Electric", file="bills.csv", destination="parts", rows_per_file=1000
        )
        ImportBillsOperator(task_id="import_plainly", file="bills.csv")
        imported = ImportBillsOperator(
            task_id="import_bills",
            file="s3://bills/{{ ds }}/electric.csv",
            file_name="electric-{{ ds_nodash }}.csv",
            profile_code="Electric",
            batch_settings={
                "batch_mode": "use existing batch",
                "existing_open_batch_id": batch.output["batch_id"],
            },
            import_note="{{ run_id }}",
            save_as_resolved=True,
            comment="monthly",
            suppress_bill_capture_notification=True,
            wait_for_analysis=True,
            deferrable=True,
            poll_interval=timedelta(seconds=45),
            timeout=timedelta(hours=2),
            on_kickouts="warn",
            max_kickouts=0.02,
            success_statuses=["Completed with flags"],
            on_kill="void_batch",
            kickout_report="s3://bills/{{ ds }}/kickouts.xlsx",
            adopt_task_guid="{{ params.adopt }}",
            execution_timeout=timedelta(hours=3),
            retries=2,
        )
        ImportBillsOperator.partial(
            task_id="import_parts",
            profile_code="Electric",
            batch_settings={"batchMode": "smart batch"},
            deferrable=True,
        ).expand(file=parts.output)
        RetryKickoutsOperator(
            task_id="retry_kickouts",
            task_guid=imported.output["task_guid"],
            max_rounds=5,
            min_progress=2,
            file_names=["electric.csv"],
        )
        KickoutReportOperator(task_id="report", task_guid=GUID, path="/data/kickouts.md", file="/data/bills.zip")
        UpdateBatchStatusOperator(
            task_id="close_batch", batch_id=batch.output["batch_id"], batch_status="Closed", note=""
        )
        EciTaskSensor(task_id="wait_here", task_guid="{{ params.guid }}", mode="reschedule", timeout=600)
        EciTaskSensor(
            task_id="wait_in_triggerer",
            task_guid=GUID,
            deferrable=True,
            poke_interval=10,
            timeout=3600,
            max_kickouts=3,
        )
        EciTaskSensor(
            task_id="wait_for_template",
            task_guid="{{ params.guid }}",
            deferrable=True,
            wait_for_analysis=True,
            on_kickouts="skip",
            execution_timeout=timedelta(minutes=30),
        )
        EciBatchSensor(task_id="wait_for_batch", batch_id=7, batch_status="Closed", deferrable=True)
        EciTaskSensor.partial(task_id="wait_for_parts", deferrable=True, poke_interval=60).expand(
            task_guid=[GUID, GUID]
        )
    return dag


def serialized() -> dict[str, Any]:
    """Return it as Airflow writes it into its database."""
    try:
        from airflow.serialization.serialized_objects import DagSerialization as Serialization
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as Serialization
    written: dict[str, Any] = json.loads(json.dumps(Serialization.to_dict(make_dag())))
    written["dag"] |= {"fileloc": "/dags/recorded.py", "_processor_dags_folder": "/dags"}
    return written
