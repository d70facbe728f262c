"""Wait for a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import conf

from eci_provider.api.errors import EciValidationError
from eci_provider.runtime.readers import Reader, batch_id, choice, optional, switch
from eci_provider.sensors.base import EciSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, XComArg
    from typing_extensions import Unpack

    from eci_provider.runtime.operator_arguments import SensorArguments
    from eci_provider.runtime.task_output import TaskOutput
    from eci_provider.sensors.batch_run import BatchSensorRun

BATCH_STATUSES = ("Open", "Pending", "Closed")


class EciBatchSensor(EciSensor):
    """
    Wait until a batch has a status, or until its bills are analysed (GetBatchV3).

    For example, wait until a person has closed the batch::

        EciBatchSensor(task_id="wait_for_close", batch_id="{{ params.batch_id }}", batch_status="Closed")

    :param batch_id: the batch. Templated.
    :param batch_status: the target status: ``"Open"``, ``"Pending"`` or ``"Closed"``. Default: None for any
        status; ``wait_for_analysis`` must be true then. Templated.
    :param wait_for_analysis: whether to wait until none of its bills is under analysis. Default: False.
        Templated.
    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``. Templated.
    :param deferrable: whether to wait in the triggerer, without a worker. Default: ``[operators]
        default_deferrable`` of Airflow's configuration.
    :param poke_interval: seconds (or a timedelta) between two polls, after a ramp-up from one second. Default: 30.
    :param kwargs: Airflow's own arguments of sensors; ``timeout``, in seconds or a timedelta, is how long to wait.
    :return: the batch as a dict in snake_case: ``batch_id``, ``batch_code``, ``batch_status`` and more.
        ``.output["batch_id"]`` and ``.output["batch_code"]`` pass a part of it on.
    """

    template_fields: Sequence[str] = ("eci_conn_id", "batch_id", "batch_status", "wait_for_analysis")
    readers: ClassVar[Mapping[str, Reader]] = {
        **EciSensor.readers,
        "batch_id": batch_id,
        "batch_status": optional(choice(BATCH_STATUSES)),
        "wait_for_analysis": switch,
    }

    output_keys: ClassVar[tuple[str, ...]] = ("batch_id", "batch_code")
    output: TaskOutput[Literal["batch_id", "batch_code"]]

    def __init__(
        self,
        *,
        batch_id: int | str | XComArg,
        batch_status: Literal["Open", "Pending", "Closed"] | XComArg | None = None,
        wait_for_analysis: bool | str | XComArg = False,
        eci_conn_id: str | XComArg = "eci_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: timedelta | float = 30.0,
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, deferrable=deferrable, poke_interval=poke_interval, **kwargs)
        self.batch_id = batch_id
        self.batch_status = batch_status
        self.wait_for_analysis = wait_for_analysis
        self.read(is_rendered=False)

    def check_together(self, values: Mapping[str, Any]) -> None:
        """Refuse a wait for nothing."""
        if values.get("batch_status", "") is None and not values.get("wait_for_analysis", True):
            problem = "batch_status is None and wait_for_analysis is False: there is nothing to wait for; set one"
            raise EciValidationError([problem], source=self.source)

    def new_run(self, context: Context) -> BatchSensorRun:
        """Return a run with the rendered arguments."""
        from eci_provider.sensors.batch_run import BatchSensorRun

        values = self.read()
        return BatchSensorRun(
            self,
            context,
            values["batch_id"],
            batch_status=values["batch_status"],
            wait_for_analysis=values["wait_for_analysis"],
        )
