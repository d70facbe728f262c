"""Wait for an import without a worker."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async

from eci_provider.core import clock
from eci_provider.triggers.base import EciTrigger

if TYPE_CHECKING:
    from eci_provider.triggers.shared_client import ClientProvider
    from eci_provider.waiting.task import TaskPoller

log = logging.getLogger(__name__)

#: How long a kill may take, in seconds; Airflow gives it up after 30 unless it is told otherwise.
_KILL_SECONDS = 25.0


class EciTaskTrigger(EciTrigger):
    """
    Fire when a bill import has ended.

    :param task_guid: the import.
    :param eci_conn_id: the Airflow connection.
    :param poll_interval: seconds between two looks.
    :param deadline: when the wait ends, in ISO 8601 with an offset; None for never.
    :param wait_for_analysis: whether its bills must have been analysed too.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try, written as ``deadline``; the wait
        ends at the earlier of the two.
    :param reattached: whether the import is one of an earlier try; the event says so, since the task that is woken
        may know nothing else.
    :param on_kill: what becomes of the import when a user ends the task: ``detach`` lets it go on, ``void_batch``
        sets its batch Pending.
    :param reattach: whether a later try of the task goes on with the import, as is logged at a kill.
    :param timeout: how many seconds the wait may take from its start, where a task starts with this trigger and so
        has no deadline; the start is known from Airflow's own time-out, which survives a triggerer.
    :param execution_timeout: the task's ``execution_timeout`` in seconds, likewise.
    :param submitted_at: when the import was submitted, written as ``deadline``; None where that is not known. It
        says how far back the list of all imports is read, and nothing hangs on its being exact.
    """

    def __init__(
        self,
        task_guid: str,
        eci_conn_id: str = "eci_default",
        poll_interval: float = 30.0,
        deadline: str | None = None,
        wait_for_analysis: bool = False,
        execution_deadline: str | None = None,
        reattached: bool = False,
        on_kill: str = "detach",
        submitted_at: str | None = None,
        timeout: float | None = None,
        execution_timeout: float | None = None,
        reattach: bool = True,
    ) -> None:
        super().__init__(
            eci_conn_id=eci_conn_id,
            poll_interval=poll_interval,
            deadline=deadline,
            execution_deadline=execution_deadline,
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

    def about(self) -> dict[str, Any]:
        """Return what the event says beside what was found."""
        return {"task_guid": self.task_guid, "reattached": self.reattached}

    def arguments(self) -> dict[str, Any]:
        """Return what makes this trigger again, beside what all triggers have."""
        return {
            "wait_for_analysis": self.wait_for_analysis,
            "on_kill": self.kill_action,
            "submitted_at": self.submitted_at,
            "timeout": self.timeout,
            "execution_timeout": self.execution_timeout,
            "reattach": self.reattach,
        }

    def share(self) -> dict[str, Any]:
        """Return what lets the wait take part in the list of all imports."""
        from eci_provider.api.tasks import checked_guid, parse_datetime

        # What was rendered in the triggerer has been looked at by nobody.
        guid = checked_guid(self.task_guid, source=type(self).__name__)
        return {"task_guid": guid, "begun": parse_datetime(self.submitted_at) if self.submitted_at else None}

    @property
    def deadlines(self) -> dict[str, datetime | None]:
        """Return both deadlines as datetimes; where a task started with this trigger they follow from then."""
        if self.timeout is None or self.deadline is not None:
            return super().deadlines
        from eci_provider.waiting.deadlines import deadline_after, execution_deadline

        limit = self._execution_limit()
        started = self._started(timedelta(seconds=self.timeout), limit)
        return {
            "deadline": deadline_after(self.timeout, since=started),
            "execution_deadline": execution_deadline(limit, started),
        }

    def _execution_limit(self) -> timedelta | None:
        """Return the ``execution_timeout`` that Airflow counts with: the task's own, where that came along."""
        own = None if self.execution_timeout is None else timedelta(seconds=self.execution_timeout)
        return getattr(self._task(), "execution_timeout", own) or None

    def _started(self, timeout: timedelta, limit: timedelta | None) -> datetime:
        """Return when Airflow started the trigger: its own time-out, which it keeps, less what makes it up."""
        from eci_provider.waiting.deadlines import FRAMEWORK_GRACE

        now = clock.utc_now()
        ends: datetime | None = getattr(self, "timeout_after", None)
        if ends is None:
            return now
        ends = ends if ends.tzinfo else ends.replace(tzinfo=timezone.utc)
        started = ends - min(filter(None, (timeout + FRAMEWORK_GRACE, limit)))
        if self._task() is None and started + timeout <= now < ends:
            return now  # a limit that is not known here may have made it nearer, and the wait be a new one
        return started

    def _task(self) -> Any | None:
        """Return the task as Airflow 3.3 gives it to a trigger with which it starts."""
        return getattr(self, "task", None)

    def render_template_fields(self, *arguments: Any, **named: Any) -> None:
        """
        Render what Airflow renders in the triggerer (3.3), and leave to a worker what cannot be rendered there.

        The event names the unrendered GUID then, and the task that is woken by it waits anew.
        """
        try:
            super().render_template_fields(*arguments, **named)
        except Exception as error:
            log.warning(
                "The templates cannot be rendered in the triggerer (%s: %s), so a worker renders them.",
                type(error).__name__,
                error,
            )

    def poller(self, client: ClientProvider) -> TaskPoller:
        """Return the poller of the wait."""
        from eci_provider.waiting.task import TaskPoller

        return TaskPoller(
            client.get_conn,
            self.task_guid,
            poll_interval=self.poll_interval,
            wait_for_analysis=self.wait_for_analysis,
            **self.deadlines,
        )

    async def on_kill(self) -> None:
        """
        Treat the import as the task's ``on_kill`` says.

        Airflow 3.3 and later call it when a user clears or marks the deferred task, and at no other end: neither
        when a triggerer stops, which hands its triggers on, nor at a time-out.
        """
        from eci_provider.batches.on_kill import kill
        from eci_provider.hooks.eci import EciHook

        # The wait's own hook was closed with it.
        hook = EciHook(self.eci_conn_id)
        await sync_to_async(kill, thread_sensitive=False)(
            self.kill_action, hook.get_conn, self.task_guid, seconds=_KILL_SECONDS, reattach=self.reattach
        )
        hook.close()
