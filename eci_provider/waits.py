"""Wait for an import or a batch: the same wait in a worker and in a triggerer."""

from __future__ import annotations

import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from eci_provider import clock
from eci_provider.api.errors import EciError, EciTriggerError, EciWaitTimeoutError
from eci_provider.api.retries import is_transient
from eci_provider.connecting import PatientClient
from eci_provider.limits import bounded
from eci_provider.waiting import EndedBy, Watch, batch_has_arrived, task_has_ended

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")


class Wait(ABC, Generic[_Found]):
    """
    Look at something in EnergyCAP until it is done or a deadline passes.

    :param client: gives the client; asked for at every look, so that a first look may make it.
    :param poll_interval: seconds between two looks, once the wait is not young any more.
    :param deadline: when it ends whatever happens; None for never.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try; None where that does it itself.
    """

    __slots__ = ("_client", "_has_stumbled", "delay", "last_status", "watch")

    def __init__(
        self,
        client: Callable[[], EciClient],
        *,
        poll_interval: float,
        deadline: datetime | None,
        execution_deadline: datetime | None = None,
    ) -> None:
        self._client = PatientClient(client)
        self.watch = Watch(
            poll_interval=poll_interval,
            deadline=deadline,
            random=random.random,
            execution_deadline=execution_deadline,
        )
        self._has_stumbled = False
        #: Seconds until the next look, after one that did not end the wait.
        self.delay = 0.0
        self.last_status: str | None = None

    @property
    @abstractmethod
    def about(self) -> dict[str, Any]:
        """Return what is waited for: task_guid or batch_id."""

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
    def missed(self) -> str:
        """Return what has not happened in time, as a predicate."""

    @abstractmethod
    def advice(self, ended_by: EndedBy | None) -> str:
        """Return how to go on; ``ended_by`` is None when no limit ended the wait."""

    def overdue(self, cause: EciError | None, *, ended_by: EndedBy | None = None) -> EciWaitTimeoutError:
        """
        Return the error for a wait whose time ran out.

        :param cause: why the last look failed, if it did.
        :param ended_by: which limit ended it; the earlier of the two deadlines unless given.
        """
        limit = ended_by or self.watch.ended_by
        deadline = self.watch.deadline_text(limit)
        return EciWaitTimeoutError(
            f"{self} {self.missed()} by {deadline}, when its `{limit}` was over;{self._last_words(cause)} "
            f"{self.advice(limit)}",
            ended_by=limit,
            status=self.last_status,
            deadline=deadline,
            **self.about,
        )

    def broken_off(self, said: str, cause: EciError | None) -> EciTriggerError:
        """
        Return the error for a wait whose trigger died.

        :param said: what Airflow said about it.
        :param cause: why the last look failed, if it did.
        """
        return EciTriggerError(
            f"{self} {self.missed()} when the wait for it in the triggerer broke off ({said});"
            f"{self._last_words(cause)} {self.advice(None)}",
            status=self.last_status,
            said=said,
            **self.about,
        )

    def _last_words(self, cause: EciError | None) -> str:
        status = (
            "its status is not known."
            if self.last_status is None
            else f"its last status was {self.last_status!r}."
        )
        return f" {status} The last look failed: {cause.message}" if cause else f" {status}"

    def run(self) -> _Found:
        """
        Wait in a worker.

        :return: what the last look found.
        :raises EciWaitTimeoutError: when a deadline passes first, after a last look at the deadline itself.
        :raises EciError: when a look fails in a way that waiting cannot cure, or for too long.
        """
        while (found := self.look_once()) is None:
            clock.sleep(self.delay)
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
            self.stumble(error)
            return None
        return self.take(found)

    def take(self, found: _Found) -> _Found | None:
        """
        Judge what was found, whoever asked for it.

        :param found: what EnergyCAP says.
        :return: the same when it is done; None when it is not, and then :attr:`delay` is set.
        :raises EciWaitTimeoutError: when it is not done and a deadline has passed.
        """
        self._note(found)
        if self.is_done(found):
            return found
        delay = self.watch.after_look()
        if delay is None:
            raise self.overdue(None)
        self.delay = delay
        return None

    def stumble(self, error: EciError) -> None:
        """
        Judge a failed look, whoever asked; when the wait goes on :attr:`delay` is set.

        :param error: why it failed.
        :raises EciError: when waiting cannot cure it, it has gone on for too long, or a deadline has passed.
        """
        self.delay = self._delay_after_failure(error)

    def final_look(self, seconds: float) -> _Found | None:
        """
        Look once more after the wait was ended from outside.

        :param seconds: how long it may take.
        :return: what was found when it is done; None when it is not.
        :raises EciError: when the look fails, whatever the reason.
        """
        client = self._client()
        found = bounded(lambda: self.look(client), seconds)
        self._note(found)
        return found if self.is_done(found) else None

    def _delay_after_failure(self, error: EciError) -> float:
        delay = self.watch.after_failure(error)
        if delay is not None:
            if not self._has_stumbled:
                log.warning("%s Looking again, and on until it works; further failures are not logged.", error)
            self._has_stumbled = True
            return delay
        if is_transient(error):
            if self.watch.is_over():
                raise self.overdue(error) from error
            failures = self.watch.failures
            log.error("%s: %d looks in a row failed, that is enough. %s", self, failures, self.advice(None))
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

    __slots__ = ("_is_analysing", "task_guid", "wait_for_analysis")

    def __init__(
        self,
        client: Callable[[], EciClient],
        task_guid: str,
        *,
        poll_interval: float,
        deadline: datetime | None,
        wait_for_analysis: bool = False,
        execution_deadline: datetime | None = None,
    ) -> None:
        super().__init__(
            client, poll_interval=poll_interval, deadline=deadline, execution_deadline=execution_deadline
        )
        self.task_guid = task_guid
        self.wait_for_analysis = wait_for_analysis
        self._is_analysing = False

    def __str__(self) -> str:
        return f"Import {self.task_guid}"

    @property
    def about(self) -> dict[str, Any]:
        """Return what is waited for."""
        return {"task_guid": self.task_guid}

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

    def missed(self) -> str:
        """Return what has not happened in time, as a predicate."""
        return "had ended, but its bills were not analysed" if self._is_analysing else "had not ended"

    def advice(self, ended_by: EndedBy | None) -> str:
        """Return how to go on; in no case by sending the file again."""
        if ended_by == "timeout":
            next_step = ": raise `timeout` and clear the task, which reattaches, or wait for it with EciTaskSensor"
        else:
            next_step = ", and a retry or clear of the task reattaches to it"
        return f"It goes on in EnergyCAP{next_step}; do not send the file again."


class BatchWait(Wait["BatchResponse"]):
    """
    Wait until a batch has a status, or its bills were analysed.

    :param batch_id: the batch.
    :param batch_status: the wanted status, in any case; None for any.
    :param wait_for_analysis: whether no bill of it may be under analysis any more.
    """

    __slots__ = ("batch_id", "batch_status", "wait_for_analysis")

    def __init__(
        self,
        client: Callable[[], EciClient],
        batch_id: int,
        *,
        poll_interval: float,
        deadline: datetime | None,
        batch_status: str | None = None,
        wait_for_analysis: bool = False,
        execution_deadline: datetime | None = None,
    ) -> None:
        super().__init__(
            client, poll_interval=poll_interval, deadline=deadline, execution_deadline=execution_deadline
        )
        self.batch_id = batch_id
        self.batch_status = batch_status
        self.wait_for_analysis = wait_for_analysis

    def __str__(self) -> str:
        return f"Batch {self.batch_id}"

    @property
    def about(self) -> dict[str, Any]:
        """Return what is waited for."""
        return {"batch_id": self.batch_id}

    def look(self, client: EciClient) -> BatchResponse:
        """Ask for the batch once; failures are counted here and not in the session."""
        return client.batches.get(self.batch_id, repeat=False)

    def is_done(self, found: BatchResponse) -> bool:
        """Tell whether it is where it is waited for."""
        return batch_has_arrived(found, batch_status=self.batch_status, wait_for_analysis=self.wait_for_analysis)

    def status_of(self, found: BatchResponse) -> str | None:
        """Return the batch's status."""
        return found.batch_status

    def missed(self) -> str:
        """Return what has not happened in time, as a predicate."""
        aim = f"status {self.batch_status!r}" if self.batch_status else "the end of its bills' analysis"
        return f"had not reached {aim}"

    def advice(self, ended_by: EndedBy | None) -> str:
        """Return how to go on."""
        if ended_by == "timeout":
            return "Nothing was changed: raise `timeout` and clear the task to go on waiting."
        return "Nothing was changed, and a retry or clear of the task goes on waiting."
