"""Wait for something in EnergyCAP: the same wait in a worker and in a triggerer."""

from __future__ import annotations

import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from eci_provider.api.errors import EciError, EciTriggerError, EciWaitTimeoutError
from eci_provider.api.transport.retries import is_transient
from eci_provider.core import clock
from eci_provider.core.text import cut
from eci_provider.core.time_limit import run_within
from eci_provider.waiting.client import PatientClientProvider
from eci_provider.waiting.schedule import EndedBy, PollSchedule

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

#: How much of a status is logged and told, in bytes.
_LONGEST_STATUS = 300


class Poller(ABC, Generic[_Found]):
    """
    Look at something in EnergyCAP until it is done or a deadline passes.

    Its errors say what is known of the server's state. How to go on is for the task to say, which alone knows what
    a later try of it does.

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
        self._client = PatientClientProvider(client)
        self.watch = PollSchedule(
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
        """Return what is waited for, and where: task_guid or batch_id, above all."""

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
    def meanwhile(self, cause: EciError | None) -> str:
        """Return what becomes of it without the wait; ``cause`` is why the last look failed, if it did."""

    def overdue(self, cause: EciError | None, *, ended_by: EndedBy | None = None) -> EciWaitTimeoutError:
        """
        Return the error for a wait whose time ran out.

        :param cause: why the last look failed, if it did.
        :param ended_by: which limit ended it; the earlier of the two deadlines unless given.
        """
        limit = ended_by or self.watch.ended_by
        deadline = self.watch.deadline_text(limit)
        return EciWaitTimeoutError(
            f"{self} {self.missed()} by {deadline}, when its `{limit}` was over;{self._last_words(cause)}",
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
            f"{self._last_words(cause)}",
            status=self.last_status,
            said=said,
            **self.about,
        )

    def given_up(self, error: EciError) -> EciError:
        """
        Return the error for a wait that failed looks ended: as it was, with what is known of what was waited for.

        :param error: why the last look failed.
        """
        looks = f", after {self.watch.failures} failed looks in a row" if is_transient(error) else ""
        return error.copy(
            f"{error.message} {self} is not waited for any more{looks};{self._last_words(error, is_told=True)}",
            **self.about,
            last_status=self.last_status,
        )

    def place(self) -> str:
        """Return where it is, as far as a look has shown that, as the end of a sentence."""
        return ""

    def _last_words(self, cause: EciError | None, *, is_told: bool = False) -> str:
        known = "is not known" if self.last_status is None else f"was {self.last_status!r}"
        status = "status" if self.last_status is None else "last status"
        failed = f" The last look failed: {cause.message}" if cause and not is_told else ""
        return f" its {status} {known}{self.place()}.{failed} {self.meanwhile(cause)}"

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
        found = run_within(seconds, lambda: self.look(client))
        self._note(found)
        return found if self.is_done(found) else None

    def _delay_after_failure(self, error: EciError) -> float:
        delay = self.watch.after_failure(error)
        if delay is not None:
            if not self._has_stumbled:
                log.warning("%s Looking again, and on until it works; further failures are not logged.", error)
            self._has_stumbled = True
            return delay
        if is_transient(error) and self.watch.is_over():
            raise self.overdue(error) from error
        # One failure may end many waits, and each says what it waited for.
        raise self.given_up(error) from error.__cause__

    def _note(self, found: _Found) -> None:
        """Log a change of state, once."""
        status = cut(self.status_of(found), _LONGEST_STATUS)
        if status != self.last_status:
            log.info("%s is %r.", self, status)
        self.last_status = status
