"""Wait for a batch without a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eci_provider.triggers.base import EciTrigger

if TYPE_CHECKING:
    from eci_provider.triggers.shared_client import ClientProvider
    from eci_provider.waiting.batch import BatchPoller


class EciBatchTrigger(EciTrigger):
    """
    Fire when a batch has a status, or its bills were analysed.

    :param batch_id: the batch.
    :param eci_conn_id: the Airflow connection.
    :param poll_interval: seconds between two looks.
    :param deadline: when the wait ends, in ISO 8601 with an offset; None for never.
    :param batch_status: the wanted status, in any case; None for any.
    :param wait_for_analysis: whether no bill of it may be under analysis any more.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try, written as ``deadline``.
    """

    def __init__(
        self,
        batch_id: int,
        eci_conn_id: str = "eci_default",
        poll_interval: float = 30.0,
        deadline: str | None = None,
        batch_status: str | None = None,
        wait_for_analysis: bool = False,
        execution_deadline: str | None = None,
    ) -> None:
        super().__init__(
            eci_conn_id=eci_conn_id,
            poll_interval=poll_interval,
            deadline=deadline,
            execution_deadline=execution_deadline,
        )
        self.batch_id = batch_id
        self.batch_status = batch_status
        self.wait_for_analysis = wait_for_analysis

    def about(self) -> dict[str, Any]:
        """Return what is waited for."""
        return {"batch_id": self.batch_id}

    def arguments(self) -> dict[str, Any]:
        """Return what makes this trigger again, beside what all triggers have."""
        return {"batch_status": self.batch_status, "wait_for_analysis": self.wait_for_analysis}

    def poller(self, client: ClientProvider) -> BatchPoller:
        """Return the poller of the wait."""
        from eci_provider.waiting.batch import BatchPoller

        return BatchPoller(
            client.get_conn,
            self.batch_id,
            poll_interval=self.poll_interval,
            **self.deadlines,
            batch_status=self.batch_status,
            wait_for_analysis=self.wait_for_analysis,
        )
