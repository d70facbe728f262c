"""Wait for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciValidationError
from eci_provider.runtime.arguments import check_choice, is_template
from eci_provider.sensors.base import EciSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.batches import BatchResponse
    from eci_provider.hooks.eci import EciHook
    from eci_provider.triggers.batch import EciBatchTrigger

BATCH_STATUSES = ("Open", "Pending", "Closed")


class EciBatchSensor(EciSensor["BatchResponse"]):
    """
    Wait until a batch has a status, or until its bills were analysed (GetBatchV3).

    :param batch_id: the batch.
    :param batch_status: the wanted status, ``Open``, ``Pending`` or ``Closed``; None for any.
    :param wait_for_analysis: whether to wait until no bill of it is under analysis any more.
    :param kwargs: ``eci_conn_id``, ``deferrable``, ``poke_interval`` and what every sensor takes.
    :return: the batch as a dict in snake_case.
    """

    template_fields: Sequence[str] = ("eci_conn_id", "batch_id", "batch_status")

    def __init__(
        self,
        *,
        batch_id: int,
        batch_status: str | None = None,
        wait_for_analysis: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.batch_id = batch_id
        self.batch_status = batch_status
        self.wait_for_analysis = wait_for_analysis
        if not is_template(batch_id):
            self._checked_batch_id()
        self._check_status()

    def check_rendered(self) -> None:
        """Refuse a batch number that is none, and an unknown status."""
        self._checked_batch_id()
        self._check_status()

    @property
    def link_facts(self) -> dict[str, Any]:
        """Return what is known for the link before the first look."""
        return {"batch_id": self._checked_batch_id()}

    def trigger(self, deadline: datetime | None, execution_deadline: datetime | None = None) -> EciBatchTrigger:
        """Return the wait, which a triggerer or a worker carries out."""
        from eci_provider.triggers.batch import EciBatchTrigger

        return EciBatchTrigger(
            self._checked_batch_id(),
            eci_conn_id=self.eci_conn_id,
            poll_interval=self.poke_interval,
            deadline=deadline.isoformat() if deadline else None,
            execution_deadline=execution_deadline.isoformat() if execution_deadline else None,
            batch_status=self.batch_status,
            wait_for_analysis=self.wait_for_analysis,
        )

    def read_event(self, found: dict[str, Any]) -> BatchResponse:
        """Return the batch that the trigger found."""
        from eci_provider.api.batches import BatchResponse

        return BatchResponse.model_validate(found)

    def conclude(self, context: Context, hook: EciHook, found: BatchResponse) -> dict[str, Any]:
        """Return the batch."""
        self.show_link(context, hook, batch_id=found.batch_id, batch_code=found.batch_code)
        return found.documented()

    def _check_status(self) -> None:
        if self.batch_status is None and not self.wait_for_analysis:
            problem = "batch_status is None and wait_for_analysis is False: there is nothing to wait for; set one"
            raise EciValidationError([problem], source=self.source)
        if self.batch_status is not None:
            check_choice("batch_status", self.batch_status, BATCH_STATUSES, source=self.source)

    def _checked_batch_id(self) -> int:
        from eci_provider.api.batches import checked_batch_id

        return checked_batch_id(self.batch_id, source=self.source)
