"""Wait for an import without a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eci_provider.triggers.base import EciTrigger

if TYPE_CHECKING:
    from eci_provider.hooks.eci import EciHook
    from eci_provider.waits import TaskWait


class EciTaskTrigger(EciTrigger):
    """
    Fire when a bill import has ended.

    :param task_guid: the import.
    :param eci_conn_id: the Airflow connection.
    :param poll_interval: seconds between two looks.
    :param deadline: when the wait ends, in ISO 8601 with an offset; None for never.
    :param wait_for_analysis: whether its bills must have been analysed too.
    """

    def __init__(
        self,
        task_guid: str,
        eci_conn_id: str = "eci_default",
        poll_interval: float = 30.0,
        deadline: str | None = None,
        wait_for_analysis: bool = False,
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, poll_interval=poll_interval, deadline=deadline)
        self.task_guid = task_guid
        self.wait_for_analysis = wait_for_analysis

    def about(self) -> dict[str, Any]:
        """Return what is waited for."""
        return {"task_guid": self.task_guid}

    def arguments(self) -> dict[str, Any]:
        """Return what makes this trigger again, beside what all triggers have."""
        return {"wait_for_analysis": self.wait_for_analysis}

    def wait(self, hook: EciHook) -> TaskWait:
        """Return the wait."""
        from eci_provider.waits import TaskWait

        return TaskWait(
            hook.get_conn,
            self.task_guid,
            poll_interval=self.poll_interval,
            deadline=self.deadline_moment,
            wait_for_analysis=self.wait_for_analysis,
        )
