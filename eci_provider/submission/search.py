"""Search EnergyCAP for an import whose GUID is not known."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from eci_provider.api.errors import (
    EciError,
    EciExistsError,
    EciUnknownOutcomeError,
    EciUnreadableResponseError,
)
from eci_provider.api.filters import where
from eci_provider.api.tasks import TaskResponse, begun_since
from eci_provider.core import clock
from eci_provider.core.dates import shifted
from eci_provider.core.text import code_or_none
from eci_provider.submission.candidates import (
    Criteria,
    Found,
    is_superseded,
    without_empty,
    without_other_notes,
)
from eci_provider.submission.errors import content_changed, search_failed, several_imports, undecided
from eci_provider.submission.marker import markers_in, shows_notes
from eci_provider.submission.models import ResumeDecision
from eci_provider.submission.times import earliest_submission
from eci_provider.waiting.status import latest_now

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.submission.history import AttemptHistory
    from eci_provider.submission.models import AttemptContext, Job

log = logging.getLogger(__name__)

#: How many imports a search reads at most.
MOST_IMPORTS = 100_000
#: How far back, and among how many tasks, a marker is searched for as proof that EnergyCAP shows notes.
_PROOF_SPAN = timedelta(days=35)
_PROOF_TASKS = 1000


class ImportSearch:
    """
    Search for an import that an earlier request may have started.

    :param client: the client.
    :param job: what is to be submitted.
    :param attempt: the context of the current attempt.
    :param history: what earlier attempts recorded.
    """

    def __init__(self, client: EciClient, job: Job, attempt: AttemptContext, history: AttemptHistory) -> None:
        self._client = client
        self._job = job
        self._attempt = attempt
        self._history = history
        #: Whether this attempt has searched.
        self.has_searched = False

    @cached_property
    def _user_code(self) -> str | None:
        """Return the user code of the key's owner; the answer also shows the server's time."""
        return code_or_none(self._client.account.me().system_user_code)

    def server_now(self) -> datetime:
        """Return EnergyCAP's time, as an answer of this attempt has shown it."""
        _ = self._user_code
        return self._client.server_now()

    def search(self, resubmission: int) -> ResumeDecision:
        """
        Search until the import is found or surely is not there: now, and again after the settle time.

        :param resubmission: the number of the first resubmission to search for.
        :return: the import, or the number of the resubmission to submit.
        :raises EciUnknownOutcomeError: if it is not known which import is ours, or if a request failed.
        :raises EciExistsError: if the content has changed since it was submitted.
        """
        self.has_searched = True
        if self._history.is_discarded:
            log.info(
                "Airflow's task state holds no record of earlier attempts at %s; a clear may have discarded it. "
                "That cannot be told from a retry, so the latest import of this task counts. To import again, %s.",
                self._job.description,
                self._job.resubmit_hint,
            )
        try:
            found = self.search_once(resubmission)
            if found.ours is None:
                log.info(
                    "Found no import of %s; searching again in %g s, since a request with a lost answer may still "
                    "take effect.",
                    self._job.description,
                    self._attempt.settle_time,
                )
                clock.sleep(self._attempt.settle_time)
                found = _later(found, self.search_once(resubmission))
        except (EciExistsError, EciUnknownOutcomeError):
            raise
        except EciError as error:
            marker = self._history.marker(resubmission)
            raise search_failed(self._job.description, marker, error, reattach=self._attempt.reattach) from error
        self._history.generation = found.generation
        if found.doubtful:
            raise self.undecided(found)
        if found.ours is not None:
            return ResumeDecision(found.resubmission, found.ours, f"it carries the marker {found.marker}")
        return ResumeDecision(found.resubmission, None, "two searches found no import of an earlier request")

    def search_once(self, resubmission: int) -> Found:
        """
        Return what a search finds now.

        :param resubmission: the number of the first resubmission to search for.
        :raises EciError: as :meth:`search`, and if a request failed.
        """
        user_code, since = self._user_code, self._since()
        tasks = self._imports_since(since)
        self._refuse_changed_content(tasks)
        notes = any(shows_notes(task) for task in tasks)
        others = self._history.other_imports
        tasks = [task for task in tasks if (task.task_guid or "").casefold() not in others]
        criteria = Criteria(
            generations=self._history.generations,
            targets=self._history.targets,
            user_code=user_code,
            since=since,
            now=latest_now(self._client),
            success_statuses=self._attempt.success_statuses,
        )
        found = criteria.choose(tasks, resubmission, shows_notes=notes)
        if found.doubtful and not found.shows_notes and self._notes_were_shown(since):
            return criteria.choose(tasks, resubmission, shows_notes=True)
        return found

    def undecided(self, found: Found) -> EciUnknownOutcomeError:
        """
        Return the error for a search that found only imports which may be ours or not.

        :param found: what it found.
        """
        return undecided(
            self._job.description,
            self._history.marker(found.resubmission),
            found.doubtful,
            shows_notes=found.shows_notes,
            resubmit_hint=self._job.resubmit_hint,
        )

    def recorded_import(self) -> TaskResponse | None:
        """
        Return the import that carries the recorded marker; None if there is none but failed ones without a bill.

        :raises EciUnknownOutcomeError: if several carry it, or if a request failed.
        """
        recorded = str(self._history.recorded_marker)
        try:
            _ = self._user_code  # its answer shows the server's time
            tasks = self._imports_since(self._since())
        except EciError as error:
            raise search_failed(self._job.description, recorded, error) from error
        now, statuses = latest_now(self._client), self._attempt.success_statuses
        carrying = [task for task in tasks if recorded in markers_in(task)]
        live = without_empty([task for task in carrying if not is_superseded(task, now, statuses)], now)
        if len(live) > 1:
            raise several_imports(recorded, live)
        return live[0] if live else None

    def _since(self) -> datetime:
        """Return the earliest time at which our import can have been submitted, by the server's clock."""
        return earliest_submission(self._client, self._history.record, self._attempt.earliest_start)

    def _imports_since(self, since: datetime) -> Sequence[TaskResponse]:
        """
        Return the bill imports since a time, and some earlier ones (GetTasksV3).

        They are read leniently: somebody else's odd import must not keep ours from being found.

        :param since: a time by the server's clock.
        :raises EciUnreadableResponseError: if they are too many, or the list does not end by the deadline.
        """
        listed = self._client.tasks.list(begun_since(since), lenient=True, deadline=self._attempt.deadline)
        found = list(islice(listed, MOST_IMPORTS + 1))
        if len(found) > MOST_IMPORTS:
            raise EciUnreadableResponseError(
                f"EnergyCAP lists more than {MOST_IMPORTS:,} imports since {since:%Y-%m-%d}, too many to search.",
                status=200,
                method="GET",
                path="/api/v3/task",
            )
        # A page may repeat the end of the one before it if something was added meanwhile.
        tasks = list({task.task_guid or id(task): task for task in found}.values())
        return without_other_notes(tasks) if any(shows_notes(task) for task in tasks) else tasks

    def _notes_were_shown(self, since: datetime) -> bool:
        """Return whether an import of the weeks before a time shows one of our markers as its note."""
        day = shifted(since, -_PROOF_SPAN).date()
        earlier = self._client.tasks.list(
            where("beginDate", "greater than equal", day), lenient=True, deadline=self._attempt.deadline
        )
        return any(shows_notes(task) for task in islice(earlier, _PROOF_TASKS))

    def _refuse_changed_content(self, tasks: Sequence[TaskResponse]) -> None:
        """Refuse a retry if an earlier attempt began to send other content and its import is found."""
        recorded = self._history.recorded_marker
        if recorded and self._history.is_retry and not self._history.is_same_work:
            now = latest_now(self._client)
            for task in tasks:
                if recorded in markers_in(task) and not is_superseded(task, now, self._attempt.success_statuses):
                    raise content_changed(self._job.description, task)


def _later(first: Found, second: Found) -> Found:
    """Return what the second search found; what failed in the first one is not submitted under its marker."""
    if second.ours is not None or second.resubmission >= first.resubmission:
        return second
    return replace(second, generation=first.generation, resubmission=first.resubmission)
