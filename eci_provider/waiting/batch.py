"""Wait for a batch: the same wait in a worker and in a triggerer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eci_provider.waiting.poller import Poller
from eci_provider.waiting.schedule import batch_has_arrived

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.client import EciClient
    from eci_provider.api.errors import EciError


class BatchPoller(Poller["BatchResponse"]):
    """
    Wait until a batch has a status, or its bills were analysed.

    :param batch_id: the batch.
    :param batch_status: the wanted status, in any case; None for any.
    :param wait_for_analysis: whether no bill of it may be under analysis any more.
    """

    __slots__ = ("batch_id", "batch_status", "wait_for_analysis")

    def __init__(
        self,
        client: Callable[[], EciClient],
        batch_id: int,
        *,
        poll_interval: float,
        deadline: datetime | None,
        batch_status: str | None = None,
        wait_for_analysis: bool = False,
        execution_deadline: datetime | None = None,
    ) -> None:
        super().__init__(
            client, poll_interval=poll_interval, deadline=deadline, execution_deadline=execution_deadline
        )
        self.batch_id = batch_id
        self.batch_status = batch_status
        self.wait_for_analysis = wait_for_analysis

    def __str__(self) -> str:
        return f"Batch {self.batch_id}"

    @property
    def about(self) -> dict[str, Any]:
        """Return what is waited for."""
        return {"batch_id": self.batch_id}

    def look(self, client: EciClient) -> BatchResponse:
        """Ask for the batch once; failures are counted here and not in the session."""
        return client.batches.get(self.batch_id, repeat=False)

    def is_done(self, found: BatchResponse) -> bool:
        """Tell whether it is where it is waited for."""
        return batch_has_arrived(found, batch_status=self.batch_status, wait_for_analysis=self.wait_for_analysis)

    def status_of(self, found: BatchResponse) -> str | None:
        """Return the batch's status."""
        return found.batch_status

    def missed(self) -> str:
        """Return what has not happened in time, as a predicate."""
        aim = f"status {self.batch_status!r}" if self.batch_status else "the end of its bills' analysis"
        return f"had not reached {aim}"

    def meanwhile(self, cause: EciError | None) -> str:
        """Return that a wait changes nothing."""
        return "Nothing was changed."
