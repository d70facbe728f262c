"""
Import a long bill file: check it, split it into parts, and import these one after the other into one batch.

The check fails before anything is sent if rows would be kicked out for their form. No bill is divided between two
parts, and the bills of one account are in one part where they fit. The parts are imported in their order, since
EnergyCAP moves a start to the end of the bill before, if that bill is there already. Each import writes its
kickouts into a report of its own. The batch is named after the DAG and the run.

**What waits, and for what.** Each instance of `import_parts` waits, in a worker, until its import has ended, and
the next one follows: a deferred task would not count, and the next part would be sent beside it.
If EnergyCAP kicks rows out, an instance of `corrected` waits for each import that has kickouts, until a person has

1. corrected in EnergyCAP what the report names, and then
2. added the word "corrected" to the note of the import. The log of `corrected` names the import each time it
   looks.

The DAG then retries the kickouts, and closes the batch if nothing is left. With `make ui`, the command `make
correct` does what the person does.

**What fails.** Nothing with the file that comes with the example. `check_file` fails for a file with errors, and
`retry_kickouts` if rows are kicked out again.

**A file of your own.** Workers on several machines need folders that all of them can read. `python -m
eci_provider.example_dags.data.make_large_file bills.csv` writes a file of 50,000 rows to try it with; its
buildings must be in EnergyCAP.

All imports share one batch, so EnergyCAP must be set to ProcessValidBills. With MarkBatchPending the first kickout
sets the batch Pending, and the imports after it are refused.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import Param, dag, task

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

BILLS = Path(__file__).parent / "data" / "long_electric_bills.csv"
PROFILE = "NYCHA electric by name"
FILE = "{{ params.file }}"
PARTS = "{{ params.parts }}/{{ dag.dag_id }}/{{ run_id }}"
REPORTS = "{{ params.reports }}/{{ dag.dag_id }}/{{ run_id }}"

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

log = logging.getLogger("airflow.task")


@dag(
    schedule=None,
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
            description="A path that the workers can read, or a URL such as s3://bills/long.csv.",
        ),
        "rows_per_file": Param(
            50,
            type="integer",
            minimum=1,
            title="Rows of a part",
            description="5,000 suit a long file; 50 make three parts of the one that comes with the example.",
        ),
        "parts": Param(
            "/tmp/eci_parts",
            type="string",
            title="Folder for the parts",
            description="Each run makes a folder of its own in it. A path that all workers share, or a URL.",
        ),
        "reports": Param(
            "/tmp/eci_kickouts",
            type="string",
            title="Folder for the kickout reports",
            description="Each run makes a folder of its own in it. A path that the analysts can open, or a URL.",
        ),
    },
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_large_file():
    check = CheckBillFileOperator(task_id="check_file", file=FILE, column_mapping=COLUMNS)
    split = SplitBillFileOperator(
        task_id="split_file",
        file=FILE,
        column_mapping=COLUMNS,
        rows_per_file="{{ params.rows_per_file }}",
        destination=PARTS,
    )
    profile = CreateImportProfileOperator(
        task_id="create_profile", profile_code=PROFILE, column_mapping=COLUMNS, if_exists="replace"
    )
    batch = OpenBatchOperator(task_id="open_batch", batch_code="{{ dag.dag_id }} {{ run_id }}", if_exists="adopt")
    into_the_batch = {"batch_mode": "use existing batch", "existing_open_batch_id": batch.output["batch_id"]}
    imports = ImportBillsOperator.partial(
        task_id="import_parts",
        profile_code=PROFILE,
        batch_settings=into_the_batch,
        import_note="{{ run_id }}",
        on_kickouts="warn",
        kickout_report=f"{REPORTS}/part-{{{{ ti.map_index }}}}.csv",
        deferrable=False,
        max_active_tis_per_dagrun=1,
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
            found = hook.get_conn().tasks.get(task_guid)
        if "corrected" in (found.task_note or "").lower():
            return True
        log.info(
            "Waiting for 'corrected' in the note of import %s. It ended at %s with kickouts; its note is %r.",
            task_guid,
            found.end_date,
            found.task_note,
        )
        return False

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
