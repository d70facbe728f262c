"""What both triggers share: plain arguments, one wait, one event."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from eci_provider.triggers.shared_client import ClientProvider
    from eci_provider.waiting.poller import Poller


class EciTrigger(BaseTrigger):
    """
    Wait in the triggerer and fire one event: what was found, or the error that ended the wait.

    :param eci_conn_id: the Airflow connection; the key is read from it there and is never part of the trigger.
    :param poll_interval: seconds between two looks.
    :param deadline: when the wait ends, in ISO 8601, UTC without an offset; None for never.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try, written as ``deadline``; the wait
        ends at the earlier of the two.
    """

    _is_loaded = False

    def __init__(
        self, *, eci_conn_id: str, poll_interval: float, deadline: str | None, execution_deadline: str | None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.eci_conn_id = eci_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.execution_deadline = execution_deadline

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """Return what the event says beside what was found: task_guid or batch_id, above all."""

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return what makes this trigger again, beside what all triggers have."""

    @abstractmethod
    def poller(self, client: ClientProvider) -> Poller[Any]:
        """
        Return the wait; a worker that does not defer carries it out itself.

        :param client: a hook, or what stands in for one.
        """

    def share(self) -> dict[str, Any]:
        """Return what lets the wait take part in the list of all imports: ``task_guid`` and ``begun``."""
        return {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again: plain JSON, and no key."""
        cls = type(self)
        common = {
            "eci_conn_id": self.eci_conn_id,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
            "execution_deadline": self.execution_deadline,
        }
        return f"{cls.__module__}.{cls.__qualname__}", {**self.about(), **self.arguments(), **common}

    @property
    def deadlines(self) -> dict[str, datetime | None]:
        """Return both deadlines as datetimes, named as the wait takes them."""
        from eci_provider.api.tasks import parse_datetime

        texts = {"deadline": self.deadline, "execution_deadline": self.execution_deadline}
        return {name: parse_datetime(text) if text else None for name, text in texts.items()}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait together with the other triggers of the connection, and yield one event whatever happens."""
        if not EciTrigger._is_loaded:
            # Models take their time to load, and the event loop is everybody's.
            await asyncio.to_thread(_load)
            EciTrigger._is_loaded = True
        from eci_provider.triggers.poll_hub import join_hub
        from eci_provider.waiting.events import error_event, found_event

        try:
            hub, member = join_hub(self.eci_conn_id, self.poller, **self.share())
            try:
                outcome = await member.future
            finally:
                hub.leave(member)
            if isinstance(outcome, Exception):
                raise outcome
            event = found_event(outcome, **self.about())
        except Exception as error:
            # Whatever it was must reach the task, which would otherwise end without a reason.
            event = error_event(error, **self.about())
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]


def _load() -> None:
    """Load what a wait needs, and what is not loaded where DAG files are read."""
