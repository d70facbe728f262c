"""One run of an EciTaskSensor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eci_provider.api.tasks import TaskResponse
from eci_provider.outcome.conclusion import conclude
from eci_provider.outcome.errors import removed_error
from eci_provider.outcome.policy import apply_policy
from eci_provider.runtime.context import push_outputs
from eci_provider.sensors.run import SensorRun, WaitingSensor
from eci_provider.triggers.task import EciTaskTrigger
from eci_provider.waiting.task import TaskPoller

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class TaskSensorRun(SensorRun[TaskResponse]):
    """
    Wait for an import in one run of a sensor.

    :param sensor: the sensor.
    :param context: Airflow's context.
    :param task_guid: the import.
    :param wait_for_analysis: whether its bills must be analysed too.
    :param on_kickouts: ``fail``, ``warn`` or ``skip``.
    :param max_kickouts: up to how many rows, or which share of them, kickouts are only a warning; None for none.
    :param success_statuses: further statuses that count as success.
    """

    def __init__(
        self,
        sensor: WaitingSensor,
        context: Context,
        task_guid: str,
        *,
        wait_for_analysis: bool,
        on_kickouts: str,
        max_kickouts: float | None,
        success_statuses: Sequence[str],
    ) -> None:
        super().__init__(sensor, context)
        self._task_guid = task_guid
        self._wait_for_analysis = wait_for_analysis
        self._on_kickouts = on_kickouts
        self._max_kickouts = max_kickouts
        self._success_statuses = success_statuses

    @property
    def subject(self) -> dict[str, Any]:
        """Return the import."""
        return {"task_guid": self._task_guid}

    def poller(self, deadline: datetime | None, execution_deadline: datetime | None = None) -> TaskPoller:
        """Return the poller for a wait in this process."""
        return TaskPoller(
            self.hook,
            self._task_guid,
            poll_interval=self.sensor.poke_interval,
            deadline=deadline,
            execution_deadline=execution_deadline,
            wait_for_analysis=self._wait_for_analysis,
        )

    def trigger(
        self, deadline: datetime, execution_deadline: datetime | None, first_poll: datetime
    ) -> EciTaskTrigger:
        """Return the trigger for the same wait in the triggerer."""
        return EciTaskTrigger(
            self._task_guid,
            eci_conn_id=self.sensor.eci_conn_id,
            poll_interval=self.sensor.poke_interval,
            deadline=deadline.isoformat(),
            execution_deadline=execution_deadline.isoformat() if execution_deadline else None,
            first_poll=first_poll.isoformat(),
            wait_for_analysis=self._wait_for_analysis,
        )

    def parse(self, found: dict[str, Any]) -> TaskResponse:
        """Return the task that a trigger found."""
        return TaskResponse.model_validate(found)

    def conclude(self, found: TaskResponse) -> dict[str, Any]:
        """Return the import's result, or end the task as its outcome and ``on_kickouts`` demand."""
        result = conclude(
            self.hook.get_conn(),
            found,
            self._task_guid,
            success_statuses=self._success_statuses,
            reattached=False,
            settle_time=self.hook.settings.settle_time,
        )
        self.show_link(**result.link_facts)
        push_outputs(
            self.context, task_guid=result.task_guid, batch_id=result.batch_id, batch_code=result.batch_code
        )
        return apply_policy(
            self.context,
            result,
            self._on_kickouts,
            max_kickouts=self._max_kickouts,
            voided=removed_error(result),
        ).to_xcom()
