"""What is known of an import before it is sent: the record of earlier tries, and what a search finds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciError, EciExistsError, EciUnknownOutcomeError
from eci_provider.core import clock
from eci_provider.submission.errors import content_changed, may_be_ours, search_failed, several_carry
from eci_provider.submission.marker import Identity, Target, markers_in, salt_of, shows_notes
from eci_provider.submission.models import AttemptContext, Job, ResumeDecision
from eci_provider.submission.record import EARLIER, MOST_EARLIER
from eci_provider.submission.search import Found, is_superseded, judge, list_since, notes_were_shown

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse
    from eci_provider.runtime.compat import TaskMemory

log = logging.getLogger(__name__)

#: Where nothing tells when this task can first have sent something, the search begins so long ago.
_LONGEST_SEARCH = timedelta(days=35)
#: How far the clocks may be apart where EnergyCAP does not tell the time.
_CLOCKS_APART = timedelta(hours=26)
#: How many attempts of one piece of work are thought of; each but the last failed with nothing imported.
_ATTEMPTS = range(10)


class AttemptHistory:
    """
    Know what earlier tries did, from their record and from EnergyCAP.

    :param client: the client.
    :param job: what is to be submitted.
    :param circumstances: in which try.
    :param memory: the record of earlier tries.
    """

    def __init__(self, client: EciClient, job: Job, circumstances: AttemptContext, memory: TaskMemory) -> None:
        self._client = client
        self._job = job
        self._now = circumstances
        self._memory = memory
        self._record: Mapping[str, Any] = memory.read()
        self._generation = int(self._record.get("generation", 0))
        self._asked_user: str | None = None
        self._has_looked = False

    @cached_property
    def _identity(self) -> Identity:
        return self._job.identity()

    @cached_property
    def _salt(self) -> str:
        """Return what the marker is salted with: with ``reattach=False``, and in work that such a try began."""
        if not self._now.reattach:
            return salt_of(self._now.try_number)
        salt, attempt = str(self._record.get("salt", "")), int(self._record.get("attempt", 0))
        recorded = self._identity.marker(self._generation, attempt, salt)
        return salt if self._record.get("marker") == recorded else ""

    @property
    def _is_same_work(self) -> bool:
        """Tell whether the record is about this work, and not about other content or an earlier generation."""
        return bool(self._record) and self._record.get("marker") == self._marker(self._record.get("attempt", 0))

    @property
    def _done_before(self) -> list[str]:
        """Return the GUIDs of the imports that this task did, the recorded one included."""
        done = [*self._record.get(EARLIER, ()), self._record.get("task_guid")]
        return [guid for guid in done if guid][-MOST_EARLIER:]

    @property
    def _is_retry(self) -> bool:
        """Tell whether Airflow itself retries; after a clear its count of tries has grown."""
        return self._now.max_tries is not None and self._record.get("max_tries") == self._now.max_tries

    @property
    def _user_code(self) -> str | None:
        """Return whose key it is; the answer also brings the server's time."""
        if self._asked_user is None:
            self._asked_user = self._client.account.me().system_user_code or ""
        return self._asked_user or None

    def _marker(self, attempt: int) -> str:
        return self._identity.marker(self._generation, attempt, self._salt)

    def _salted_markers(self) -> list[str]:
        """
        Return the markers of earlier tries with ``reattach=False``, latest first.

        They count where that was taken back and no record says under which marker something was sent.
        """
        if not self._now.reattach or self._record.get("marker"):
            return []
        salts = [salt_of(number) for number in range(self._now.try_number - 1, 0, -1)]
        return [self._identity.marker(self._generation, attempt, salt) for salt in salts for attempt in _ATTEMPTS]

    def _targets(self) -> list[Target]:
        """Return what is known of our import's batch, also by the settings that it was begun with."""
        begun = None if self._record.get("task_guid") else self._record.get("target")
        return [self._job.target, *([Target(**begun)] if begun else [])]

    @property
    def known_task_guid(self) -> str | None:
        """Return the import that is recorded of this work; None also where the content was not read yet."""
        if "_identity" not in vars(self) or not self._is_same_work:
            return None
        return self._record.get("task_guid")

    def _since(self) -> datetime:
        """Return the earliest moment at which it can have been submitted, by the server's clock."""
        from eci_provider.api.tasks import parse_datetime

        now = self._client.server_now()
        if self._record.get("since"):
            since = parse_datetime(self._record["since"])
        else:
            since = min(self._now.floor or now - _LONGEST_SEARCH, now)
        return since if self._client.knows_server_time else since - _CLOCKS_APART

    def _is_superseded(self, task: TaskResponse) -> bool:
        """Tell whether an import failed and brought nothing in, so that it may be sent again."""
        return is_superseded(task, self._now.success_statuses)

    def _unreadable(self) -> Exception | None:
        """Return why the content cannot be read, if it cannot: a worker's own file may be gone by the next try."""
        try:
            _ = self._identity
        except Exception as error:  # a store has errors of its own
            return error
        return None

    def _searched(self, attempt: int) -> ResumeDecision:
        """Look for an import of ours until it is found or surely is not there."""
        self._has_looked = True
        try:
            found = self._look(attempt)
            if found.ours is None:
                log.info(
                    "No import of %s is found yet; looking once more in %g s, since a request whose answer was "
                    "lost may still take effect.",
                    self._job.what,
                    self._now.settle_time,
                )
                clock.sleep(self._now.settle_time)
                found = self._look(found.attempt)
        except (EciExistsError, EciUnknownOutcomeError):
            raise
        except EciError as error:
            raise search_failed(
                self._job.what, self._marker(attempt), error, reattach=self._now.reattach
            ) from error
        if found.doubtful:
            raise self._doubt(found)
        if found.ours is not None:
            return ResumeDecision(found.attempt, found.ours, f"it carries the marker {found.marker}")
        return ResumeDecision(found.attempt, None, "two looks found no import of an earlier request")

    def _look(self, attempt: int) -> Found:
        user_code = self._user_code
        since = self._since()
        tasks = list_since(self._client, since)
        self._refuse_changed_if_found(tasks)
        notes = any(shows_notes(task) for task in tasks)
        done = self._record.get(EARLIER, ()) if self._is_same_work else self._done_before
        others = self._now.others | {guid.casefold() for guid in done}
        tasks = [task for task in tasks if (task.task_guid or "").casefold() not in others]
        found = self._judged(tasks, attempt, user_code, since, notes)
        if found.doubtful and not found.shows_notes and notes_were_shown(self._client, since):
            return self._judged(tasks, attempt, user_code, since, True)
        return found

    def _judged(
        self, tasks: list[TaskResponse], attempt: int, user_code: str | None, since: datetime, notes: bool
    ) -> Found:
        return judge(
            tasks,
            marker=self._marker,
            attempt=attempt,
            salted=self._salted_markers(),
            targets=self._targets(),
            user_code=user_code,
            since=since,
            shows_notes=notes,
            success_statuses=self._now.success_statuses,
        )

    def _doubt(self, found: Found) -> EciUnknownOutcomeError:
        marker = self._marker(found.attempt)
        return may_be_ours(
            self._job.what, marker, found.doubtful, shows_notes=found.shows_notes, anew=self._job.anew
        )

    def _refuse_changed_if_found(self, tasks: list[TaskResponse]) -> None:
        """Refuse to go on when a retry finds what an earlier try began to send with other content."""
        recorded = self._record.get("marker")
        if recorded and self._is_retry and not self._is_same_work:
            for task in tasks:
                if recorded in markers_in(task):
                    self._refuse_changed(task)

    def _refuse_changed(self, task: TaskResponse) -> None:
        if not self._is_superseded(task):
            raise content_changed(self._job.what, task)

    def _recorded_by_marker(self) -> list[TaskResponse]:
        """Return the imports that carry the marker of a recorded intent."""
        recorded = str(self._record.get("marker"))
        try:
            _ = self._user_code  # brings the server's time
            tasks = list_since(self._client, self._since())
        except EciError as error:
            raise search_failed(self._job.what, recorded, error) from error
        found = [task for task in tasks if recorded in markers_in(task)]
        if len(found) > 1:
            raise several_carry(recorded, found)
        return found

    def _own_markers(self) -> set[str]:
        """Return the markers that this task, in this run, may have sent something under."""
        own = {str(self._record.get("marker"))}
        if self._unreadable() is None:
            salts = ["", *(salt_of(number) for number in range(1, self._now.try_number + 1))]
            numbers = product(range(self._generation + 1), _ATTEMPTS, salts)
            own |= {self._identity.marker(*number) for number in numbers}
        return own
