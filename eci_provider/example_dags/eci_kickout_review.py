"""
Import a month's bills, and let a person decide about the kickouts (Airflow 3.1 and newer).

**What waits, and for what.** If EnergyCAP kicks rows out, the task `review` waits, without a worker, for your
answer. Airflow shows the question under *Required Actions*: the import's numbers and the most frequent reasons.
Choose one:

- retry the kickouts, after you have corrected in EnergyCAP what the reasons name, and close the batch;
- accept what came in, and close the batch;
- void the batch.

Without kickouts nobody is asked. Of the bills that come with the example, the look-alike of `make ui` kicks three
out: their buildings and a meter are new. `make correct` enters these there, so that a retry imports them.

**What fails.** Nothing, if somebody answers within five days. A retry that leaves kickouts asks again about them.
The third retry does not: it fails the run, and says why. `docs/kickout-review.md` explains each choice, and what
happens if nobody answers.

**Each run** has a batch of its own, named after the DAG and the run.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from airflow.exceptions import AirflowOptionalProviderFeatureException
from airflow.providers.common.compat.sdk import Param, TaskGroup, dag, task

from eci_provider.api.kickouts.reasons import correct_in
from eci_provider.operators import (
    CreateImportProfileOperator,
    ImportBillsOperator,
    OpenBatchOperator,
    RetryKickoutsOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.retry_policy import eci_default_args

try:
    from airflow.providers.standard.operators.hitl import HITLBranchOperator
except (ImportError, AirflowOptionalProviderFeatureException):
    HITLBranchOperator = None  # Airflow below 3.1 cannot ask a person, so the file defines no DAG there

BILLS = Path(__file__).parent / "data" / "new_buildings.csv"
PROFILE = "NYCHA electric, reviewed"
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

REPORT = "{{ params.reports }}/{{ dag.dag_id }}/{{ run_id }}"
# A retry that leaves kickouts asks a new question.
QUESTIONS = 3
RETRY, ACCEPT, VOID = "Retry the kickouts", "Accept what came in", "Void the batch"
CHOICES = f"""
* **{RETRY}** imports the same rows again and closes the batch. First correct in EnergyCAP what the reasons name.
  A row that is wrong in the file itself is kicked out again: import it from a corrected file, in a run of its own.
* **{ACCEPT}** closes the batch. The kicked-out rows are not imported.
* **{VOID}** sets the batch Pending: no bill in it counts.
"""


log = logging.getLogger("airflow.task")


def as_code(text: str) -> str:
    """Return Markdown that shows a text literally, so that it cannot become a table row, a link or HTML."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', '¦') or '(nothing)'}`"


def count_text(count: int | None) -> str:
    return "an unknown number of" if count is None else str(count)


def subject_of(result: dict) -> str:
    imported, kickouts = count_text(result["imported"]), count_text(result["kickouts"])
    bills = f"{result['voided']} bills are void" if result["voided"] else f"{imported} bills imported"
    return f"Batch {result['batch_code']}: {kickouts} rows kicked out, {bills}"


def body_of(result: dict) -> str:
    reasons = [
        f"| {item['rows']} | {as_code(item['message'])} | {correct_in(item['message'])} |"
        for item in result["kickout_messages"]
    ]
    parts = [
        "\n".join(["| Rows | Reason | Correct in |", "|---:|---|---|", *reasons]),
        f"The most frequent reasons. Every row is in {as_code(str(result.get('kickout_report')))}.",
        CHOICES,
    ]
    if result["voided"]:
        void = (
            f"Its **{result['voided']}** bills are void until it is opened or closed; the first two choices do so."
        )
        parts.insert(0, f"EnergyCAP set the batch Pending because of the kickouts. {void}")
    return "\n\n".join(parts)


@dag(
    schedule="@monthly",
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
        "reports": Param(
            "/tmp/eci_kickouts",
            type="string",
            title="Folder for the kickout reports",
            description="A path that the analysts can open, or a URL such as s3://bills/kickouts.",
        ),
    },
    tags=["energycap"],
    doc_md=__doc__,
)
def eci_kickout_review():
    profile = CreateImportProfileOperator(
        task_id="create_profile", profile_code=PROFILE, column_mapping=COLUMNS, if_exists="keep"
    )
    batch = OpenBatchOperator(task_id="open_batch", batch_code="{{ dag.dag_id }} {{ run_id }}", if_exists="adopt")
    batch_id = batch.output["batch_id"]
    into_the_batch = {"batch_mode": "use existing batch", "existing_open_batch_id": batch_id}
    bills = ImportBillsOperator(
        task_id="import_bills",
        file="{{ params.file }}",
        profile_code=PROFILE,
        batch_settings=into_the_batch,
        on_kickouts="warn",
        kickout_report=f"{REPORT}.csv",
        deferrable=True,
    )

    close = UpdateBatchStatusOperator(
        task_id="close_batch",
        batch_id=batch_id,
        batch_status="Closed",
        trigger_rule="none_failed_min_one_success",
    )

    @task.branch
    def kickouts_left(result: dict, review: str, ti=None) -> str:
        if result["outcome"] != "completed_with_kickouts":
            return "close_batch"
        ti.xcom_push("subject", subject_of(result))
        ti.xcom_push("body", body_of(result))
        log.info("Asking a person under Required Actions, for at most 5 days: %s.", subject_of(result))
        return review

    [profile, batch] >> bills
    result = bills.output
    for number in range(1, QUESTIONS + 1):
        with TaskGroup(f"question_{number}") as question:
            left = kickouts_left(result, question.child_id("review"))
            review = HITLBranchOperator(
                task_id="review",
                subject=left["subject"],
                body=left["body"],
                options=[RETRY, ACCEPT, VOID],
                options_mapping={
                    RETRY: question.child_id("open_batch_again"),
                    ACCEPT: "close_batch",
                    VOID: question.child_id("void_batch"),
                },
                # Without an answer the task fails with Airflow's HITLTimeoutError, and is not retried.
                response_timeout=timedelta(days=5),
                retries=0,
                # Set assigned_users=[{"id": "analyst", "name": "analyst"}] to let only these users answer.
            )
            # With MarkBatchPending, kickouts have set the batch Pending. A batch that is open already is left
            # alone, and so are the key owner's other open batches.
            reopen = UpdateBatchStatusOperator(
                task_id="open_batch_again", batch_id=batch_id, batch_status="Open", leave_open_batches_as_is=True
            )
            retry = RetryKickoutsOperator(
                task_id="retry_kickouts",
                task_guid=result["task_guid"],
                batch_settings=into_the_batch,
                max_rounds=3,
                on_kickouts="warn" if number < QUESTIONS else "fail",
                kickout_report=f"{REPORT}-retry-{number}.csv",
                deferrable=True,
            )
            void = UpdateBatchStatusOperator(task_id="void_batch", batch_id=batch_id, batch_status="Pending")
        left >> [review, close]
        review >> [reopen, close, void]
        reopen >> retry
        result = retry.output
    retry >> close


if HITLBranchOperator:
    eci_kickout_review()
