"""What newer versions of Airflow have and older ones lack, looked for once and in one place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

# Airflow 3.3 brought policies that decide about a retry, and a store in which a task keeps facts from try to try.
try:
    from airflow.providers.common.compat.sdk import RetryDecision as RetryDecision
    from airflow.providers.common.compat.sdk import RetryPolicy as RetryPolicy
except ImportError:
    RetryDecision = RetryPolicy = None  # type: ignore[assignment, misc]

#: The method name with which every supported version of Airflow resumes a task only to fail it.
TRIGGER_FAILED = "__fail__"


class TaskMemory:
    """
    Keep a record of a task instance from try to try, over retries and clears (Airflow 3.3 and later).

    Below 3.3 there is nothing to keep it in: what is written is lost with the process.

    :param context: Airflow's context.
    :param key: under which name the record is kept.
    """

    def __init__(self, context: Context | Mapping[str, Any], key: str) -> None:
        self._store: Any = context.get("task_state_store")
        self._key = key

    @property
    def lasts(self) -> bool:
        """Tell whether what is written is there for a later try."""
        return self._store is not None

    def read(self) -> dict[str, Any]:
        """Return the record; an empty one where nothing was written."""
        record = self._store.get(self._key) if self._store is not None else None
        return dict(record) if isinstance(record, dict) else {}

    def write(self, record: Mapping[str, Any]) -> None:
        """
        Replace the record.

        :param record: plain JSON.
        """
        if self._store is not None:
            # Kept as long as the task instance: a year-old import must not be sent again for want of a note.
            self._store.set(self._key, dict(record), retention=_never_expire())


def start_trigger_args(
    trigger: str, arguments: Mapping[str, Any], *, next_method: str, timeout: timedelta
) -> Any | None:
    """
    Return what lets a task start in the triggerer, without a worker; None where Airflow cannot be trusted with it.

    That is below Airflow 3.3: a trigger's templates are not rendered there, and 3.0's scheduler stumbles over an
    ``execution_timeout``.

    :param trigger: the trigger's class path.
    :param arguments: its arguments: plain JSON; those that the task has too, and templates, are rendered there.
    :param next_method: which method of the task goes on when the trigger has fired.
    :param timeout: when Airflow gives the trigger up, counted from its start.
    """
    try:
        from airflow.triggers.base import BaseTrigger, StartTriggerArgs
    except ImportError:
        return None
    if not hasattr(BaseTrigger, "render_template_fields"):
        return None
    return StartTriggerArgs(
        trigger_cls=trigger, trigger_kwargs=dict(arguments), next_method=next_method, timeout=timeout
    )


def _never_expire() -> Any:
    """Return what keeps a record for good; imported late, since DAG files need it not."""
    try:
        from airflow.sdk.execution_time.context import NEVER_EXPIRE
    except ImportError:
        return None
    return NEVER_EXPIRE
