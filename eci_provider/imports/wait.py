"""Wait for an import, in the worker or in the triggerer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from eci_provider.api.errors import EciError
from eci_provider.batches.on_kill import KillHandler
from eci_provider.core import clock
from eci_provider.imports.arguments import ImportArguments
from eci_provider.imports.error_context import ErrorContext
from eci_provider.submission.models import Submitted
from eci_provider.triggers.task import EciTaskTrigger
from eci_provider.waiting.deadlines import deadline_after, execution_deadline, first_poll_after, framework_timeout
from eci_provider.waiting.resume import final_result
from eci_provider.waiting.schedule import obeyed_delay
from eci_provider.waiting.status import latest_now, task_has_ended
from eci_provider.waiting.task import TaskPoller
from eci_provider.waiting.timeouts import wait_in_worker

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.triggers.base import BaseTrigger

    from eci_provider.api.tasks import TaskResponse
    from eci_provider.hooks.eci import EciHook

log = logging.getLogger(__name__)

#: The XCom in which a deferred task keeps whether its import is one of an earlier attempt.
REATTACHED_KEY = "reattached"

#: How long a new import is given to end before its task is deferred, in seconds.
_FIRST_SECOND = 1.0


class CanDefer(Protocol):
    """An operator, as far as it can defer its task."""

    def defer(
        self,
        *,
        trigger: BaseTrigger,
        method_name: str,
        kwargs: dict[str, Any] | None = None,
        timeout: timedelta | int | float | None = None,
    ) -> NoReturn: ...


class ImportWait:
    """
    The wait for an import.

    :param operator: the operator, to defer its task.
    :param arguments: its arguments.
    :param context: Airflow's context.
    :param hook: the hook.
    :param kill_handler: what a kill does to the import; the trigger does the same.
    :param errors: what errors say of the import.
    """

    def __init__(
        self,
        operator: CanDefer,
        arguments: ImportArguments,
        context: Context,
        hook: EciHook,
        kill_handler: KillHandler,
        errors: ErrorContext,
    ) -> None:
        self._operator = operator
        self._arguments = arguments
        self._context = context
        self._hook = hook
        self._kill_handler = kill_handler
        self._errors = errors

    def ended_task(self, submitted: Submitted, started: datetime) -> TaskResponse:
        """
        Return the import's task once it has ended.

        :param submitted: the import.
        :param started: when this attempt of the Airflow task started.
        :raises EciError: if the wait ends before the import.
        :raises TaskDeferred: if the triggerer is to wait.
        """
        task = submitted.task
        if task is not None and self._has_ended(task):
            return task
        deadline = deadline_after(self._arguments.timeout, since=submitted.submitted_at)
        log.info("Waiting for import %s until %s.", submitted.task_guid, deadline.isoformat(timespec="seconds"))
        if self._arguments.deferrable:
            task, pause = self._last_poll_before_deferral(submitted)
            if task is not None and self._has_ended(task):
                return task
            self._defer(submitted, deadline, started, pause)
        with self._errors.advising(submitted.task_guid):
            return wait_in_worker(self._poller(submitted.task_guid, deadline))

    def task_after_trigger_failure(self, task_guid: str, next_kwargs: Mapping[str, Any] | None) -> TaskResponse:
        """
        Return the import's task if it has ended although its trigger sent no event.

        :param task_guid: the import.
        :param next_kwargs: what Airflow resumes the task with.
        :raises EciError: if it has not ended.
        """
        with self._errors.advising(task_guid):
            return final_result(self._poller(task_guid, None), next_kwargs)

    def _last_poll_before_deferral(self, submitted: Submitted) -> tuple[TaskResponse | None, float]:
        """
        Return the import's task, or None if it cannot be read, and for how many seconds the server asks to wait.

        A trigger that fires at once can overtake Airflow's record of the deferral; Airflow then fails the task.
        """
        if submitted.task is not None and not submitted.reattached:
            clock.sleep(_FIRST_SECOND)  # it was polled when it was submitted; many imports end within a second
        try:
            return self._hook.get_conn().tasks.get(submitted.task_guid, repeat=False), 0.0
        except EciError as error:
            return None, obeyed_delay(error) or 0.0  # the trigger polls it again, and says what is wrong

    def _has_ended(self, task: TaskResponse) -> bool:
        now = latest_now(self._hook.get_conn())
        return task_has_ended(task, now, wait_for_analysis=self._arguments.wait_for_analysis)

    def _poller(self, task_guid: str, deadline: datetime | None) -> TaskPoller:
        return TaskPoller(
            self._hook,
            task_guid,
            poll_interval=self._arguments.poll_interval,
            deadline=deadline,
            wait_for_analysis=self._arguments.wait_for_analysis,
        )

    def _defer(self, submitted: Submitted, deadline: datetime, started: datetime, pause: float) -> NoReturn:
        # A task whose trigger fails is given no event.
        self._context["ti"].xcom_push(key=REATTACHED_KEY, value=submitted.reattached)
        limit = execution_deadline(self._arguments.execution_timeout, started)
        trigger = EciTaskTrigger(
            submitted.task_guid,
            eci_conn_id=self._arguments.eci_conn_id,
            poll_interval=self._arguments.poll_interval,
            deadline=deadline.isoformat(),
            wait_for_analysis=self._arguments.wait_for_analysis,
            execution_deadline=limit.isoformat() if limit else None,
            reattached=submitted.reattached,
            on_kill=self._kill_handler.action,
            submitted_at=submitted.submitted_at.isoformat(),
            reattach=self._errors.reattaches,
            first_poll=first_poll_after(pause, poll_interval=self._arguments.poll_interval).isoformat(),
        )
        self._operator.defer(trigger=trigger, method_name="execute_complete", timeout=framework_timeout(deadline))
