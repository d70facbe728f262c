"""Poll something in EnergyCAP until it is done: in a worker and in a triggerer alike."""

from __future__ import annotations

import logging
import random
from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from eci_provider.api.errors import EciError, EciNotFoundError, EciTriggerError, EciWaitTimeoutError
from eci_provider.api.transport.retries import is_transient
from eci_provider.core import clock
from eci_provider.core.text import shown
from eci_provider.core.time_limit import run_within
from eci_provider.waiting.client import ClientFactory, ClientProvider
from eci_provider.waiting.schedule import EndedBy, PollSchedule

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

#: How many bytes of a status are logged and shown in errors.
_LONGEST_STATUS = 300


class Poller(ABC, Generic[_Found]):
    """
    Poll something in EnergyCAP until it is done or a deadline passes.

    Its errors say what is known of the server's state. What to do next is added by the task, since only the task
    knows what its next try does.

    :param client: gives the client; asked at every poll, so the first poll may make the client.
    :param poll_interval: seconds between two polls after the ramp-up.
    :param deadline: when the wait ends; None for never.
    :param execution_deadline: when Airflow's ``execution_timeout`` ends the try; None in a worker, where Airflow
        ends it itself.
    """

    __slots__ = ("_client", "_has_failed", "_last_state", "_provider", "delay", "last_status", "schedule")

    def __init__(
        self,
        client: ClientProvider,
        *,
        poll_interval: float,
        deadline: datetime | None,
        execution_deadline: datetime | None = None,
    ) -> None:
        self._provider = client
        self._client = ClientFactory(client.get_conn)
        self.schedule = PollSchedule(
            poll_interval=poll_interval,
            deadline=deadline,
            random=random.random,
            execution_deadline=execution_deadline,
        )
        self._has_failed = False
        #: Seconds until the next poll, after one that did not end the wait.
        self.delay = 0.0
        self.last_status: str | None = None
        #: The last status, and what had not happened by then.
        self._last_state: tuple[str | None, str | None] | None = None

    @property
    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return what is polled, as details of errors: task_guid or batch_id first."""

    @abstractmethod
    def request(self, client: EciClient, *, is_unlisted: bool = False) -> _Found:
        """
        Request the current state once.

        :param client: the client.
        :param is_unlisted: whether the list of imports, read just now, does not show it.
        """

    @abstractmethod
    def is_done(self, found: _Found) -> bool:
        """Return whether the wait is over."""

    @abstractmethod
    def status_of(self, found: _Found) -> str | None:
        """Return EnergyCAP's status."""

    @abstractmethod
    def unmet_condition(self) -> str:
        """Return what has not happened yet, as a predicate, such as "had not ended"."""

    @abstractmethod
    def consequence(self, cause: EciError | None) -> str:
        """
        Return what happens in EnergyCAP after the wait, as a sentence.

        :param cause: why the last poll failed, if it did.
        """

    @abstractmethod
    def awaited(self, found: _Found) -> str:
        """Return what is waited for, its status and since when, such as "batch 7 to be 'Closed': 'Open'"."""

    def batch_clause(self) -> str:
        """Return the batch, as far as a poll has shown it, as a clause of a sentence."""
        return ""

    def begin_with_pause(self, seconds: float) -> None:
        """
        Set the delay before the first poll, for something that has just been polled elsewhere.

        :param seconds: how long to wait; the deadline is kept.
        """
        self.delay = self.schedule.before_first_poll(seconds)

    def timeout_error(self, cause: EciError | None, *, ended_by: EndedBy | None = None) -> EciWaitTimeoutError:
        """
        Return the error for a wait whose time ran out.

        :param cause: why the last poll failed, if it did.
        :param ended_by: which timeout ended the wait; the earlier deadline if left out.
        """
        limit = ended_by or self.schedule.ended_by
        deadline = self.schedule.deadline_text(limit)
        return EciWaitTimeoutError(
            f"{self} {self.unmet_condition()} by {deadline}, when its `{limit}` expired. {self._state(cause)}",
            ended_by=limit,
            status=self.last_status,
            deadline=deadline,
            **self.facts,
        )

    def trigger_error(self, reason: str, cause: EciError | None) -> EciTriggerError:
        """
        Return the error for a wait whose trigger failed.

        :param reason: Airflow's reason.
        :param cause: why the last poll failed, if it did.
        """
        return EciTriggerError(
            f"{self} {self.unmet_condition()} when its trigger failed ({reason}). {self._state(cause)}",
            status=self.last_status,
            said=reason,
            **self.facts,
        )

    def failure_error(self, error: EciError) -> EciError:
        """
        Return the error for a wait that failed polls ended: a copy, with what is known of the server's state.

        :param error: why the last poll failed.
        """
        failures = f" after {self.schedule.failures} failures in a row" if is_transient(error) else ""
        return error.copy(
            f"{error.message} {self} is no longer polled{failures}. {self._state(error, is_shown=True)}",
            **self.facts,
            last_status=self.last_status,
        )

    def run(self) -> _Found:
        """
        Wait in a worker.

        :return: what the last poll found.
        :raises EciWaitTimeoutError: if a deadline passes first; the last poll is at the deadline itself.
        :raises EciError: if a poll fails in a way that waiting cannot cure, or polls fail for too long.
        """
        while (found := self.poll_once()) is None:
            clock.sleep(self.delay)
        return found

    def poll_once(self) -> _Found | None:
        """
        Poll once.

        :return: what was found if it is done; None if not, and then :attr:`delay` is set.
        :raises EciError: as :meth:`run`.
        """
        try:
            found = self.request(self._client())
        except EciError as error:
            self.handle_failure(error)
            return None
        return self.evaluate(found)

    def poll_settled(self) -> _Found | None:
        """
        Poll once, and again after the settle time if EnergyCAP answers with 404, since a read may lag.

        :return: as :meth:`poll_once`.
        :raises EciError: as :meth:`run`.
        """
        found = self.poll_once()
        if found is None and self.schedule.is_missing:
            clock.sleep(self.delay)
            found = self.poll_once()
        return found

    def evaluate(self, found: _Found) -> _Found | None:
        """
        Decide what an answer means, whoever requested it.

        :param found: EnergyCAP's answer.
        :return: the same if it is done; None if not, and then :attr:`delay` is set.
        :raises EciWaitTimeoutError: if it is not done and a deadline has passed.
        """
        is_done = self.is_done(found)
        self._note_status(found, is_done=is_done)
        if is_done:
            return found
        delay = self.schedule.after_poll()
        if delay is None:
            raise self.timeout_error(None)
        self.delay = delay
        return None

    def handle_failure(self, error: EciError) -> None:
        """
        Decide what a failed poll means, whoever made it; if the wait continues, :attr:`delay` is set.

        :param error: why the poll failed.
        :raises EciError: if waiting cannot cure it, polls have failed for too long, or a deadline has passed.
        """
        if isinstance(error, EciNotFoundError):
            delay = self.schedule.after_missing(self._provider.settle_time)
        else:
            delay = self.schedule.after_failure(error)
        if delay is None:
            if is_transient(error) and self.schedule.is_expired():
                raise self.timeout_error(error) from error
            # One failure may end many waits, and each error names its own.
            raise self.failure_error(error) from error.__cause__
        if not self._has_failed:
            log.warning("%s: poll failed; retrying. Further failures are not logged. %s", self, error)
        self._has_failed = True
        self.delay = delay

    def final_poll(self, seconds: float) -> _Found | None:
        """
        Poll once more after the wait was ended from outside.

        :param seconds: how long the poll may take.
        :return: what was found if it is done; None if not.
        :raises EciError: if the poll fails for any reason.
        """
        client = self._client()
        found = run_within(seconds, lambda: self.request(client))
        is_done = self.is_done(found)
        self._note_status(found, is_done=is_done)
        return found if is_done else None

    def _state(self, cause: EciError | None, *, is_shown: bool = False) -> str:
        """Return what is known of the server's state, as sentences."""
        status = self.last_status
        known = "Its status is not known" if status is None else f"Its last status was {status!r}"
        failure = f" The last poll failed: {cause.message}" if cause and not is_shown else ""
        return f"{known}{self.batch_clause()}.{failure} {self.consequence(cause)}"

    def _note_status(self, found: _Found, *, is_done: bool) -> None:
        """Log a change of state, once: of the status, or of what is waited for."""
        status = shown(self.status_of(found), _LONGEST_STATUS)
        state = (status, None if is_done else self.unmet_condition())
        self.last_status = status
        if state == self._last_state:
            return
        self._last_state = state
        if is_done:
            log.info("%s is %r.", self, status)
        else:
            log.info("Waiting for %s.", self.awaited(found))
