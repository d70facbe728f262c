"""Poll an import until it has ended."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError, EciNotFoundError
from eci_provider.core.text import shown
from eci_provider.waiting.client import ClientProvider
from eci_provider.waiting.late_tasks import task_or_listed
from eci_provider.waiting.poller import Poller
from eci_provider.waiting.status import has_ended, latest_now, possible_date, task_has_ended

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import BatchChild, TaskResponse

log = logging.getLogger(__name__)


class TaskPoller(Poller["TaskResponse"]):
    """
    Poll an import until it has ended.

    :param client: gives the client.
    :param task_guid: the import.
    :param poll_interval: seconds between two polls after the ramp-up.
    :param deadline: when the wait ends; None for never.
    :param wait_for_analysis: whether its bills must be analysed too.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try; None in a worker.
    """

    __slots__ = ("_batch", "_has_warned", "_is_analysing", "task_guid", "wait_for_analysis")

    def __init__(
        self,
        client: ClientProvider,
        task_guid: str,
        *,
        poll_interval: float,
        deadline: datetime | None,
        wait_for_analysis: bool = False,
        execution_deadline: datetime | None = None,
    ) -> None:
        super().__init__(
            client, poll_interval=poll_interval, deadline=deadline, execution_deadline=execution_deadline
        )
        self.task_guid = task_guid
        self.wait_for_analysis = wait_for_analysis
        self._is_analysing = self._has_warned = False
        self._batch: BatchChild | None = None

    def __str__(self) -> str:
        return f"Import {self.task_guid}"

    @property
    def facts(self) -> dict[str, Any]:
        """Return the import, and its batch once a poll has shown it."""
        batch = self._batch
        known = {} if batch is None else {"batch_id": batch.batch_id, "batch_code": shown(batch.batch_code, 100)}
        return {"task_guid": self.task_guid, **known}

    def request(self, client: EciClient, *, is_unlisted: bool = False) -> TaskResponse:
        """Request the task once; after a 404 for the second time, or at the deadline, ask the list too."""
        # The poller counts failures, not the session.
        if is_unlisted or not (self.schedule.is_missing or self.schedule.is_expired()):
            return client.tasks.get(self.task_guid, repeat=False)
        return task_or_listed(client, self.task_guid, repeat=False)

    def is_done(self, found: TaskResponse) -> bool:
        """Return whether the import has ended, whatever its status is."""
        return task_has_ended(found, self._now(), wait_for_analysis=self.wait_for_analysis)

    def status_of(self, found: TaskResponse) -> str | None:
        """Return the task's status; note its batch, and whether only the analysis is unfinished."""
        ended = has_ended(found, self._now())
        if found.end_date is not None and not (ended or self._has_warned):
            self._has_warned = True
            log.warning(
                "%s shows the endDate %r, which cannot be its end; it counts as not ended.",
                self,
                shown(found.end_date, 100),
            )
        self._is_analysing = ended and not self.is_done(found)
        self._batch = found.batch or self._batch
        return found.status

    def _now(self) -> datetime:
        """Return the time by the server's clock, which the answer that is looked at has shown."""
        return latest_now(self._client())

    def unmet_condition(self) -> str:
        """Return what has not happened yet, as a predicate."""
        return "had ended, but its bills were not analysed" if self._is_analysing else "had not ended"

    def awaited(self, found: TaskResponse) -> str:
        """Return that it is to end, or that its bills are to be analysed, with its status and since when."""
        begin, end = (
            f" since {shown(date, 100)}" if possible_date(date) else ""
            for date in (found.begin_date, found.end_date)
        )
        if not self._is_analysing:
            return f"import {self.task_guid} to end: {self.last_status!r}{begin}"
        left = f"{found.analyzing_count} bills left"
        return f"the analysis of the bills of import {self.task_guid}: {self.last_status!r}{end}, {left}"

    def batch_clause(self) -> str:
        """Return the batch as a clause."""
        batch = self._batch
        if batch is None or batch.batch_id is None:
            return ""
        name = f"{shown(batch.batch_code, 100)!r} ({batch.batch_id})" if batch.batch_code else str(batch.batch_id)
        return f" and its batch is {name}"

    def consequence(self, cause: EciError | None) -> str:
        """Return that the import continues, unless EnergyCAP does not have it."""
        if isinstance(cause, EciNotFoundError):
            return "Check in EnergyCAP what became of it before you send its bills again."
        return "It continues in EnergyCAP; do not send its bills again."
