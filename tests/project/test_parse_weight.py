"""Parsing a DAG file costs little: neither the HTTP library nor our models are loaded by imports."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("requests", "urllib3", "eci_provider.api.models", "eci_provider.api.client", "fastapi", "openpyxl")
ALL = "import eci_provider.operators, eci_provider.sensors, eci_provider.triggers, eci_provider.notifications"
CREATE = """
from datetime import datetime
from airflow.providers.common.compat.sdk import DAG
from eci_provider.operators import *
from eci_provider.sensors import *
from eci_provider.notifications import EciKickoutNotifier
with DAG("d", schedule=None, start_date=datetime(2026, 1, 1), on_failure_callback=EciKickoutNotifier(print)):
    OpenBatchOperator(task_id="open", batch_code="c")
    ImportBillsOperator(task_id="import", file="bills.csv", batch_settings={"batch_mode": "new batch"})
    RetryKickoutsOperator(task_id="retry", task_guid="123e4567-e89b-12d3-a456-426614174000")
    UpdateBatchStatusOperator(task_id="close", batch_id=1, batch_status="Closed")
    EciTaskSensor(task_id="task", task_guid="123e4567-e89b-12d3-a456-426614174000")
    EciBatchSensor(task_id="batch", batch_id=1, batch_status="Closed")
"""
# What Airflow does with a DAG file: it makes a DAG, and writes it down for the scheduler. It does so for a task of
# its own first, since what that loads is none of our doing.
SERIALIZE = """
import json
from datetime import datetime, timedelta
from airflow.providers.common.compat.sdk import DAG
try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

def serialized(tasks):
    with DAG("d", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
        for number in range(tasks):
            for kind, arguments in KINDS:
                kind(task_id=f"{kind.__name__}_{number}", **arguments)
    written = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    return len(written["dag"]["tasks"])

KINDS = [(BaseOperator, {})]
assert serialized(1) == 1
before = {name for name in sys.modules if not name.startswith("eci_provider")}
from eci_provider.operators import *
from eci_provider.sensors import *
guid = "123e4567-e89b-12d3-a456-426614174000"
KINDS = [
    (OpenBatchOperator, {"batch_code": "{{ ds }}"}),
    (ImportBillsOperator, {"file": "bills.csv", "deferrable": True, "timeout": timedelta(hours=1)}),
    (RetryKickoutsOperator, {"task_guid": guid}),
    (UpdateBatchStatusOperator, {"batch_id": 1, "batch_status": "Closed"}),
    (CreateImportProfileOperator, {"profile_code": "p", "column_mapping": "{{ var.json.columns }}"}),
    (CheckBillFileOperator, {"file": "bills.csv", "profile_code": "p"}),
    (EciTaskSensor, {"task_guid": guid, "deferrable": True}),
    (EciBatchSensor, {"batch_id": 1, "batch_status": "Closed"}),
]
assert serialized(125) == 1000
from eci_provider.get_provider_info import get_provider_info
json.dumps(get_provider_info())
"""


def _loaded(statements: str) -> set[str]:
    """Return which modules a new interpreter loads for some statements, above Airflow's own."""
    script = f"""
import sys
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator, BaseOperatorLink, conf
import airflow.triggers.base
before = set(sys.modules)
{statements}
print("\\n".join(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-3000:]
    return set(done.stdout.splitlines())


def test_importing_loads_nothing_heavy() -> None:
    loaded = _loaded(ALL)

    assert "eci_provider.operators.bill_import" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_making_tasks_never_loads_the_http_library() -> None:
    loaded = _loaded(CREATE)

    assert "eci_provider.api.models" in loaded
    assert loaded.isdisjoint({"requests", "urllib3", "eci_provider.api.client"})


def test_a_dag_of_a_thousand_tasks_is_written_down_without_the_http_library() -> None:
    loaded = _loaded(SERIALIZE)

    assert {"eci_provider.operators.kickouts", "eci_provider.get_provider_info"} <= loaded
    assert loaded.isdisjoint(
        {"requests", "urllib3", "eci_provider.api.transport.session", "eci_provider.hooks.eci", "fastapi"}
    )


def test_the_metadata_loads_nothing_of_ours() -> None:
    script = """
import sys
from eci_provider.get_provider_info import get_provider_info
get_provider_info()
families = ("eci_provider", "requests", "airflow")
print("\\n".join(sorted(name for name in sys.modules if name.split(".")[0] in families)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == ["eci_provider", "eci_provider.get_provider_info"]
