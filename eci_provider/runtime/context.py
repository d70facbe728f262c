"""What Airflow's context says about the running task instance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eci_provider.core import clock

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

#: The XCom key of what a task returns.
RETURN_VALUE = "return_value"


def map_index(instance: Any) -> int:
    """
    Return the index of a mapped task instance; -1 without mapping.

    :param instance: the task instance.
    """
    return -1 if instance.map_index is None else int(instance.map_index)


def own_xcom(context: Context, key: str) -> Any:
    """
    Return what this try of the task pushed earlier, also in another process.

    :param context: Airflow's context.
    :param key: the XCom key.
    """
    instance: Any = context["ti"]
    return instance.xcom_pull(task_ids=instance.task_id, key=key, map_indexes=map_index(instance))


def push_outputs(context: Context, **values: Any) -> None:
    """
    Push values as XComs of their own, for ``task.output[key]``; an unknown one is left out.

    :param context: Airflow's context.
    :param values: the values by key.
    """
    for key, value in values.items():
        if value is not None:
            context["ti"].xcom_push(key=key, value=value)


def xcoms_of_all_instances(context: Context, key: str) -> list[Any]:
    """
    Return what all instances of a mapped task, this one included, pushed in this DAG run.

    :param context: Airflow's context.
    :param key: the XCom key.
    """
    instance: Any = context["ti"]
    return list(instance.xcom_pull(task_ids=[instance.task_id], key=key) or ())


def is_recorded_as_success(context: Context) -> bool:
    """
    Return whether Airflow has recorded the running task instance as a success.

    Its callbacks run also if Airflow refused to record it: somebody had marked or cleared the task meanwhile.

    :param context: Airflow's context (3.0 and later).
    """
    instance: Any = context["ti"]
    index = map_index(instance)
    states = instance.get_task_states(
        dag_id=instance.dag_id, map_index=index, task_ids=[instance.task_id], run_ids=[instance.run_id]
    )
    name = instance.task_id if index < 0 else f"{instance.task_id}_{index}"
    return bool(states.get(instance.run_id, {}).get(name) == "success")


def start_of_try(context: Context) -> datetime:
    """
    Return when Airflow started the try; now if it does not say.

    :param context: Airflow's context.
    """
    started = getattr(context.get("ti"), "start_date", None)
    return started if isinstance(started, datetime) else clock.utc_now()


def earliest_start(context: Context | Mapping[str, Any]) -> datetime | None:
    """
    Return the earliest time at which a task of this DAG run can have started, also after clears.

    The run's own start does not help: clearing a finished run resets it.

    :param context: Airflow's context.
    :return: None if the run has no date at all.
    """
    run = context.get("dag_run")
    for name in ("run_after", "data_interval_end", "logical_date"):
        moment = getattr(run, name, None)
        if isinstance(moment, datetime):
            return moment
    return None
