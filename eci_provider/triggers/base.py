"""What both triggers share: plain arguments, one wait, one event."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from eci_provider.hooks.eci import EciHook
    from eci_provider.waits import Wait


class EciTrigger(BaseTrigger):
    """
    Wait in the triggerer and fire one event: what was found, or the error that ended the wait.

    :param eci_conn_id: the Airflow connection; the key is read from it there and is never part of the trigger.
    :param poll_interval: seconds between two looks.
    :param deadline: when the wait ends, in ISO 8601, UTC without an offset; None for never.
    """

    def __init__(self, *, eci_conn_id: str, poll_interval: float, deadline: str | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.eci_conn_id = eci_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """Return what is waited for: task_guid or batch_id."""

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return what makes this trigger again, beside what all triggers have."""

    @abstractmethod
    def wait(self, hook: EciHook) -> Wait[Any]:
        """Return the wait; a worker that does not defer carries it out itself."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again: plain JSON, and no key."""
        cls = type(self)
        common = {
            "eci_conn_id": self.eci_conn_id,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
        }
        return f"{cls.__module__}.{cls.__qualname__}", {**self.about(), **self.arguments(), **common}

    @property
    def deadline_moment(self) -> datetime | None:
        """Return the deadline as a datetime."""
        from eci_provider.api.tasks import moment

        return moment(self.deadline) if self.deadline else None

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event whatever happens."""
        from eci_provider.events import error_event, found_event
        from eci_provider.hooks.eci import EciHook

        hook = EciHook(self.eci_conn_id)
        try:
            found = await self.wait(hook).run_async()
            event = found_event(found.documented(), **self.about())
        except Exception as error:
            # Whatever it was must reach the task, which would otherwise end without a reason.
            event = error_event(error, **self.about())
        finally:
            hook.close()
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]
