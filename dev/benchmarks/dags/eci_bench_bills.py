"""DAG of `make bench ONLY=bills`: open a batch, import a file, close the batch."""

from __future__ import annotations

import os
from datetime import datetime

from airflow.sdk import dag

from eci_provider.operators import ImportBillsOperator, OpenBatchOperator, UpdateBatchStatusOperator


@dag(schedule=None, start_date=datetime(2026, 1, 1))
def eci_bench_bills():
    batch = OpenBatchOperator(task_id="open_batch", batch_code=os.environ["BENCH_BATCH"])
    bills = ImportBillsOperator(
        task_id="import_bills",
        file=os.environ["BENCH_FILE"],
        batch_settings={"batch_mode": "use existing batch", "existing_open_batch_id": batch.output["batch_id"]},
    )
    close = UpdateBatchStatusOperator(
        task_id="close_batch", batch_id=batch.output["batch_id"], batch_status="Closed"
    )
    bills >> close


eci_bench_bills()
