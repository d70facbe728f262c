"""
Import a month's bills: open a batch, send the file, have kickouts corrected and retried, close the batch.

**What waits, and for what.** If EnergyCAP kicks rows out, the task `accounts_corrected` waits, without a worker,
for a person who

1. corrects in EnergyCAP what the log of `import_bills` names, such as a missing account, and then
2. adds the word "corrected" to the note of the import. The log of `accounts_corrected` names the import each time
   it looks.

The DAG then retries the kickouts, and closes the batch if nothing is left. With `make ui`, the command `make
correct` does what the person does.

**What fails.** Nothing, unless rows are kicked out again: then `retry_kickouts` fails and names them, and the
batch stays open.

**Each run** has a batch of its own, named after the DAG and the run.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import Param, dag, task

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
PROFILE = "NYCHA electric"
# Every kind of run has a run id. A run that is triggered by hand or by an asset has no logical date, and so
# neither {{ ds }} nor {{ ts_nodash }}.
BATCH = "{{ dag.dag_id }} {{ run_id }}"

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

log = logging.getLogger("airflow.task")


@dag(
    schedule="@monthly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
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
def eci_bill_import():
    profile = CreateImportProfileOperator(
        task_id="create_profile",
        profile_code=PROFILE,
        column_mapping=COLUMNS,
        if_exists="keep",
    )
    batch = OpenBatchOperator(
        task_id="open_batch",
        batch_code=BATCH,
        note="Opened by Airflow",
        if_exists="adopt",
    )
    into_the_batch = {"batch_mode": "use existing batch", "existing_open_batch_id": batch.output["batch_id"]}
    bills = ImportBillsOperator(
        task_id="import_bills",
        file="{{ params.file }}",
        profile_code=PROFILE,
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
            found = hook.get_conn().tasks.get(result["task_guid"])
        if "corrected" in (found.task_note or "").lower():
            return True
        log.info(
            "Waiting for 'corrected' in the note of import %s into batch %r. The import ended at %s with %s rows "
            "kicked out; its note is %r.",
            found.task_guid,
            result["batch_code"],
            found.end_date,
            result["kickouts"],
            found.task_note,
        )
        return False

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
