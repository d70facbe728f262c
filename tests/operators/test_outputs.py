"""``task.output[...]``: what operators and sensors pass on, and how Airflow keeps and resolves it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, XComArg

import eci_provider.operators
import eci_provider.sensors
from eci_provider.api.errors import EciValidationError
from eci_provider.operators import (
    CheckBillFileOperator,
    CreateImportProfileOperator,
    ImportBillsOperator,
    KickoutReportOperator,
    OpenBatchOperator,
    PrepareBillFileOperator,
    RetryKickoutsOperator,
    SplitBillFileOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciBatchSensor, EciTaskSensor
from tests.support.bill_files import MAPPING
from tests.support.run_task import Finished, TaskInstanceDouble, run
from tests.support.waiting_tasks import bill_file

TASKS: list[Any] = [
    *(getattr(eci_provider.operators, name) for name in eci_provider.operators.__all__),
    *(getattr(eci_provider.sensors, name) for name in eci_provider.sensors.__all__),
]
#: Keys of XComs that are not part of what a task returns.
INTERNAL = {"return_value", "eci_link", "eci_kickout_report_link", "rounds", "reattached"}


#: The recipe of a file that is in Advanced format.
ADVANCED = {
    "dates": "yyyymmdd",
    "account_code": 1,
    "start_date": 2,
    "end_date": 3,
    "amounts": {"COST:USD:Charges": 6},
}


@pytest.mark.parametrize("cls", TASKS, ids=lambda cls: cls.__name__)
def test_type_checkers_know_the_same_keys(cls: Any) -> None:
    annotation = vars(cls).get("__annotations__", {}).get("output", "TaskOutput[Any]")

    assert tuple(re.findall(r"['\"](\w+)['\"]", annotation)) == cls.output_keys


@pytest.fixture
def import_with_kickouts(sandbox: Sandbox, tmp_path: Path) -> Finished:
    """Return how a task ended whose import had a kickout."""
    sandbox.add_account("A-1")
    file, report = bill_file(tmp_path, "A-1", "A-2"), tmp_path / "kickouts.csv"
    return run(
        ImportBillsOperator(task_id="import_bills", file=str(file), on_kickouts="warn", kickout_report=str(report))
    )


def test_each_key_is_an_xcom_of_its_own_and_none_is_empty(
    import_with_kickouts: Finished, sandbox: Sandbox, tmp_path: Path
) -> None:
    guid, batch_id = (import_with_kickouts.result[name] for name in ("task_guid", "batch_id"))
    file, report = bill_file(tmp_path, "A-1"), str(tmp_path / "report.csv")
    tasks: list[Any] = [
        OpenBatchOperator(task_id="open", batch_code="January"),
        UpdateBatchStatusOperator(task_id="close", batch_id=batch_id, batch_status="Closed"),
        CreateImportProfileOperator(task_id="profile", profile_code="P", column_mapping=MAPPING),
        RetryKickoutsOperator(task_id="retry", task_guid=guid, on_kickouts="warn", kickout_report=report),
        KickoutReportOperator(task_id="report", task_guid=guid, path=report),
        CheckBillFileOperator(task_id="check", file=str(file), on_problems="warn", report=report),
        PrepareBillFileOperator(
            task_id="prepare", file=str(file), to=str(tmp_path / "prepared.csv"), recipe=ADVANCED, report=report
        ),
        EciTaskSensor(task_id="wait", task_guid=guid, on_kickouts="warn"),
        EciBatchSensor(task_id="closed", batch_id=batch_id, batch_status="Closed"),
    ]
    assert {type(task) for task in tasks} == set(TASKS) - {ImportBillsOperator, SplitBillFileOperator}

    for kind, end in [(ImportBillsOperator, import_with_kickouts), *((type(task), run(task)) for task in tasks)]:
        assert end.state == "success", end.error
        assert set(end.xcoms) - INTERNAL == set(kind.output_keys)
        assert {key: end.xcoms[key] for key in kind.output_keys} == {
            key: end.result[key] for key in kind.output_keys
        }
        assert None not in end.xcoms.values()


def test_what_is_not_known_is_no_xcom(sandbox: Sandbox, tmp_path: Path) -> None:
    file = str(bill_file(tmp_path, "A-1"))

    checked = run(CheckBillFileOperator(task_id="check", file=file))
    imported = run(ImportBillsOperator(task_id="import_bills", file=file, wait_for_completion=False))

    assert set(checked.xcoms) - INTERNAL == {"file"}
    assert set(imported.xcoms) - INTERNAL == {"task_guid", "batch_id", "batch_code"}


def test_a_task_that_fails_passes_its_import_and_batch_on(import_with_kickouts: Finished) -> None:
    end = run(RetryKickoutsOperator(task_id="retry", task_guid=import_with_kickouts.result["task_guid"]))

    assert end.state == "failed"
    assert [end.xcoms[key] for key in ("task_guid", "batch_id")] == [
        end.result[key] for key in ("task_guid", "batch_id")
    ]


def test_a_key_that_is_no_xcom_is_refused_when_the_dag_is_parsed() -> None:
    task = OpenBatchOperator(task_id="open", batch_code="January")

    with pytest.raises(EciValidationError) as caught:
        task.output["bill_count"]  # type: ignore[index]

    assert str(caught.value) == (
        "OpenBatchOperator 'open': output[\"bill_count\"] is no XCom of its own: pass on "
        'output["batch_id"], output["batch_code"]; or use '
        "\"{{ ti.xcom_pull(task_ids='open')['bill_count'] }}\" in a template"
    )
    with pytest.raises(EciValidationError, match="pass on output as a whole"):
        SplitBillFileOperator(task_id="split", file="b.csv", destination="d").output["path"]


def test_a_subclass_may_push_more_and_so_does_airflow_with_multiple_outputs() -> None:
    class Opened(OpenBatchOperator):
        """A user's own."""

    assert Opened(task_id="open", batch_code="A").output["mine"].key == "mine"  # type: ignore[attr-defined, index]
    task = OpenBatchOperator(task_id="open", batch_code="A", multiple_outputs=True)
    assert task.output["bill_count"].key == "bill_count"  # type: ignore[attr-defined, index]


def _dag() -> DAG:
    """Return a DAG in which results are passed on whole and in parts, also to mapped tasks."""
    with DAG("dag", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
        batch = OpenBatchOperator(task_id="open", batch_code="January")
        parts = SplitBillFileOperator(task_id="split", file="bills.csv", destination="parts")
        settings = {"batch_mode": "use existing batch", "existing_open_batch_id": batch.output["batch_id"]}
        ImportBillsOperator.partial(task_id="import", batch_settings=settings).expand(file=parts.output)
        UpdateBatchStatusOperator(task_id="close", batch_id=batch.output["batch_id"], batch_status="Closed")
    return dag


def test_airflow_keeps_the_references_and_what_follows_from_them() -> None:
    try:
        from airflow.serialization.serialized_objects import DagSerialization
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

    dag = _dag()
    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    again = DagSerialization.from_dict(stored)

    upstream = {task.task_id: set(task.upstream_task_ids) for task in again.tasks}
    assert upstream == {"open": set(), "split": set(), "import": {"open", "split"}, "close": {"open"}}


def test_a_reference_is_resolved_when_the_task_runs() -> None:
    dag = _dag()
    close: Any = dag.get_task("close")
    assert isinstance(close.batch_id, XComArg)
    instance: Any = TaskInstanceDouble(close, xcoms={"batch_id": 7})
    instance.get_relevant_upstream_map_indexes = lambda *_, **__: None  # Airflow 2 asks for it

    close.render_template_fields({"ti": instance, "task": close, "params": {}, "expanded_ti_count": None})

    assert close.batch_id == 7
