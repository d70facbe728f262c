"""Wait for an import without a worker."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal

from eci_provider.core import clock
from eci_provider.core.dates import parse_datetime
from eci_provider.core.text import shown
from eci_provider.runtime.compat import task_of_trigger
from eci_provider.triggers.base import EciTrigger
from eci_provider.waiting.deadlines import FRAMEWORK_GRACE, deadline_after, execution_deadline

if TYPE_CHECKING:
    from eci_provider.waiting.client import ClientProvider
    from eci_provider.waiting.task import TaskPoller

log = logging.getLogger(__name__)


class EciTaskTrigger(EciTrigger):
    """
    Fire when a bill import has ended.

    For example, in an operator of your own::

        self.defer(trigger=EciTaskTrigger(guid, deadline="2026-01-31T18:00:00Z"), method_name="execute_complete")

    The event's ``status`` is ``"found"``, with the task in snake_case as ``found``, or ``"error"``, with the
    error's class as ``type`` and its text as ``message``. It names the import as ``task_guid``.

    :param task_guid: the import.
    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``.
    :param poll_interval: seconds between two polls, after a ramp-up from one second. Default: 30.
    :param deadline: when the wait ends, in ISO 8601, in UTC if it has no offset. Default: None for never.
    :param wait_for_analysis: whether its bills must be analysed too. Default: False.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try, written as ``deadline``; the wait
        ends at the earlier of the two. Default: None for never.
    :param reattached: whether the import is one of an earlier try; the event says so, because the task that it
        resumes may know nothing else. Default: False.
    :param on_kill: what happens to the import when a user ends the task: ``"detach"`` lets it continue,
        ``"void_batch"`` sets its batch to Pending. Default: ``"detach"``.
    :param submitted_at: when the import was submitted, written as ``deadline``. It says how far back the list of
        imports is read, and need not be exact. Default: None for unknown.
    :param timeout: how many seconds the wait may take from its start, for a task that starts with this trigger and
        so has no deadline. The start follows from Airflow's own timeout, which survives the triggerer.
        Default: None.
    :param execution_timeout: the task's ``execution_timeout`` in seconds, for the same case. Default: None.
    :param reattach: whether a later try of the task takes the import up again, which is logged at a kill.
        Default: True.
    :param first_poll: when the first poll is due, written as ``deadline``, for a task that has just polled itself.
        Default: None for at once.
    """

    #: When Airflow's own timeout ends the trigger; the triggerer sets it.
    timeout_after: datetime | None = None

    def __init__(
        self,
        task_guid: str,
        eci_conn_id: str = "eci_default",
        poll_interval: float = 30.0,
        deadline: str | None = None,
        wait_for_analysis: bool = False,
        execution_deadline: str | None = None,
        reattached: bool = False,
        on_kill: Literal["detach", "void_batch"] = "detach",
        submitted_at: str | None = None,
        timeout: float | None = None,
        execution_timeout: float | None = None,
        reattach: bool = True,
        first_poll: str | None = None,
    ) -> None:
        super().__init__(
            eci_conn_id=eci_conn_id,
            poll_interval=poll_interval,
            deadline=deadline,
            execution_deadline=execution_deadline,
            first_poll=first_poll,
        )
        self.task_guid = task_guid
        self.wait_for_analysis = wait_for_analysis
        self.reattached = reattached
        self.submitted_at = submitted_at
        self.timeout = timeout
        self.execution_timeout = execution_timeout
        self.reattach = reattach
        # Not under the argument's name, which is that of Airflow's method.
        self.kill_action = on_kill

    def facts(self) -> dict[str, Any]:
        """Return what the event says beside what was found."""
        return {"task_guid": self.task_guid, "reattached": self.reattached}

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of this trigger that are neither among its facts nor common to all triggers."""
        return {
            "wait_for_analysis": self.wait_for_analysis,
            "on_kill": self.kill_action,
            "submitted_at": self.submitted_at,
            "timeout": self.timeout,
            "execution_timeout": self.execution_timeout,
            "reattach": self.reattach,
        }

    def listing(self) -> tuple[str | None, datetime | None]:
        """Return the import, and when it began if that is known."""
        from eci_provider.api.tasks import checked_guid

        # A GUID that was rendered in the triggerer has not been checked before.
        guid = checked_guid(self.task_guid, source=type(self).__name__)
        return guid, parse_datetime(self.submitted_at) if self.submitted_at else None

    def poller(self, client: ClientProvider) -> TaskPoller:
        """Return the poller of the wait."""
        from eci_provider.waiting.task import TaskPoller

        return TaskPoller(
            client,
            self.task_guid,
            poll_interval=self.poll_interval,
            wait_for_analysis=self.wait_for_analysis,
            **self.deadlines(),
        )

    def deadlines(self) -> dict[str, datetime | None]:
        """Return both deadlines; for a task that started with this trigger they count from then."""
        if self.timeout is None or self.deadline is not None:
            return super().deadlines()
        limit = self._execution_limit()
        started = self._started(timedelta(seconds=self.timeout), limit)
        return {
            "deadline": deadline_after(self.timeout, since=started),
            "execution_deadline": execution_deadline(limit, started),
        }

    def render_template_fields(self, *arguments: Any, **named: Any) -> None:
        """
        Render templates in the triggerer (Airflow 3.3); leave those that cannot be rendered there to a worker.

        The event names the unrendered GUID then, and the task that it resumes waits again.
        """
        try:
            super().render_template_fields(*arguments, **named)
        except Exception as error:
            log.warning(
                "Templates of the trigger cannot be rendered in the triggerer (%s: %s); a worker renders them.",
                type(error).__name__,
                shown(str(error)),
            )

    async def on_kill(self) -> None:
        """
        Do with the import what the argument ``on_kill`` says.

        Airflow 3.3 and later call this only when a user clears or marks the deferred task: not when a triggerer
        stops, which hands its triggers over, nor after a timeout.
        """
        from eci_provider.triggers.kill import kill_import

        await kill_import(self.kill_action, self.eci_conn_id, self.task_guid, reattach=self.reattach)

    def _execution_limit(self) -> timedelta | None:
        """Return the ``execution_timeout`` that Airflow applies: the task's own, if the trigger knows the task."""
        task = task_of_trigger(self)
        if task is not None:
            return task.execution_timeout or None
        return timedelta(seconds=self.execution_timeout) if self.execution_timeout else None

    def _started(self, timeout: timedelta, limit: timedelta | None) -> datetime:
        """Return when Airflow started the trigger: the end of its own timeout, less the length of that."""
        now, ends = clock.utc_now(), self.timeout_after
        if ends is None:
            return now
        ends = ends if ends.tzinfo else ends.replace(tzinfo=timezone.utc)
        started = ends - min(filter(None, (timeout + FRAMEWORK_GRACE, limit)))
        if task_of_trigger(self) is None and started + timeout <= now < ends:
            return now  # a limit that is not known here may have made Airflow's timeout shorter
        return started
