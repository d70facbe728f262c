"""
Import a month's bills: open a batch, send the file, have kickouts corrected and retried, close the batch.

If EnergyCAP kicks rows out, the DAG waits without a worker. Correct in EnergyCAP what the messages name (a
missing account, for example), then add "corrected" to the import's note there. The DAG then retries the
kickouts. It closes the batch only if nothing is left.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import dag, task

from eci_provider.hooks.eci import EciHook
from eci_provider.operators import (
    CreateImportProfileOperator,
    ImportBillsOperator,
    OpenBatchOperator,
    RetryKickoutsOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.retry_policy import eci_default_args

BILLS = Path(__file__).parent / "data" / "nycha_electric_bills.csv"
# A run that is triggered by hand or by an asset has no logical date, and so neither {{ ds }} nor {{ ts_nodash }}.
RUN = "{{ (dag_run.logical_date or dag_run.run_after) | ts_nodash }}"

# Columns count from 1. Use the observation types and units of your EnergyCAP.
COLUMNS = {
    "date_format": "mm/dd/yyyy",
    "account_code_column_index": 3,
    "start_date_column_index": 5,
    "end_date_column_index": 6,
    "meter_code_column_index": 8,
    "pay_amount_column_index": 9,
    "observations": [
        {"column_index": 10, "observation_type_code": "USE", "caption": "Consumption", "unit_code": "KWH"},
        {"column_index": 11, "observation_type_code": "COST", "caption": "Energy charge", "unit_code": "USD"},
        {"column_index": 12, "observation_type_code": "DEMAND", "caption": "Demand", "unit_code": "KW"},
        {"column_index": 13, "observation_type_code": "COST", "caption": "Demand charge", "unit_code": "USD"},
        {"column_index": 14, "observation_type_code": "COST", "caption": "Other charges", "unit_code": "USD"},
    ],
}


@dag(
    schedule="@monthly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args=eci_default_args(),
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_bill_import():
    profile = CreateImportProfileOperator(
        task_id="create_profile",
        profile_code="NYCHA electric",
        column_mapping=COLUMNS,
        if_exists="keep",
    )
    batch = OpenBatchOperator(
        task_id="open_batch",
        batch_code=f"NYCHA electric {RUN}",
        note="Opened by Airflow",
        if_exists="adopt",
    )
    into_the_batch = {"batch_mode": "use existing batch", "existing_open_batch_id": batch.output["batch_id"]}
    bills = ImportBillsOperator(
        task_id="import_bills",
        file=str(BILLS),
        profile_code="NYCHA electric",
        batch_settings=into_the_batch,
        import_note="{{ run_id }}",
        on_kickouts="warn",
    )

    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def any_kickouts(result: dict) -> bool:
        return result["outcome"] == "completed_with_kickouts"

    @task.sensor(
        poke_interval=5,
        exponential_backoff=True,
        max_wait=timedelta(minutes=2),
        timeout=timedelta(days=5).total_seconds(),
        mode="reschedule",
    )
    def accounts_corrected(result: dict) -> bool:
        with EciHook() as hook:
            note = hook.get_conn().tasks.get(result["task_guid"]).task_note or ""
        return "corrected" in note.lower()

    retry = RetryKickoutsOperator(
        task_id="retry_kickouts",
        task_guid=bills.output["task_guid"],
        batch_settings=into_the_batch,
        import_note="{{ run_id }}",
    )
    close = UpdateBatchStatusOperator(
        task_id="close_batch",
        batch_id=batch.output["batch_id"],
        batch_status="Closed",
        trigger_rule="none_failed_min_one_success",
    )

    [profile, batch] >> bills
    any_kickouts(bills.output) >> accounts_corrected(bills.output) >> retry >> close
    bills >> close


eci_bill_import()
