"""What both triggers share: plain arguments, one wait, one event."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from datetime import datetime
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from eci_provider.core import clock
from eci_provider.core.dates import parse_datetime

if TYPE_CHECKING:
    from eci_provider.waiting.client import ClientProvider
    from eci_provider.waiting.poller import Poller


class EciTrigger(BaseTrigger):
    """
    Base class for triggers: wait in the triggerer, and fire one event with what was found, or with an error.

    :param eci_conn_id: the Airflow connection; the key is read from it in the triggerer and is never part of the
        trigger.
    :param poll_interval: seconds between two polls.
    :param deadline: when the wait ends, in ISO 8601, in UTC if it has no offset; None for never.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try, written as ``deadline``; the wait
        ends at the earlier of the two.
    :param first_poll: when the first poll is due, written as ``deadline``; None for at once.
    """

    def __init__(
        self,
        *,
        eci_conn_id: str,
        poll_interval: float,
        deadline: str | None,
        execution_deadline: str | None,
        first_poll: str | None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.eci_conn_id = eci_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.execution_deadline = execution_deadline
        self.first_poll = first_poll

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return what the event says beside what was found: task_guid or batch_id first."""

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of this trigger that are neither among its facts nor common to all triggers."""

    @abstractmethod
    def poller(self, client: ClientProvider) -> Poller[Any]:
        """
        Return the poller of the wait.

        :param client: gives the client.
        """

    def first_poller(self, client: ClientProvider) -> Poller[Any]:
        """
        Return the poller of the wait, with the pause before its first poll.

        :param client: gives the client.
        """
        poller = self.poller(client)
        if self.first_poll:
            poller.begin_with_pause((parse_datetime(self.first_poll) - clock.utc_now()).total_seconds())
        return poller

    def listing(self) -> tuple[str | None, datetime | None]:
        """Return the import and when it began, if the wait can use the list of imports."""
        return None, None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that restore this trigger: plain JSON, and no key."""
        cls = type(self)
        common = {
            "eci_conn_id": self.eci_conn_id,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
            "execution_deadline": self.execution_deadline,
            "first_poll": self.first_poll,
        }
        return f"{cls.__module__}.{cls.__qualname__}", {**self.facts(), **self.arguments(), **common}

    def deadlines(self) -> dict[str, datetime | None]:
        """Return both deadlines, named as a poller takes them."""
        texts = {"deadline": self.deadline, "execution_deadline": self.execution_deadline}
        return {name: parse_datetime(text) if text else None for name, text in texts.items()}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait together with the other triggers of the connection, and yield one event whatever happens."""
        if not load_hub.cache_info().currsize:
            # Loading the models takes time, and the event loop is shared.
            await asyncio.to_thread(load_hub)
        hub_event = load_hub()
        # Awaited here, since a function of its own would cost each of ten thousand waits a frame.
        try:
            task_guid, begun = self.listing()
            hub, member = hub_event.join_hub(self.eci_conn_id, self.first_poller, task_guid=task_guid, begun=begun)
            try:
                outcome = await member.future
            finally:
                hub.leave(member)
            event = hub_event.outcome_event(outcome, self.facts())
        except Exception as error:
            # Even a mistake of ours must reach the task, which would otherwise fail without a reason.
            event = hub_event.error_event(error, **self.facts())
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1)
def load_hub() -> ModuleType:
    """Return the module that the wait needs; it is not loaded where DAG files are parsed."""
    from eci_provider.triggers.hub import event

    return event
