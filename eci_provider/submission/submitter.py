"""Submit an import once: search for it first, then send it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from eci_provider.api.errors import (
    EciBadRequestError,
    EciError,
    EciNotFoundError,
    EciRateLimitError,
    EciUnknownOutcomeError,
)
from eci_provider.api.models import plain_guid
from eci_provider.api.tasks import TaskResponse
from eci_provider.api.transport.failures import may_have_taken_effect
from eci_provider.api.transport.retries import LONGEST_ASKED, asked_delay
from eci_provider.core import clock
from eci_provider.core.dates import shifted
from eci_provider.core.text import shown
from eci_provider.submission import errors
from eci_provider.submission.candidates import brought_nothing
from eci_provider.submission.history import AttemptHistory
from eci_provider.submission.marker import is_note_of_another, markers_in, shows_notes
from eci_provider.submission.models import ResumeDecision, Submitted
from eci_provider.submission.recorded import RecordedImport
from eci_provider.submission.search import ImportSearch
from eci_provider.submission.settle import MOST_SENDS
from eci_provider.submission.times import began_after, submission_time
from eci_provider.waiting.clocks import by_server
from eci_provider.waiting.late_tasks import settled_task
from eci_provider.waiting.status import latest_now

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.submission.models import AttemptContext, Job
    from eci_provider.submission.record import TaskMemory

log = logging.getLogger(__name__)

#: How long before its DAG run an import that the author names may have begun.
_ADOPTED_BEFORE = timedelta(hours=1)


class Submitter:
    """
    Submit an import unless an earlier attempt did.

    :param client: the client.
    :param job: what is to be submitted.
    :param attempt: the context of the current attempt.
    :param memory: the record of earlier attempts.
    """

    def __init__(self, client: EciClient, job: Job, attempt: AttemptContext, memory: TaskMemory) -> None:
        self._client = client
        self._job = job
        self._attempt = attempt
        self._history = AttemptHistory(job, attempt, memory)
        self._search = ImportSearch(client, job, attempt, self._history)
        self._recorded = RecordedImport(client, job, attempt, self._search)

    @property
    def known_task_guid(self) -> str | None:
        """Return the import that is recorded of this work; None also if the content was not read yet."""
        return self._history.known_task_guid

    def submit_or_resume(self, adopt_task_guid: str | None = None) -> Submitted:
        """
        Reattach to the import of an earlier attempt, or submit it.

        :param adopt_task_guid: the import to adopt instead.
        :return: the import.
        :raises EciUnknownOutcomeError: if it is not known whether it was submitted; ``retry_helps`` says whether
            another attempt may find out.
        :raises EciExistsError: if the content has changed since an earlier attempt submitted it.
        :raises EciError: as for every request.
        """
        if adopt_task_guid is not None:
            return self._adopt(adopt_task_guid)
        decision = self._decide()
        if decision.task is not None:
            return self._reattach(decision)
        log.info("Submitting %s: %s.", self._job.description, decision.reason)
        return self._submit(decision.resubmission)

    def find_submitted(self) -> Submitted | None:
        """
        Return the import of an earlier attempt, and send nothing.

        :return: None if there is none.
        :raises EciError: as :meth:`submit_or_resume`.
        """
        decision = self._decide()
        return None if decision.task is None else self._reattach(decision)

    def _decide(self) -> ResumeDecision:
        """Decide, by the record and by a search, whether to reattach or to submit."""
        history = self._history
        if not self._attempt.reattach:
            return ResumeDecision(0, None, "reattach=False, so imports of earlier attempts are not searched for")
        guid = history.recorded_guid
        content_error = history.content_error
        if content_error is not None:
            return self._resume_unread(guid, content_error)
        if guid and history.is_same_work:
            return self._resume_recorded(guid)
        if guid and history.is_retry:
            self._refuse_changed_content(guid)
        elif guid:
            log.warning("An earlier attempt started import %s with other content. Its bills stay.", guid)
        reason = None if history.recorded_marker else self._why_nothing_was_sent()
        if reason is not None:
            return ResumeDecision(0, None, reason)
        return self._search.search(history.resubmission if history.is_same_work else 0)

    def _why_nothing_was_sent(self) -> str | None:
        """Return why no attempt can have sent anything, if that is known without a search."""
        if self._history.generation:
            return "the task had succeeded and was cleared"
        if self._attempt.try_number == 1:
            return "this is the first try"
        if self._history.record:
            return "no earlier attempt recorded that it sends anything"
        return None

    def _resume_recorded(self, task_guid: str) -> ResumeDecision:
        """Reattach to the recorded import, unless it failed with nothing imported."""
        task, resubmission = self._recorded.live(task_guid), self._history.resubmission
        failed = f"import {task_guid} of an earlier attempt failed, nothing imported"
        if task is None:
            return ResumeDecision(resubmission + 1, None, failed)
        is_recorded = task.task_guid == task_guid
        reason = "an earlier attempt recorded it" if is_recorded else f"{failed}, and this one has its marker"
        return ResumeDecision(resubmission, task, reason)

    def _resume_unread(self, task_guid: str | None, error: Exception) -> ResumeDecision:
        """Reattach to the import of an earlier attempt whose file is gone; without one, raise why it is gone."""
        if self._history.record.get("what") == self._job.description:
            task = self._recorded.live(task_guid)
            if task is not None:
                reason = f"an earlier attempt sent it, and now it cannot be read ({error})"
                return ResumeDecision(0, task, reason)
        raise error

    def _refuse_changed_content(self, task_guid: str) -> None:
        task = self._recorded.settled(task_guid)
        if task is not None:
            raise errors.content_changed(self._job.description, task)

    def _submit(self, resubmission: int) -> Submitted:
        for sends in range(MOST_SENDS):
            if sends:
                log.info("Submitting %s again: two searches found no import of it.", self._job.description)
            marker = self._history.marker(resubmission)
            self._history.record_intent(resubmission, self._search.server_now())
            try:
                task_guid = self._job.send(marker)
            except (EciUnknownOutcomeError, EciRateLimitError) as error:
                lost: EciError = error
                self._wait_as_asked(error)
            except EciBadRequestError as error:
                return self._reattach(self._resume_after_refusal(resubmission, error))
            except EciError as error:
                if not sends:
                    raise
                raise errors.resend_failed(
                    self._job.description, marker, error, reattach=self._attempt.reattach
                ) from error
            else:
                submitted = self._accept(task_guid, marker)
                if submitted.task and is_note_of_another(submitted.task, marker):
                    return self._find_unnamed(task_guid, resubmission)
                return submitted
            decision = self._search.search(resubmission)
            if decision.task is not None:
                return self._reattach(decision)
            resubmission = decision.resubmission
        if isinstance(lost, EciRateLimitError):
            raise lost
        marker, reattach = self._history.marker(resubmission), self._attempt.reattach
        raise errors.all_answers_lost(self._job.description, marker, MOST_SENDS, lost, reattach=reattach) from lost

    def _find_unnamed(self, task_guid: str, resubmission: int) -> Submitted:
        """Find the import of a request whose answer names an import with another marker; do not send it again."""
        error = errors.answer_about_another(self._job.description, task_guid, self._history.marker(resubmission))
        log.warning("%s Searching for its import.", error)
        # No later attempt may take up the GUID that is recorded.
        self._history.record_intent(resubmission, self._search.server_now())
        decision = self._search.search(resubmission)
        if decision.task is None:
            raise error
        return self._reattach(decision)

    def _wait_as_asked(self, error: EciError) -> None:
        """Wait as long as the server asks to; raise the error if Airflow's retry can wait that long instead."""
        log.warning("%s Searching for its import.", error)
        asked = asked_delay(error) or 0.0
        if isinstance(error, EciRateLimitError) and asked > LONGEST_ASKED:
            raise error
        if asked:
            pause = min(asked, LONGEST_ASKED)
            log.info("EnergyCAP asks for a pause; the search starts in %g s.", pause)
            clock.sleep(pause)

    def _resume_after_refusal(self, resubmission: int, error: EciBadRequestError) -> ResumeDecision:
        """Return our import if an earlier request, or a copy of this one, is why it was refused; else raise."""
        is_own = self._job.target.is_own
        refusal = errors.refused(self._job.description, self._job.target, self._history.imports_done, error)
        if may_have_taken_effect(error):
            decision = self._search.search(resubmission)
            if decision.task is None:
                raise refusal
            return decision
        # A proxy may have sent it twice: then the code is in use by our import.
        names_code = is_own or self._job.target.batch_code is not None
        if not (names_code or self._search.has_searched):
            raise refusal
        found = self._search.search_once(resubmission)
        if found.doubtful and is_own:
            raise self._search.undecided(found) from error
        if found.ours is None:
            raise refusal
        return ResumeDecision(found.resubmission, found.ours, "a second request was refused as done already")

    def _accept(self, task_guid: str, marker: str) -> Submitted:
        """Return the import that this attempt submitted."""
        submitted_at = clock.utc_now()
        self._history.record_submitted(task_guid, submitted_at)
        return Submitted(task_guid, submitted_at, reattached=False, task=self._first_poll(task_guid, marker))

    def _first_poll(self, task_guid: str, marker: str) -> TaskResponse | None:
        """Return a new import's task, and warn if it does not show its note: a lost one cannot be found by it."""
        try:
            task = self._client.tasks.get(task_guid, repeat=False)
        except EciError:
            return None  # the wait polls it again
        if not shows_notes(task):
            log.warning(
                "EnergyCAP does not show the note of import %s, which should begin with %s. If the answer to an "
                "import is lost, the import can be found by its batch alone, or not at all.",
                task_guid,
                marker,
            )
        return task

    def _reattach(self, decision: ResumeDecision) -> Submitted:
        task = decision.task
        guid = plain_guid(task.task_guid or "") if task else None
        if task is None or guid is None:
            raise errors.missing_guid(self._job.description)
        log.info(
            "Reattached to import %s of %s instead of submitting it: %s. Its status is %s.",
            guid,
            self._job.description,
            decision.reason,
            repr(shown(task.status)) if task.status else "not known yet",
        )
        earliest_start = self._attempt.earliest_start
        submitted_at = submission_time(self._client, task, self._history.record, earliest_start)
        self._history.record_reattached(guid, submitted_at, decision.resubmission)
        return Submitted(guid, submitted_at, reattached=True, task=task)

    def _adopt(self, task_guid: str) -> Submitted:
        """Return the import that the DAG's author names, unless it cannot be this run's."""
        task = settled_task(self._client, task_guid, self._attempt.settle_time)
        kind = task.task_type.task_type_code if task.task_type else None
        if kind not in (None, "BillImport"):
            raise errors.not_an_import(task_guid, kind)
        earliest_start = self._attempt.earliest_start
        if earliest_start is not None:
            since = by_server(self._client, shifted(earliest_start, -_ADOPTED_BEFORE))
            if not began_after(task, since):
                raise errors.older_than_run(task_guid, task, earliest_start)
        foreign = markers_in(task) - self._history.own_markers()
        if foreign and self._attempt.reattach:
            raise errors.foreign_marker(task_guid, sorted(foreign))
        self._refuse_to_orphan(task_guid)
        return self._reattach(ResumeDecision(0, task, "adopt_task_guid names it"))

    def _refuse_to_orphan(self, task_guid: str) -> None:
        """Refuse to adopt an import while the one that an earlier attempt started may count, too."""
        recorded = str(self._history.recorded_guid or task_guid)
        if recorded.casefold() == task_guid.casefold() or not self._attempt.reattach:
            return
        try:
            ours = self._recorded.settled(recorded)
        except EciNotFoundError:
            return
        if ours is not None and not brought_nothing(ours, latest_now(self._client)):
            raise errors.already_started(task_guid, self._job.description, ours)
