"""Wait for a batch without a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eci_provider.triggers.base import EciTrigger

if TYPE_CHECKING:
    from eci_provider.waiting.batch import BatchPoller
    from eci_provider.waiting.client import ClientProvider


class EciBatchTrigger(EciTrigger):
    """
    Fire when a batch has a status, or when its bills are analysed.

    For example, in an operator of your own::

        self.defer(trigger=EciBatchTrigger(42, batch_status="Closed"), method_name="execute_complete")

    The event's ``status`` is ``"found"``, with the batch in snake_case as ``found``, or ``"error"``, with the
    error's class as ``type`` and its text as ``message``. It names the batch as ``batch_id``.

    :param batch_id: the batch.
    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``.
    :param poll_interval: seconds between two polls, after a ramp-up from one second. Default: 30.
    :param deadline: when the wait ends, in ISO 8601, in UTC if it has no offset. Default: None for never.
    :param batch_status: the target status, in any case. Default: None for any.
    :param wait_for_analysis: whether none of its bills may be under analysis. Default: False.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try, written as ``deadline``; the wait
        ends at the earlier of the two. Default: None for never.
    :param first_poll: when the first poll is due, written as ``deadline``, for a task that has just polled itself.
        Default: None for at once.
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
        first_poll: str | None = None,
    ) -> None:
        super().__init__(
            eci_conn_id=eci_conn_id,
            poll_interval=poll_interval,
            deadline=deadline,
            execution_deadline=execution_deadline,
            first_poll=first_poll,
        )
        self.batch_id = batch_id
        self.batch_status = batch_status
        self.wait_for_analysis = wait_for_analysis

    def facts(self) -> dict[str, Any]:
        """Return what the event says beside what was found."""
        return {"batch_id": self.batch_id}

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of this trigger that are neither among its facts nor common to all triggers."""
        return {"batch_status": self.batch_status, "wait_for_analysis": self.wait_for_analysis}

    def poller(self, client: ClientProvider) -> BatchPoller:
        """Return the poller of the wait."""
        from eci_provider.waiting.batch import BatchPoller

        return BatchPoller(
            client,
            self.batch_id,
            poll_interval=self.poll_interval,
            **self.deadlines(),
            batch_status=self.batch_status,
            wait_for_analysis=self.wait_for_analysis,
        )
