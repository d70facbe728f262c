"""Wait for an import or a batch: the same wait in a worker and in a triggerer."""

from __future__ import annotations

import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from asgiref.sync import sync_to_async

from eci_provider import clock
from eci_provider.api.errors import EciError, EciWaitTimeoutError
from eci_provider.api.retries import is_transient
from eci_provider.waiting import Watch, batch_has_arrived, task_has_ended

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")


class Wait(ABC, Generic[_Found]):
    """
    Look at something in EnergyCAP until it is done or the deadline passes.

    :param client: gives the client; asked for at every look, so that a first look may make it.
    :param poll_interval: seconds between two looks, once the wait is not young any more.
    :param deadline: when it ends whatever happens; None for never.
    """

    #: Seconds until the next look, after one that did not end the wait.
    delay: float = 0.0

    def __init__(
        self, client: Callable[[], EciClient], *, poll_interval: float, deadline: datetime | None
    ) -> None:
        self._client = client
        self._watch = Watch(poll_interval=poll_interval, deadline=deadline, random=random.random)
        self._has_stumbled = False
        self.last_status: str | None = None

    @abstractmethod
    def look(self, client: EciClient) -> _Found:
        """Ask EnergyCAP once."""

    @abstractmethod
    def is_done(self, found: _Found) -> bool:
        """Judge what was found."""

    @abstractmethod
    def status_of(self, found: _Found) -> str | None:
        """Return what EnergyCAP calls the state of what was found."""

    @abstractmethod
    def overdue(self, cause: str | None) -> EciWaitTimeoutError:
        """Return the error for a wait that the deadline ended; ``cause`` is why its last look failed."""

    def run(self) -> _Found:
        """
        Wait in a worker.

        :return: what the last look found.
        :raises EciWaitTimeoutError: when the deadline passes first, after a last look at the deadline itself.
        :raises EciError: when a look fails in a way that waiting cannot cure, or for too long.
        """
        while (found := self.look_once()) is None:
            clock.sleep(self.delay)
        return found

    async def run_async(self) -> _Found:
        """Wait in an event loop: as :meth:`run`, with each look in a thread."""
        # Not asyncio.to_thread: on Airflow 3.0 a connection is looked up through the loop that this one knows.
        look = sync_to_async(self.look_once, thread_sensitive=False)
        while (found := await look()) is None:
            await clock.sleep_async(self.delay)
        return found

    def look_once(self) -> _Found | None:
        """
        Look once.

        :return: what was found when it is done; None when it is not, and then :attr:`delay` is set.
        :raises EciError: as :meth:`run`.
        """
        try:
            found = self.look(self._client())
        except EciError as error:
            self.delay = self._delay_after_failure(error)
            return None
        self._note(found)
        if self.is_done(found):
            return found
        delay = self._watch.after_look()
        if delay is None:
            raise self.overdue(None)
        self.delay = delay
        return None

    def _delay_after_failure(self, error: EciError) -> float:
        delay = self._watch.after_failure(error)
        if delay is not None:
            if not self._has_stumbled:
                log.warning("%s Looking again, and on until it works; further failures are not logged.", error)
            self._has_stumbled = True
            return delay
        if self._watch.is_over() and is_transient(error):
            raise self.overdue(error.message) from error
        raise error

    def _note(self, found: _Found) -> None:
        """Log a change of state, once."""
        status = self.status_of(found)
        if status != self.last_status:
            log.info("%s is %r.", self, status)
        self.last_status = status


class TaskWait(Wait["TaskResponse"]):
    """
    Wait until an import has ended.

    :param task_guid: the import.
    :param wait_for_analysis: whether its bills must have been analysed too.
    """

    def __init__(
        self,
        client: Callable[[], EciClient],
        task_guid: str,
        *,
        poll_interval: float,
        deadline: datetime | None,
        wait_for_analysis: bool = False,
    ) -> None:
        super().__init__(client, poll_interval=poll_interval, deadline=deadline)
        self.task_guid = task_guid
        self.wait_for_analysis = wait_for_analysis
        self._is_analysing = False

    def __str__(self) -> str:
        return f"Import {self.task_guid}"

    def look(self, client: EciClient) -> TaskResponse:
        """Ask for the task once; failures are counted here and not in the session."""
        return client.tasks.get(self.task_guid, repeat=False)

    def is_done(self, found: TaskResponse) -> bool:
        """Tell whether it has ended; its status does not count."""
        return task_has_ended(found, wait_for_analysis=self.wait_for_analysis)

    def status_of(self, found: TaskResponse) -> str | None:
        """Return the task's status, and remember whether only the analysis is still going on."""
        self._is_analysing = bool(found.end_date) and not self.is_done(found)
        return found.status

    def overdue(self, cause: str | None) -> EciWaitTimeoutError:
        """Return the error that names the import, its last status and how to go on."""
        deadline = self._watch.deadline_text
        reason = f" The last look failed: {cause}" if cause else ""
        missed = "had ended, but its bills were not analysed" if self._is_analysing else "had not ended"
        return EciWaitTimeoutError(
            f"Import {self.task_guid} {missed} by {deadline}; its last status was {self.last_status!r}."
            f"{reason} It goes on in EnergyCAP: wait for it with EciTaskSensor and a longer timeout; do not send "
            "the file again.",
            task_guid=self.task_guid,
            status=self.last_status,
            deadline=deadline,
        )


class BatchWait(Wait["BatchResponse"]):
    """
    Wait until a batch has a status, or its bills were analysed.

    :param batch_id: the batch.
    :param batch_status: the wanted status, in any case; None for any.
    :param wait_for_analysis: whether no bill of it may be under analysis any more.
    """

    def __init__(
        self,
        client: Callable[[], EciClient],
        batch_id: int,
        *,
        poll_interval: float,
        deadline: datetime | None,
        batch_status: str | None = None,
        wait_for_analysis: bool = False,
    ) -> None:
        super().__init__(client, poll_interval=poll_interval, deadline=deadline)
        self.batch_id = batch_id
        self.batch_status = batch_status
        self.wait_for_analysis = wait_for_analysis

    def __str__(self) -> str:
        return f"Batch {self.batch_id}"

    def look(self, client: EciClient) -> BatchResponse:
        """Ask for the batch once; failures are counted here and not in the session."""
        return client.batches.get(self.batch_id, repeat=False)

    def is_done(self, found: BatchResponse) -> bool:
        """Tell whether it is where it is waited for."""
        return batch_has_arrived(found, batch_status=self.batch_status, wait_for_analysis=self.wait_for_analysis)

    def status_of(self, found: BatchResponse) -> str | None:
        """Return the batch's status."""
        return found.batch_status

    def overdue(self, cause: str | None) -> EciWaitTimeoutError:
        """Return the error that names the batch, its last status and what was waited for."""
        deadline = self._watch.deadline_text
        reason = f" The last look failed: {cause}" if cause else ""
        aim = f"status {self.batch_status!r}" if self.batch_status else "the end of its bills' analysis"
        return EciWaitTimeoutError(
            f"Batch {self.batch_id} had not reached {aim} by {deadline}; its last status was "
            f"{self.last_status!r}.{reason}",
            batch_id=self.batch_id,
            status=self.last_status,
            deadline=deadline,
        )
