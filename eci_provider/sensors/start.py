"""The start of a sensor in the triggerer (Airflow 3.3), which takes no worker before the wait is over."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from eci_provider.api.errors import EciValidationError
from eci_provider.runtime.arguments import is_template
from eci_provider.runtime.compat import start_trigger_args
from eci_provider.runtime.readers import Reading, positive_seconds, switch
from eci_provider.waiting.deadlines import FRAMEWORK_GRACE

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseSensorOperator

_Value = TypeVar("_Value")

#: The methods that a worker calls before the wait, and a triggerer does not.
_WORKER_METHODS = (
    "render_template_fields",
    "pre_execute",
    "execute",
    "read",
    "check_together",
    "new_run",
    "defer",
)

#: Text around templates that a triggerer can render, such as ``{{ params.guid }}``.
_RENDERED_IN_TRIGGERER = re.compile(
    r"""([^{]|\{\{-?\s*(params|dag_run\.conf|var\.(value|json))(\.\w+|\[\s*['"][\w.-]+['"]\s*\])+\s*-?\}\})*"""
)


class ComputedAttribute(Generic[_Value]):
    """
    An attribute of tasks that is computed whenever it is read, unless the task was given another value.

    Subclasses and Airflow's cluster policies change a task after its ``__init__``. The class itself has the
    default: Airflow reads it there for mapped tasks, which it does not start in the triggerer.

    :param compute: computes the value from the task.
    :param default: the value of the class.
    """

    def __init__(self, compute: Callable[[Any], _Value], default: _Value) -> None:
        self._compute = compute
        self._default = default

    def __get__(self, task: Any, owner: type | None = None) -> _Value:
        """Return the value of a task, or of the class."""
        return self._default if task is None else self._compute(task)


def needs_worker_first(sensor: BaseSensorOperator) -> bool:
    """
    Return whether something of a sensor's own must happen in a worker before the wait.

    :param sensor: one of our sensors, or of a subclass.
    """
    return (
        any(_is_overridden(type(sensor), name) or name in vars(sensor) for name in _WORKER_METHODS)
        or bool(sensor.on_execute_callback)
        or sensor._pre_execute_hook is not None
    )


def start_with_task_trigger(
    task_guid: object,
    *,
    eci_conn_id: str,
    poke_interval: float,
    timeout: float,
    execution_timeout: timedelta | None,
    wait_for_analysis: object,
    source: str,
) -> Any | None:
    """
    Return what lets a sensor start with its trigger; None if it must start in a worker.

    Its trigger may fire at once: the scheduler writes trigger and state in one transaction, and no process of a
    worker ends before, which Airflow could take for the end of the resumed task.

    A worker is needed for templates that a triggerer cannot render: there are no XComs and no macros.
    It is needed for a wrong value too, because a worker refuses it with a reason.

    :param task_guid: the import, or a template.
    :param eci_conn_id: the Airflow connection.
    :param poke_interval: seconds between two polls.
    :param timeout: how many seconds the wait may take.
    :param execution_timeout: Airflow's limit for a try.
    :param wait_for_analysis: whether the import's bills must be analysed too.
    :param source: whose arguments they are.
    """
    if is_template(eci_conn_id) or is_template(wait_for_analysis) or not isinstance(task_guid, str):
        return None
    if is_template(task_guid) and not _RENDERED_IN_TRIGGERER.fullmatch(task_guid):
        return None
    try:
        interval = positive_seconds("poke_interval", poke_interval, source=source)
        seconds = positive_seconds("timeout", timeout, source=source)
        analysed = switch("wait_for_analysis", wait_for_analysis, Reading(source, is_rendered=False))
        limit = (
            positive_seconds("execution_timeout", execution_timeout, source=source) if execution_timeout else None
        )
    except EciValidationError:
        return None
    return start_trigger_args(
        "eci_provider.triggers.task.EciTaskTrigger",
        {
            "task_guid": task_guid,
            "eci_conn_id": eci_conn_id,
            "poll_interval": interval,
            "wait_for_analysis": analysed,
            "timeout": seconds,
            "execution_timeout": limit,
        },
        next_method="execute_complete",
        timeout=timedelta(seconds=seconds) + FRAMEWORK_GRACE,
    )


def _is_overridden(cls: type, name: str) -> bool:
    """Return whether a subclass of one of our sensors, or a mixin of it, has a method of its own."""
    ours = next(base for base in cls.__mro__ if base.__module__.startswith("eci_provider."))
    return inspect.getattr_static(cls, name, None) is not inspect.getattr_static(ours, name, None)
