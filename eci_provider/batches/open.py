"""Open a batch once: its code is unique in EnergyCAP, so a search by code shows what became of a request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import (
    EciBadRequestError,
    EciExistsError,
    EciUnknownOutcomeError,
    EciValidationError,
)
from eci_provider.api.filters import Filter, where
from eci_provider.api.transport.failures import may_have_taken_effect
from eci_provider.core import clock
from eci_provider.core.dates import ANY_ZONE, has_offset, parse_datetime, shifted
from eci_provider.core.text import shown
from eci_provider.submission.settle import MOST_SENDS, find_after_settling
from eci_provider.waiting.clocks import by_server

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.client import EciClient
    from eci_provider.submission.record import TaskMemory

log = logging.getLogger(__name__)

#: The key of a task's record in Airflow's task state, from try to try.
OPENING_KEY = "eci_opening"

#: How far apart the clocks that are compared may be: Airflow's own, and EnergyCAP's own.
_CLOCKS_APART = timedelta(hours=1)
_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True)
class BatchOpener:
    """
    Open a batch, unless an earlier attempt did.

    :param client: the client.
    :param fields: the batch, as ``batches.open`` takes it.
    :param adopts: whether any open batch with the code will do, whoever opened it.
    :param is_later_attempt: whether an earlier attempt may have opened it.
    :param earliest_start: the earliest time at which an attempt can have opened it; None if not known.
    :param memory: the record of earlier attempts: the code, and since when by EnergyCAP's clock a request for it
        may have been sent; no time if the only one was refused.
    :param settle_time: seconds until a request whose answer was lost has taken effect.
    :param source: whose batch it is, for messages.
    """

    client: EciClient
    fields: dict[str, Any]
    adopts: bool
    is_later_attempt: bool
    earliest_start: datetime | None
    memory: TaskMemory
    settle_time: float
    source: str

    def open_or_adopt(self) -> tuple[BatchResponse, str]:
        """
        Open the batch, or adopt the one that an earlier request opened.

        :return: the batch, and in words where it comes from.
        :raises EciExistsError: if the code belongs to a batch that may not be adopted.
        :raises EciUnknownOutcomeError: if it is not known whether it was opened; a later attempt may find out.
        :raises EciError: as for every request.
        """
        if self.adopts or self.is_later_attempt:
            found = self._find()
            if found is not None:
                return self._checked(found, self._since, "opened by an earlier attempt of this task")
        return self._open()

    def _open(self) -> tuple[BatchResponse, str]:
        self._record_intent()
        began, is_lost = clock.utc_now(), False
        for _ in range(MOST_SENDS):
            try:
                return self._opened(), "opened"
            except EciBadRequestError as error:
                return self._after_refusal(error, is_lost=is_lost, began=began)
            except EciUnknownOutcomeError as error:
                log.warning("%s Searching for its batch.", error)
                lost, is_lost = error, True
            found = self._find_after_settling()
            if found is not None:
                return self._checked(found, self._by_server(began), "opened, though the answer was lost")
            log.info("Two searches found no batch %r; opening it again.", self._code)
        raise lost

    def _opened(self) -> BatchResponse:
        """Send the request, and return the batch if the answer says that it is open."""
        batch = self.client.batches.open(**self.fields)
        if not batch.has_status("open"):
            raise EciUnknownOutcomeError(
                f"The answer to opening batch {self._code!r} says that its status is {batch.batch_status!r}.",
                batch_code=self._code,
            )
        return batch

    def _after_refusal(
        self, error: EciBadRequestError, *, is_lost: bool, began: datetime
    ) -> tuple[BatchResponse, str]:
        """Return the batch if a request is refused because the code is used already; else raise the refusal."""
        is_lost = is_lost or may_have_taken_effect(error)
        may_be_own = is_lost or self._may_be_open
        if not may_be_own:
            self.memory.write({"batch_code": self._code})
        # A list may lag: it may show only now what the refusal is about.
        found = self._find_after_settling() if may_be_own or self.adopts else None
        since = self._by_server(began) if is_lost else self._since
        if found is None or not (self.adopts or self._is_own(found, since if may_be_own else None)):
            raise error
        return self._checked(found, since, "opened by an earlier request of this task")

    def _by_server(self, moment: datetime) -> datetime:
        """Return a time of this machine by EnergyCAP's clock, less a margin."""
        return by_server(self.client, shifted(moment, -_MARGIN))

    @cached_property
    def _record(self) -> Mapping[str, Any]:
        """Return what earlier attempts recorded of this batch."""
        record = self.memory.read()
        return record if record.get("batch_code") == self._code else {}

    def _record_intent(self) -> None:
        """Record since when a request may have been sent. If that fails, nothing was sent."""
        if self.memory.lasts and not self.adopts and not self._record.get("since"):
            self.client.account.me()  # its answer shows the server's time
            self.memory.write({"batch_code": self._code, "since": self.client.server_now().isoformat()})

    @property
    def _may_be_open(self) -> bool:
        """Return whether an earlier attempt may have opened it."""
        return bool(self._record.get("since")) or (self.is_later_attempt and not self._record)

    @property
    def _since(self) -> datetime | None:
        """Return since when, by EnergyCAP's clock, an earlier attempt can have opened it; None if none can."""
        if self._record:
            since = self._record.get("since")
            return shifted(parse_datetime(since), -_MARGIN) if since else None
        start = self.earliest_start
        return by_server(self.client, shifted(start, -_CLOCKS_APART)) if start else None

    def _find_after_settling(self) -> BatchResponse | None:
        return find_after_settling(
            self._find,
            self.settle_time,
            unknown=f"{self.source}: it is not known whether batch {self._code!r} was opened",
            batch_code=self._code,
        )

    @property
    def _code(self) -> str:
        return str(self.fields["batch_code"])

    def _find(self) -> BatchResponse | None:
        """Return the batch with this code, whatever its status."""
        batches = self.client.batches.list(filter_by_code(self._code))
        found = next((batch for batch in batches if batch.batch_code == self._code), None)
        if found is not None and not found.batch_id:
            raise EciUnknownOutcomeError(
                f"{self.source}: EnergyCAP lists batch {self._code!r} without its number, so it cannot be used.",
                batch_code=self._code,
            )
        return found

    def _checked(self, batch: BatchResponse, since: datetime | None, how: str) -> tuple[BatchResponse, str]:
        """Return a batch with this code, or refuse it."""
        is_own = self._is_own(batch, since)
        facts = {"batch_id": batch.batch_id, "batch_code": self._code, "batch_status": shown(batch.batch_status)}
        if not is_own and not self.adopts:
            raise EciExistsError(
                f"{self.source}: batch {self._code!r} ({batch.batch_id}) exists and was not opened by this task. "
                "Set if_exists='adopt' to use it as it is, or choose another batch_code.",
                **facts,
            )
        if not batch.has_status("open"):
            raise EciExistsError(
                f"{self.source}: batch {self._code!r} ({batch.batch_id}) exists and is {facts['batch_status']}, "
                "so no bills can be added to it. Choose another batch_code, or open that batch if it is pending.",
                **facts,
            )
        return batch, how if is_own else "there already, and is used as it was before"

    def _is_own(self, batch: BatchResponse, since: datetime | None) -> bool:
        """Return whether the key's owner opened a batch since a time by the server's clock."""
        creator = batch.created_by.user_code if batch.created_by else None
        if since is None or not creator or not batch.start_date:
            return False
        me = self.client.account.me().system_user_code or ""
        try:
            started = parse_datetime(batch.start_date)
        except ValueError:
            return False
        margin = timedelta(0) if has_offset(batch.start_date) else ANY_ZONE
        return creator.casefold() == me.casefold() and started >= shifted(since, -margin)


def filter_by_code(code: str) -> Filter | None:
    """
    Return the filter that finds the batch with a code; None, for all batches, if no filter can express it.

    :param code: the batch code.
    """
    try:
        return where("batchCode", "equals", code)
    except EciValidationError:
        return None
