"""Wait for an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import conf

from eci_provider.runtime.readers import (
    ON_KICKOUTS,
    Reader,
    choice,
    kickout_limit,
    optional,
    statuses,
    switch,
    task_guid,
)
from eci_provider.sensors.base import EciSensor
from eci_provider.sensors.start import ComputedAttribute, needs_worker_first, start_with_task_trigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, XComArg
    from typing_extensions import Unpack

    from eci_provider.runtime.operator_arguments import SensorArguments
    from eci_provider.runtime.task_output import TaskOutput
    from eci_provider.sensors.task_run import TaskSensorRun


class EciTaskSensor(EciSensor):
    """
    Wait until a bill import has ended (GetTaskV3); succeed, fail or skip as its outcome says.

    Use it for an import that something else submitted::

        EciTaskSensor(task_id="wait_for_bills", task_guid="{{ params.task_guid }}", deferrable=True)

    :param task_guid: the import. Templated.
    :param on_kickouts: the task's state when rows are kicked out: ``"fail"``, ``"warn"`` (it succeeds) or
        ``"skip"``. Default: ``"fail"``. Templated.
    :param max_kickouts: up to how many kicked-out rows are only a warning, whatever ``on_kickouts`` says; a float
        below 1, such as ``0.02``, is a share of kicked-out rows and imported bills together. Default: None, which
        tolerates no rows. Templated.
    :param wait_for_analysis: whether to wait until the imported bills are analysed too. Default: False.
        Templated.
    :param success_statuses: further statuses of EnergyCAP that count as success. Default: None. Templated.
    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``. Templated.
    :param deferrable: whether to wait in the triggerer, without a worker. Default: ``[operators]
        default_deferrable`` of Airflow's configuration.
    :param poke_interval: seconds (or a timedelta) between two polls, after a ramp-up from one second. Default: 30.
    :param kwargs: Airflow's own arguments of sensors; ``timeout``, in seconds or a timedelta, is how long to wait.
    :return: the import's result: ``task_guid``, ``status``, ``outcome``, ``batch_id``, ``imported``, ``kickouts``
        and more; ``docs/result.md`` lists them. ``.output["task_guid"]``, ``.output["batch_id"]`` and
        ``.output["batch_code"]`` pass a part of it on.
    """

    template_fields: Sequence[str] = (
        "eci_conn_id",
        "task_guid",
        "on_kickouts",
        "max_kickouts",
        "wait_for_analysis",
        "success_statuses",
    )
    readers: ClassVar[Mapping[str, Reader]] = {
        **EciSensor.readers,
        "task_guid": task_guid,
        "on_kickouts": choice(ON_KICKOUTS),
        "max_kickouts": optional(kickout_limit),
        "wait_for_analysis": switch,
        "success_statuses": optional(statuses),
    }

    #: Whether all arguments are set: Airflow reads ``start_trigger_args`` before.
    _is_initialized = False

    # It starts with its trigger where Airflow can (3.3).
    start_trigger_args = ComputedAttribute(lambda sensor: sensor.triggerer_start(), None)
    start_from_trigger = ComputedAttribute(lambda sensor: sensor.triggerer_start() is not None, default=False)

    output_keys: ClassVar[tuple[str, ...]] = ("task_guid", "batch_id", "batch_code")
    output: TaskOutput[Literal["task_guid", "batch_id", "batch_code"]]

    def __init__(
        self,
        *,
        task_guid: str | XComArg,
        on_kickouts: Literal["fail", "warn", "skip"] | XComArg = "fail",
        max_kickouts: float | str | XComArg | None = None,
        wait_for_analysis: bool | str | XComArg = False,
        success_statuses: Sequence[str] | XComArg | None = None,
        eci_conn_id: str | XComArg = "eci_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: timedelta | float = 30.0,
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, deferrable=deferrable, poke_interval=poke_interval, **kwargs)
        self.task_guid = task_guid
        self.on_kickouts = on_kickouts
        self.max_kickouts = max_kickouts
        self.wait_for_analysis = wait_for_analysis
        self.success_statuses = success_statuses
        self.read(is_rendered=False)
        self._is_initialized = True

    def new_run(self, context: Context) -> TaskSensorRun:
        """Return a run with the rendered arguments."""
        from eci_provider.sensors.task_run import TaskSensorRun

        values = self.read()
        return TaskSensorRun(
            self,
            context,
            values["task_guid"],
            wait_for_analysis=values["wait_for_analysis"],
            on_kickouts=values["on_kickouts"],
            max_kickouts=values["max_kickouts"],
            success_statuses=values["success_statuses"] or (),
        )

    def triggerer_start(self) -> Any | None:
        """Return what lets the sensor start with its trigger, as it is now; None if it starts in a worker."""
        if not self._is_initialized or not self.deferrable or needs_worker_first(self):
            return None
        return start_with_task_trigger(
            self.task_guid,
            eci_conn_id=self.eci_conn_id,
            poke_interval=self.poke_interval,
            timeout=self.timeout,
            execution_timeout=self.execution_timeout,
            wait_for_analysis=self.wait_for_analysis,
            source=self.source,
        )
