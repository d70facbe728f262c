"""One run of an EciBatchSensor."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from eci_provider.api.batches import BatchResponse
from eci_provider.runtime.context import push_outputs
from eci_provider.sensors.run import SensorRun, WaitingSensor
from eci_provider.triggers.batch import EciBatchTrigger
from eci_provider.waiting.batch import BatchPoller

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class BatchSensorRun(SensorRun[BatchResponse]):
    """
    Wait for a batch in one run of a sensor.

    :param sensor: the sensor.
    :param context: Airflow's context.
    :param batch_id: the batch.
    :param batch_status: the target status; None for any.
    :param wait_for_analysis: whether none of its bills may be under analysis.
    """

    def __init__(
        self,
        sensor: WaitingSensor,
        context: Context,
        batch_id: int,
        *,
        batch_status: str | None,
        wait_for_analysis: bool,
    ) -> None:
        super().__init__(sensor, context)
        self._batch_id = batch_id
        self._batch_status = batch_status
        self._wait_for_analysis = wait_for_analysis

    @property
    def subject(self) -> dict[str, Any]:
        """Return the batch."""
        return {"batch_id": self._batch_id}

    def poller(self, deadline: datetime | None, execution_deadline: datetime | None = None) -> BatchPoller:
        """Return the poller for a wait in this process."""
        return BatchPoller(
            self.hook,
            self._batch_id,
            poll_interval=self.sensor.poke_interval,
            deadline=deadline,
            execution_deadline=execution_deadline,
            batch_status=self._batch_status,
            wait_for_analysis=self._wait_for_analysis,
        )

    def trigger(
        self, deadline: datetime, execution_deadline: datetime | None, first_poll: datetime
    ) -> EciBatchTrigger:
        """Return the trigger for the same wait in the triggerer."""
        return EciBatchTrigger(
            self._batch_id,
            eci_conn_id=self.sensor.eci_conn_id,
            poll_interval=self.sensor.poke_interval,
            deadline=deadline.isoformat(),
            execution_deadline=execution_deadline.isoformat() if execution_deadline else None,
            first_poll=first_poll.isoformat(),
            batch_status=self._batch_status,
            wait_for_analysis=self._wait_for_analysis,
        )

    def parse(self, found: dict[str, Any]) -> BatchResponse:
        """Return the batch that a trigger found."""
        return BatchResponse.model_validate(found)

    def conclude(self, found: BatchResponse) -> dict[str, Any]:
        """Return the batch."""
        self.show_link(batch_id=found.batch_id, batch_code=found.batch_code)
        push_outputs(self.context, batch_id=found.batch_id, batch_code=found.batch_code)
        return found.documented()
