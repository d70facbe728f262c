"""One run of a sensor: wait in a worker or with a trigger, and conclude."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypedDict, TypeVar

from eci_provider.api.errors import EciWaitTimeoutError
from eci_provider.api.models import ResponseModel, plain_guid
from eci_provider.hooks.eci import EciHook
from eci_provider.links import LinkedTask, show_link
from eci_provider.runtime.advice import hints_added, wait_hint
from eci_provider.triggers.base import EciTrigger
from eci_provider.waiting.deadlines import deadline_after, execution_deadline, first_poll_after, framework_timeout
from eci_provider.waiting.events import unpack
from eci_provider.waiting.poller import Poller
from eci_provider.waiting.resume import final_result
from eci_provider.waiting.timeouts import poll_in_worker, wait_in_worker

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

_Found = TypeVar("_Found", bound=ResponseModel)


class WaitingSensor(LinkedTask, Protocol):
    """What a run reads of its sensor."""

    eci_conn_id: str

    @property
    def poke_interval(self) -> float:
        """Return the seconds between two polls."""

    @property
    def timeout(self) -> float:
        """Return how many seconds the wait may take."""

    @property
    def execution_timeout(self) -> timedelta | None:
        """Return how long Airflow lets a try run."""


class Deferral(TypedDict):
    """What a task defers with."""

    trigger: EciTrigger
    timeout: timedelta


class SensorRun(ABC, Generic[_Found]):
    """
    One run of a sensor; its children know what is waited for.

    :param sensor: the sensor, for its limits and its link.
    :param context: Airflow's context.
    """

    def __init__(self, sensor: WaitingSensor, context: Context) -> None:
        self.sensor = sensor
        self.context = context
        self.hook = EciHook(sensor.eci_conn_id)
        self._last_poller: Poller[_Found] | None = None

    @property
    @abstractmethod
    def subject(self) -> dict[str, Any]:
        """Return what is waited for: ``task_guid`` or ``batch_id``."""

    @abstractmethod
    def poller(self, deadline: datetime | None, execution_deadline: datetime | None = None) -> Poller[_Found]:
        """Return the poller for a wait in this process."""

    @abstractmethod
    def trigger(self, deadline: datetime, execution_deadline: datetime | None, first_poll: datetime) -> EciTrigger:
        """Return the trigger for the same wait in the triggerer."""

    @abstractmethod
    def parse(self, found: dict[str, Any]) -> _Found:
        """Return what a trigger found."""

    @abstractmethod
    def conclude(self, found: _Found) -> dict[str, Any]:
        """Return the sensor's result, or end the task as the outcome demands."""

    def show_link(self, **facts: Any) -> None:
        """
        Make the link "Open in EnergyCAP" work.

        :param facts: what is known; the subject if left out.
        """
        show_link(self.sensor, self.context, self.hook, **(facts or self.subject))

    def wait_or_defer(self) -> tuple[dict[str, Any] | None, Deferral | None]:
        """
        Poll once, and return the result if the wait is over; else what the task defers with.

        A trigger that fires at once can make Airflow fail the task, and a wait that is over needs no triggerer.
        """
        deadline = deadline_after(self.sensor.timeout)
        limit = execution_deadline(self.sensor.execution_timeout, self._started())
        with self.hook:
            poller = self.poller(deadline, limit)
            with hints_added(wait_hint):
                found = poll_in_worker(poller)
            if found is not None:
                return self.conclude(found), None
        first_poll = first_poll_after(poller.delay, poll_interval=self.sensor.poke_interval)
        trigger = self.trigger(deadline, limit, first_poll)
        return None, {"trigger": trigger, "timeout": framework_timeout(deadline)}

    def wait(self) -> dict[str, Any]:
        """Wait in a worker and return the result."""
        with self.hook:
            with hints_added(wait_hint):
                found = wait_in_worker(self.poller(deadline_after(self.sensor.timeout)))
            return self.conclude(found)

    def poke(self) -> tuple[bool, dict[str, Any] | None]:
        """Poll once, and after a 404 again; return whether the wait is over, and the result then."""
        with self.hook:
            self._last_poller = self.poller(None)
            with hints_added(wait_hint):
                found = self._last_poller.poll_settled()
            return (False, None) if found is None else (True, self.conclude(found))

    def timeout_error(self) -> EciWaitTimeoutError:
        """Return the error for a rescheduled sensor whose ``timeout`` has expired, after its last :meth:`poke`."""
        error = (self._last_poller or self.poller(None)).timeout_error(None, ended_by="timeout")
        return error.copy(f"{error.message} {wait_hint(error)}")

    def is_about_another(self, event: object) -> bool:
        """
        Return whether a trigger waited for something else than the sensor's rendered arguments say.

        :param event: the trigger's event; one that names nothing is not about another.
        """
        name, wanted = next(iter(self.subject.items()))
        waited_for = event.get(name) if isinstance(event, Mapping) else None
        return waited_for is not None and _comparable(waited_for) != _comparable(wanted)

    def complete(self, event: dict[str, Any]) -> dict[str, Any]:
        """
        Return the result after the trigger has fired.

        :param event: the trigger's event.
        """
        with self.hook:
            self.show_link()
            with hints_added(wait_hint):
                found = self.parse(unpack(event))
            return self.conclude(found)

    def complete_without_event(self, next_kwargs: dict[str, Any] | None) -> dict[str, Any]:
        """
        Return the result after Airflow gave the trigger up.

        :param next_kwargs: what Airflow resumes the task with.
        """
        with self.hook:
            self.show_link()
            started = self._started()
            deadline = deadline_after(self.sensor.timeout, since=started) if started else None
            poller = self.poller(deadline, execution_deadline(self.sensor.execution_timeout, started))
            with hints_added(wait_hint):
                found = final_result(poller, next_kwargs)
            return self.conclude(found)

    def _started(self) -> datetime | None:
        """Return when Airflow began the try, as far as it says so."""
        started = getattr(self.context.get("ti"), "start_date", None)
        return started if isinstance(started, datetime) else None


def _comparable(subject: object) -> str:
    """Return a GUID, as it is written everywhere, or a batch's number."""
    return plain_guid(str(subject)) or str(subject).lower()
