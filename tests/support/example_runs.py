"""
Run example DAGs in each kind of run: ``python example_runs.py FILE...``, with an Airflow database.

It parses each file alone, sends its DAG through the scheduler's form and back, and runs it by ``DAG.test``,
one DAG after the other in each kind. Runs of one kind have the same run id, whichever DAG it is. Inputs are
the defaults, but for folders, which are in the working directory. It prints a line of JSON for each run, and
fails if parsing warns of anything in a file or in the package.
"""

from __future__ import annotations

import inspect
import json
import sys
import time
import warnings
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest.mock import patch

from airflow import __version__ as airflow_version
from airflow.models.dagrun import DagRun
from airflow.utils.types import DagRunType

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
try:
    from airflow.serialization.definitions.dag import SerializedDAG as SchedulerDag
except ImportError:
    from airflow.models.dag import DAG as SchedulerDag  # noqa: N811

#: The kinds of runs whose logical date Airflow 3 sets; the others have none. Airflow 2 sets it for each.
DATED = ("scheduled", "backfill")


def kinds() -> list[DagRunType]:
    """Return the kinds of runs that this Airflow knows and that run a DAG's tasks."""
    return [kind for kind in DagRunType if kind.value != "asset_materialization"]


def parsed(file: str) -> Any:
    """Return the DAG of a file, parsed alone, after its way through the scheduler's form and back."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bag = DagBag(file)
    ours = [str(found.message) for found in caught if "eci_provider" in str(found.filename)]
    if ours or bag.import_errors:
        raise SystemExit(f"{file}: {ours} {bag.import_errors}")
    (dag,) = bag.dags.values()
    if {task.task_id for task in _there_and_back(dag).tasks} != set(dag.task_ids):
        raise SystemExit(f"{file}: the scheduler's form of the DAG has other tasks")
    return dag


def _there_and_back(dag: Any) -> Any:
    try:
        from airflow.serialization.serialized_objects import DagSerialization as Form
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as Form
    to, back = (getattr(Form, name, None) for name in ("serialize_dag", "deserialize_dag"))
    return back(to(dag)) if to and back else Form.from_dict(Form.to_dict(dag))


def run(dag: Any, kind: DagRunType, number: int) -> dict[str, Any]:
    """Run a DAG as if Airflow had started the run for a reason, and return what became of it."""
    create = SchedulerDag.create_dagrun

    def run_id(*_: Any, **__: Any) -> str:
        return f"{kind.value}__{date.isoformat()}"

    def of_kind(self: Any, *arguments: Any, **named: Any) -> DagRun:
        return create(self, *arguments, **{**named, "run_type": kind})

    date = datetime(2026, number, 1, tzinfo=timezone.utc)
    if "logical_date" not in inspect.signature(dag.test).parameters:
        dates = {"execution_date": date}
    else:
        dates = {"logical_date": date if kind.value in DATED else None}
    conf = {name: str(Path.cwd() / name) for name in ("parts", "reports") if name in dag.params}
    # `DAG.test` pauses for a second when a task has just become ready; nothing else pauses here.
    quick = patch("time.sleep", lambda seconds, sleep=time.sleep: sleep(min(seconds, 0.02)))
    with (
        quick,
        patch.object(DagRun, "generate_run_id", run_id),
        patch.object(SchedulerDag, "create_dagrun", of_kind),
    ):
        found = dag.test(**dates, run_conf=conf)
    return {
        "dag": dag.dag_id,
        "kind": kind.value,
        "run_id": found.run_id,
        "state": str(getattr(found.state, "value", found.state)),
        "has_date": airflow_version.startswith("2.") or found.logical_date is not None,
        "failed": [ti.task_id for ti in found.get_task_instances() if ti.state in ("failed", "upstream_failed")],
    }


if __name__ == "__main__":
    examples = [parsed(file) for file in sys.argv[1:]]
    for number, kind in enumerate(kinds(), start=1):
        for example in examples:
            print("RUN " + json.dumps(run(example, kind, number)), flush=True)
