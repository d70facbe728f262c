"""What a cluster policy makes of a task's callbacks does not change what a clear does."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from eci_provider.operators import ImportBillsOperator, RetryKickoutsOperator
from tests.support.cluster_policy import loaded_task, task_policy
from tests.support.run_task import Tries
from tests.support.submissions import Scene

DAG_FILE = """
from airflow.providers.common.compat.sdk import DAG
from eci_provider.operators import ImportBillsOperator

with DAG("monthly", schedule=None):
    ImportBillsOperator(task_id="import_bills", file={file!r}, poll_interval=10)
    ImportBillsOperator.partial(task_id="mapped", poll_interval=10).expand(file=[{file!r}])
"""
POLICY = """
called = []

def notify(context):
    called.append("notify")

def audited(callback):
    def call(context):
        called.append("audit")
        return callback(context)
    return call

def task_policy(task):
    {policy}
"""
#: What a policy does, and what it calls at a success. A mapped task has no callback of ours to replace.
POLICIES = [
    ("task.on_success_callback = None", [], []),
    ("task.on_success_callback = []", [], []),
    ("task.on_success_callback = notify", ["notify"], ["notify"]),
    ("task.on_success_callback = [notify]", ["notify"], ["notify"]),
    ("task.on_success_callback = (notify, notify)", ["notify"] * 2, ["notify"] * 2),
    ("task.on_success_callback = [audited(each) for each in task.on_success_callback or ()]", ["audit"], []),
    ("task.on_success_callback = [*(task.on_success_callback or ()), notify]", ["notify"], ["notify"]),
    ("(task.on_success_callback or []).append(notify)", ["notify"], None),
    ("(task.on_success_callback or []).clear()", [], []),
]


@pytest.fixture
def dag_file(scene: Scene, tmp_path: Path) -> Path:
    """Return a DAG file with a task that imports a file, and a mapped one."""
    file = tmp_path / "dags" / "monthly.py"
    file.parent.mkdir()
    file.write_text(DAG_FILE.format(file=str(scene.path)))
    return file


@pytest.mark.parametrize(("policy", "called", "of_mapped"), POLICIES, ids=[policy[0] for policy in POLICIES])
@pytest.mark.parametrize("is_mapped", [False, True])
def test_a_success_that_is_cleared_is_imported_again(
    is_mapped: bool,
    policy: str,
    called: list[str],
    of_mapped: list[str] | None,
    dag_file: Path,
    scene: Scene,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = (of_mapped or []) if is_mapped else called

    def task() -> Any:
        if is_mapped:
            return loaded_task(dag_file, "mapped").unmap({"file": str(scene.path)})
        return loaded_task(dag_file, "import_bills")

    with task_policy(monkeypatch, tmp_path, POLICY.format(policy=policy)) as module:
        tries = Tries(task)
        first = tries.run()
        tries.clear()
        second = tries.run()

    assert (first.state, second.state) == ("success", "success"), (first.error, second.error)
    assert second.result["reattached"] is False
    assert scene.submits == 2
    assert module.called == called * 2


def test_the_generation_moves_once_though_a_policy_calls_the_callback_twice(
    dag_file: Path, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = "task.on_success_callback = [audited(each) for each in task.on_success_callback or ()]"

    with task_policy(monkeypatch, tmp_path, POLICY.format(policy=twice)):
        tries = Tries(lambda: loaded_task(dag_file, "import_bills"))
        guid = tries.run().result["task_guid"]

    assert tries.state.records == {"eci_submission": {"generation": 1, "earlier": [guid]}}


def _pickled(task: Any) -> Any:
    return pickle.loads(pickle.dumps(task))  # noqa: S301


@pytest.mark.parametrize("kind", [ImportBillsOperator, RetryKickoutsOperator])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, _pickled])
def test_a_copy_of_a_task_keeps_its_callbacks(kind: Any, copied: Any) -> None:
    given = {"file": "bills.csv"} if kind is ImportBillsOperator else {"task_guid": "{{ params.guid }}"}
    task = kind(task_id="task", on_success_callback=print, **given)

    other = copied(task)

    assert list(other.on_success_callback) == list(task.on_success_callback)
    assert other.on_success_callback[1:] == [print]
    other.on_success_callback = None
    assert task.on_success_callback[1:] == [print]
    assert len(other.on_success_callback) == 1


@pytest.mark.parametrize("recorded", ["failed", "up_for_retry", "running", None])
def test_a_success_that_airflow_did_not_record_is_no_reason_to_import_again(recorded: Any, scene: Scene) -> None:
    """Airflow calls the callback also where its API server refuses the success: the task was marked meanwhile."""
    tries = scene.tries()
    assert tries.run(recorded=recorded).state == "success"
    tries.clear()

    end = tries.run()

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.bills_once()
