"""Poll a batch until it has a status, or until its bills are analysed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError
from eci_provider.core.text import shown
from eci_provider.waiting.client import ClientProvider
from eci_provider.waiting.poller import Poller
from eci_provider.waiting.status import batch_has_arrived

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.client import EciClient


class BatchPoller(Poller["BatchResponse"]):
    """
    Poll a batch until it has a status, or until its bills are analysed.

    :param client: gives the client.
    :param batch_id: the batch.
    :param poll_interval: seconds between two polls after the ramp-up.
    :param deadline: when the wait ends; None for never.
    :param batch_status: the target status, in any case; None for any.
    :param wait_for_analysis: whether none of its bills may be under analysis.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try; None in a worker.
    """

    __slots__ = ("batch_id", "batch_status", "wait_for_analysis")

    def __init__(
        self,
        client: ClientProvider,
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
    def facts(self) -> dict[str, Any]:
        """Return the batch."""
        return {"batch_id": self.batch_id}

    def request(self, client: EciClient, *, is_unlisted: bool = False) -> BatchResponse:
        """Request the batch once; the poller counts failures, not the session."""
        return client.batches.get(self.batch_id, repeat=False)

    def is_done(self, found: BatchResponse) -> bool:
        """Return whether the batch has reached its target."""
        return batch_has_arrived(found, batch_status=self.batch_status, wait_for_analysis=self.wait_for_analysis)

    def status_of(self, found: BatchResponse) -> str | None:
        """Return the batch's status."""
        return found.batch_status

    def awaited(self, found: BatchResponse) -> str:
        """Return the status that it is to have, or that its bills are to be analysed, with its status."""
        code = f" ({shown(found.batch_code, 100)!r})" if found.batch_code else ""
        analysing = found.analyzing_count if self.wait_for_analysis else None
        left = f", {analysing} bills under analysis" if analysing else ""
        status = f"{self.last_status!r}{left}"
        if self.batch_status is None or found.has_status(self.batch_status):
            return f"the analysis of the bills in batch {self.batch_id}{code}: {status}"
        return f"batch {self.batch_id}{code} to be {self.batch_status!r}: {status}"

    def unmet_condition(self) -> str:
        """Return what has not happened yet, as a predicate."""
        target = f"status {self.batch_status!r}" if self.batch_status else "the end of its bills' analysis"
        return f"had not reached {target}"

    def consequence(self, cause: EciError | None) -> str:
        """Return that a wait changes nothing."""
        return "Nothing was changed."
