"""What newer versions of Airflow have and older ones lack, detected in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

# Airflow 3.3 brought a task state that outlives retries and clears.
try:
    from airflow.sdk.execution_time.context import NEVER_EXPIRE as NEVER_EXPIRE
except ImportError:
    NEVER_EXPIRE = None  # type: ignore[assignment]

#: The method name with which every supported version of Airflow resumes a task only to fail it.
TRIGGER_FAILED = "__fail__"


def retry_policy_classes() -> tuple[Any, type]:
    """Return Airflow's ``RetryDecision`` and ``RetryPolicy``; None and ``object`` before Airflow 3.3."""
    # Late: only a DAG file that uses the policy needs them.
    try:
        from airflow.providers.common.compat.sdk import RetryDecision, RetryPolicy
    except ImportError:
        return None, object
    return RetryDecision, RetryPolicy


def with_callback_first(callback: Callable[..., Any], callbacks: Any) -> list[Callable[..., Any]]:
    """
    Return a task's callbacks with another one before them; Airflow ends a process whose callbacks take long.

    :param callback: the one to call first.
    :param callbacks: what Airflow made of the task's argument; Airflow 2 keeps it as it was given.
    """
    others = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else []
    return [callback, *others]


def start_trigger_args(
    trigger: str, arguments: Mapping[str, Any], *, next_method: str, timeout: timedelta
) -> Any | None:
    """
    Return the attribute ``start_trigger_args`` of a task that starts in the triggerer, without a worker.

    Below Airflow 3.3 there is none: a trigger's templates are not rendered there, and the scheduler of 3.0 fails
    on a task with an ``execution_timeout``.

    :param trigger: the trigger's class path.
    :param arguments: its arguments, as plain JSON; the triggerer renders templates, and what the task has too.
    :param next_method: the method with which the task resumes.
    :param timeout: how long Airflow lets the trigger run, from its start.
    :return: None below Airflow 3.3.
    """
    # Late: DAG files are parsed faster without it.
    try:
        from airflow.triggers.base import BaseTrigger, StartTriggerArgs
    except ImportError:
        return None
    if not hasattr(BaseTrigger, "render_template_fields"):
        return None
    return StartTriggerArgs(
        trigger_cls=trigger, trigger_kwargs=dict(arguments), next_method=next_method, timeout=timeout
    )


def task_of_trigger(trigger: BaseTrigger) -> Any | None:
    """
    Return the task of a trigger with which the task starts (Airflow 3.3); None if the trigger does not know it.

    :param trigger: the trigger.
    """
    return getattr(trigger, "task", None)
