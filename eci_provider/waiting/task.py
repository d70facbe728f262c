"""Wait for an import: the same wait in a worker and in a triggerer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciNotFoundError
from eci_provider.core.text import cut
from eci_provider.waiting.poller import Poller
from eci_provider.waiting.schedule import task_has_ended

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.errors import EciError
    from eci_provider.api.tasks import BatchChild, TaskResponse


class TaskPoller(Poller["TaskResponse"]):
    """
    Wait until an import has ended.

    :param task_guid: the import.
    :param wait_for_analysis: whether its bills must have been analysed too.
    """

    __slots__ = ("_batch", "_is_analysing", "task_guid", "wait_for_analysis")

    def __init__(
        self,
        client: Callable[[], EciClient],
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
        self._is_analysing = False
        self._batch: BatchChild | None = None

    def __str__(self) -> str:
        return f"Import {self.task_guid}"

    @property
    def about(self) -> dict[str, Any]:
        """Return what is waited for, and its batch once a look has shown that."""
        batch = self._batch
        shown = {} if batch is None else {"batch_id": batch.batch_id, "batch_code": cut(batch.batch_code, 100)}
        return {"task_guid": self.task_guid, **shown}

    def look(self, client: EciClient) -> TaskResponse:
        """Ask for the task once; failures are counted here and not in the session."""
        return client.tasks.get(self.task_guid, repeat=False)

    def is_done(self, found: TaskResponse) -> bool:
        """Tell whether it has ended; its status does not count."""
        return task_has_ended(found, wait_for_analysis=self.wait_for_analysis)

    def status_of(self, found: TaskResponse) -> str | None:
        """Return the task's status; remember its batch, and whether only the analysis is still going on."""
        self._is_analysing = bool(found.end_date) and not self.is_done(found)
        self._batch = found.batch or self._batch
        return found.status

    def missed(self) -> str:
        """Return what has not happened in time, as a predicate."""
        return "had ended, but its bills were not analysed" if self._is_analysing else "had not ended"

    def place(self) -> str:
        """Return its batch."""
        batch = self._batch
        if batch is None or batch.batch_id is None:
            return ""
        name = f"{cut(batch.batch_code, 100)!r} ({batch.batch_id})" if batch.batch_code else str(batch.batch_id)
        return f", its batch is {name}"

    def meanwhile(self, cause: EciError | None) -> str:
        """Return that it goes on; not where EnergyCAP says that there is no such import."""
        if isinstance(cause, EciNotFoundError):
            return "See in EnergyCAP what became of it before its bills are sent again."
        return "It goes on in EnergyCAP, so do not send its bills again."
