"""Wait for an import."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eci_provider.arguments import check_choice, check_statuses, is_template
from eci_provider.judging import judged
from eci_provider.links import LINK_FACTS
from eci_provider.outcome import ON_KICKOUTS, concluded
from eci_provider.sensors.base import EciSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.tasks import TaskResponse
    from eci_provider.hooks.eci import EciHook
    from eci_provider.triggers.task import EciTaskTrigger


class EciTaskSensor(EciSensor["TaskResponse"]):
    """
    Wait until a bill import has ended (GetTaskV3), and judge how.

    :param task_guid: the import.
    :param on_kickouts: what kicked-out rows make of the task: ``fail``, ``warn`` (it succeeds) or ``skip``.
    :param wait_for_analysis: whether to wait until the imported bills were analysed too.
    :param success_statuses: further status literals of EnergyCAP that count as success.
    :param kwargs: ``eci_conn_id``, ``deferrable``, ``poke_interval`` and what every sensor takes.
    :return: the import's result, see the README.
    """

    template_fields: Sequence[str] = ("eci_conn_id", "task_guid", "on_kickouts", "success_statuses")

    def __init__(
        self,
        *,
        task_guid: str,
        on_kickouts: str = "fail",
        wait_for_analysis: bool = False,
        success_statuses: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.task_guid = task_guid
        self.on_kickouts = on_kickouts
        self.wait_for_analysis = wait_for_analysis
        self.success_statuses = success_statuses
        check_choice("on_kickouts", on_kickouts, ON_KICKOUTS, source=self.source)
        check_statuses(success_statuses, source=self.source)
        if not is_template(task_guid):
            self._checked_guid()

    def check_rendered(self) -> None:
        """Refuse a GUID that is none, and an unknown ``on_kickouts``."""
        self._checked_guid()
        check_choice("on_kickouts", self.on_kickouts, ON_KICKOUTS, source=self.source)
        check_statuses(self.success_statuses, source=self.source)

    @property
    def link_facts(self) -> dict[str, Any]:
        """Return what is known for the link before the first look."""
        return {"task_guid": self._checked_guid()}

    def trigger(self, deadline: datetime | None) -> EciTaskTrigger:
        """Return the wait, which a triggerer or a worker carries out."""
        from eci_provider.triggers.task import EciTaskTrigger

        return EciTaskTrigger(
            self._checked_guid(),
            eci_conn_id=self.eci_conn_id,
            poll_interval=self.poke_interval,
            deadline=deadline.isoformat() if deadline else None,
            wait_for_analysis=self.wait_for_analysis,
        )

    def read_event(self, found: dict[str, Any]) -> TaskResponse:
        """Return the task that the trigger found."""
        from eci_provider.api.tasks import TaskResponse

        return TaskResponse.model_validate(found)

    def conclude(self, context: Context, hook: EciHook, found: TaskResponse) -> dict[str, Any]:
        """Return the import's result, or end the task as its outcome and ``on_kickouts`` say."""
        result = concluded(
            hook.get_conn(),
            found,
            self._checked_guid(),
            success_statuses=self.success_statuses or (),
            reattached=False,
        )
        self.show_link(context, hook, **{name: result[name] for name in LINK_FACTS})
        return judged(context, result, self.on_kickouts)

    def _checked_guid(self) -> str:
        from eci_provider.api.tasks import checked_guid

        return checked_guid(self.task_guid, source=self.source)
