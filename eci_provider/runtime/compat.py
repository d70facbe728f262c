"""What newer versions of Airflow have and older ones lack, detected in one place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
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


class CallbackFirst:
    """
    A task's callbacks of one kind, with one that is first whatever a user or a cluster policy assigns.

    It is first since Airflow ends a process whose callbacks take long. The attribute is a list on every version of
    Airflow; it is kept in the task's ``__dict__`` under its own name, where copies and pickles find it.

    :param callback: the one to call first.
    """

    def __init__(self, callback: Callable[..., Any]) -> None:
        self._callback = callback

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, task: Any, owner: type | None = None) -> list[Callable[..., Any]]:
        if task is None:
            return [self._callback]
        callbacks: list[Callable[..., Any]] = vars(task).setdefault(self._name, [])
        if callbacks[:1] != [self._callback]:
            # Somebody has changed the list itself.
            callbacks[:] = self._with_first(callbacks)
        return callbacks

    def __set__(self, task: Any, callbacks: Any) -> None:
        given = callbacks if isinstance(callbacks, Collection) else [callbacks] if callbacks else []
        vars(task)[self._name] = self._with_first(given)

    def _with_first(self, callbacks: Iterable[Callable[..., Any]]) -> list[Callable[..., Any]]:
        return [self._callback, *(each for each in callbacks if each != self._callback)]


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
