"""Start a sensor with its trigger (Airflow 3.3), and take no worker before what it waits for is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from eci_provider.api.errors import EciValidationError
from eci_provider.runtime.arguments import is_template, positive_seconds
from eci_provider.runtime.compat import start_trigger_args
from eci_provider.waiting.deadlines import FRAMEWORK_GRACE

if TYPE_CHECKING:
    from eci_provider.sensors.task import EciTaskSensor

_Value = TypeVar("_Value")

#: Text around templates that only look something up which a triggerer knows, such as ``{{ params.guid }}``.
_LOOKED_UP = re.compile(
    r"""([^{]|\{\{-?\s*(params|dag_run\.conf|var\.(value|json))(\.\w+|\[\s*['"][\w.-]+['"]\s*\])+\s*-?\}\})*"""
)


class WhenRead(Generic[_Value]):
    """
    Compute an attribute of a task whenever it is read, unless the task was given another value.

    Subclasses and an Airflow's policies change a task after it was made. The class itself has the default: there
    Airflow looks for what holds for mapped tasks, which it does not start in the triggerer.

    :param compute: computes it from the task.
    :param default: what the class has.
    """

    def __init__(self, compute: Callable[[Any], _Value], default: _Value) -> None:
        self._compute = compute
        self._default = default

    def __get__(self, task: Any, owner: type | None = None) -> _Value:
        """Return the value for a task, or for the class."""
        return self._default if task is None else self._compute(task)


def starts(sensor: EciTaskSensor) -> bool:
    """Tell whether a sensor starts with its trigger."""
    return sensor.start_trigger_args is not None


def start_arguments(sensor: EciTaskSensor) -> Any | None:
    """
    Return what lets a sensor start with its trigger, as it is now; None where it cannot.

    What a triggerer cannot render starts in a worker: there, XComs are never answered, and macros of the DAG's own
    are empty. So does a span that is none, which the worker refuses.
    """
    if not (sensor.can_start_in_the_triggerer() and _can_be_rendered_there(sensor.task_guid)):
        return None
    names = ["poke_interval", "timeout", *(["execution_timeout"] if sensor.execution_timeout else [])]
    try:
        spans = {name: positive_seconds(name, getattr(sensor, name), source=sensor.source) for name in names}
    except EciValidationError:
        return None
    return start_trigger_args(
        "eci_provider.triggers.task.EciTaskTrigger",
        {
            "task_guid": sensor.task_guid,
            "eci_conn_id": sensor.eci_conn_id,
            "poll_interval": spans["poke_interval"],
            "wait_for_analysis": sensor.wait_for_analysis,
            "timeout": spans["timeout"],
            "execution_timeout": spans.get("execution_timeout"),
        },
        next_method="execute_complete",
        timeout=timedelta(seconds=spans["timeout"]) + FRAMEWORK_GRACE,
    )


def _can_be_rendered_there(value: object) -> bool:
    """Tell whether a triggerer makes the same of an argument as a worker."""
    return isinstance(value, str) and (not is_template(value) or bool(_LOOKED_UP.fullmatch(value)))
