"""A sensor that starts in the triggerer: Airflow renders there what it waits for."""

from __future__ import annotations

from eci_provider.sandbox import Sandbox
from tests.sensors.test_start import needs_start
from tests.support.hub import imports
from tests.support.triggerer import run_in_triggerer

SCRIPT = """
import asyncio, json, uuid
from datetime import datetime, timezone
from airflow.executors.workloads import RunTrigger
from airflow.executors.workloads.task import TaskInstanceDTO
from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.models.trigger import Trigger
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from eci_provider.sensors import EciTaskSensor

NAMES = ["literal", "param", "variable", "conf", "nothing"]

def stored_dag(guid):
    with DAG("dag", schedule=None, params={"guid": guid}) as dag:
        shared = {"deferrable": True, "timeout": 3600}
        EciTaskSensor(task_id="literal", task_guid=guid, **shared)
        EciTaskSensor(task_id="param", task_guid="{{ params.guid }}", **shared)
        EciTaskSensor(task_id="variable", task_guid="{{ var.value.guid }}", **shared)
        EciTaskSensor(task_id="conf", task_guid="{{ dag_run.conf['guid'] }}", **shared)
        EciTaskSensor(task_id="nothing", task_guid="{{ dag_run.conf.no.such }}", **shared)
    return json.loads(json.dumps(DagSerialization.to_dict(dag)))

def workload(number, stored, guid, now):
    arguments = DagSerialization.from_dict(stored).get_task(NAMES[number]).start_trigger_args
    run = {"dag_id": "dag", "run_id": "run", "logical_date": now, "data_interval_start": now,
           "data_interval_end": now, "run_after": now, "start_date": now, "end_date": None, "run_type": "manual",
           "state": "running", "conf": {"guid": guid}, "consumed_asset_events": [], "partition_key": None}
    instance = TaskInstanceDTO(
        id=uuid.uuid4(), dag_version_id=uuid.uuid4(), task_id=NAMES[number], dag_id="dag", run_id="run",
        try_number=1, map_index=-1, pool_slots=1, queue="default", priority_weight=1,
    )
    return RunTrigger(
        id=number, classpath=arguments.trigger_cls,
        encrypted_kwargs=Trigger.encrypt_kwargs(arguments.trigger_kwargs),
        ti=instance, timeout_after=now + arguments.timeout, dag_data=stored, dag_run_data=run,
    )

async def main(arguments):
    (guid,), now = arguments, datetime.now(timezone.utc)
    stored = stored_dag(guid)
    runner = TriggerRunner()
    runner.to_create.extend(workload(number, stored, guid, now) for number in range(len(NAMES)))
    await runner.create_triggers()
    await asyncio.wait([details["task"] for details in runner.triggers.values()], timeout=120)
    return {NAMES[entry.trigger_id]: entry.event.payload for entry in runner.events}
"""


@needs_start
def test_a_triggerer_renders_what_the_sensor_waits_for(eci_sandbox: Sandbox) -> None:
    (guid,) = imports(eci_sandbox, 1, last=0)

    events, _ = run_in_triggerer(SCRIPT, eci_sandbox, guid)

    found = {name: event.get("found", {}).get("task_guid") for name, event in events.items()}
    assert found == {**dict.fromkeys(("literal", "param", "variable", "conf"), guid), "nothing": None}
    # A worker renders what could not be rendered, and says what is wrong with it.
    assert events["nothing"]["type"] == "EciValidationError"
