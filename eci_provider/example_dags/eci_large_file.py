"""
Import a long bill file: check it, split it into files of 5,000 rows, and import these in parallel into one
batch.

Trigger it with `{"file": "s3://bills/long.csv"}`. Workers on several machines need folders that all of them can
read. `python example_dags/data/make_large_file.py bills.csv` writes a file of 50,000 rows to try it with.

The check fails before anything is sent if rows would be kicked out for their form. No bill is divided between
two parts. Each import writes its kickouts into a report of its own. Correct in EnergyCAP what the report names,
then add "corrected" to the import's note there: the DAG then retries its kickouts. It closes the batch only if
nothing is left.

All imports share one batch, so EnergyCAP must be set to ProcessValidBills. With MarkBatchPending the first
kickout sets the batch Pending, and the imports after it are refused.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import dag, task

from eci_provider.hooks.eci import EciHook
from eci_provider.operators import (
    CheckBillFileOperator,
    CreateImportProfileOperator,
    ImportBillsOperator,
    OpenBatchOperator,
    RetryKickoutsOperator,
    SplitBillFileOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.retry_policy import eci_default_args

PROFILE = "NYCHA electric by name"
RUN = "{{ (dag_run.logical_date or dag_run.run_after) | ts_nodash }}"
FILE = "{{ (dag_run.conf or {}).get('file') or var.value.get('eci_large_file', 'bills.csv') }}"
PARTS = f"{{{{ var.value.get('eci_bill_parts', '/tmp/eci_parts') }}}}/{RUN}"
REPORTS = f"{{{{ var.value.get('eci_kickout_reports', '/tmp/eci_kickouts') }}}}/{RUN}"

# Columns by their names in the file's header. Use the observation types and units of your EnergyCAP.
COLUMNS = {
    "sample_file": FILE,
    "date_format": "mm/dd/yyyy",
    "account_code": "Building ID",
    "start_date": "Service Start Date",
    "end_date": "Service End Date",
    "meter_code": "Meter Number",
    "observations": [
        {"column": "Consumption (KWH)", "observation_type_code": "USE", "unit_code": "KWH"},
        {"column": "KWH Charges", "observation_type_code": "COST", "unit_code": "USD"},
        {"column": "Consumption (KW)", "observation_type_code": "DEMAND", "unit_code": "KW"},
        {"column": "KW Charges", "observation_type_code": "COST", "unit_code": "USD"},
        {"column": "Other charges", "observation_type_code": "COST", "unit_code": "USD"},
    ],
}


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args=eci_default_args(),
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_large_file():
    check = CheckBillFileOperator(task_id="check_file", file=FILE, column_mapping=COLUMNS)
    split = SplitBillFileOperator(task_id="split_file", file=FILE, column_mapping=COLUMNS, destination=PARTS)
    profile = CreateImportProfileOperator(
        task_id="create_profile", profile_code=PROFILE, column_mapping=COLUMNS, if_exists="replace"
    )
    batch = OpenBatchOperator(task_id="open_batch", batch_code=f"NYCHA electric {RUN}", if_exists="adopt")
    into_the_batch = {"batch_mode": "use existing batch", "existing_open_batch_id": batch.output["batch_id"]}
    imports = ImportBillsOperator.partial(
        task_id="import_parts",
        profile_code=PROFILE,
        batch_settings=into_the_batch,
        import_note="{{ run_id }}",
        on_kickouts="warn",
        kickout_report=f"{REPORTS}/part-{{{{ ti.map_index }}}}.csv",
        deferrable=True,
        max_active_tis_per_dag=4,
    ).expand(file=split.output)

    @task
    def with_kickouts(results: list[dict]) -> list[str]:
        return [result["task_guid"] for result in results if result["outcome"] == "completed_with_kickouts"]

    @task.sensor(
        poke_interval=5,
        exponential_backoff=True,
        max_wait=timedelta(minutes=2),
        timeout=timedelta(days=5).total_seconds(),
        mode="reschedule",
    )
    def corrected(task_guid: str) -> bool:
        with EciHook() as hook:
            note = hook.get_conn().tasks.get(task_guid).task_note or ""
        return "corrected" in note.lower()

    # Without kickouts these two expand to nothing, and are skipped.
    kicked_out = with_kickouts(imports.output)
    retries = RetryKickoutsOperator.partial(
        task_id="retry_kickouts",
        batch_settings=into_the_batch,
        import_note="{{ run_id }}",
        kickout_report=f"{REPORTS}/retry-{{{{ ti.map_index }}}}.csv",
        deferrable=True,
        max_active_tis_per_dag=4,
    ).expand(task_guid=kicked_out)
    close = UpdateBatchStatusOperator(
        task_id="close_batch",
        batch_id=batch.output["batch_id"],
        batch_status="Closed",
        trigger_rule="none_failed_min_one_success",
    )

    check >> split >> [profile, batch] >> imports
    corrected.expand(task_guid=kicked_out) >> retries >> close
    imports >> close


eci_large_file()
