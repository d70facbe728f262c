"""Submit an import once, whatever died before: look, then act."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import (
    EciBadRequestError,
    EciError,
    EciNotFoundError,
    EciRateLimitError,
    EciUnknownOutcomeError,
)
from eci_provider.api.transport.retries import LONGEST_ASKED, asked_delay, is_transient
from eci_provider.core import clock
from eci_provider.submission.errors import (
    every_answer_lost,
    failed_after_a_lost_answer,
    has_its_own,
    nameless,
    no_import,
    not_ours,
    not_this_runs,
    refused,
    vanished,
)
from eci_provider.submission.history import AttemptHistory
from eci_provider.submission.marker import markers_in, shows_notes
from eci_provider.submission.models import ResumeDecision, Submitted
from eci_provider.submission.record import EARLIER
from eci_provider.submission.search import began_after
from eci_provider.submission.settle import MOST_SENDS

if TYPE_CHECKING:
    from eci_provider.api.tasks import TaskResponse

log = logging.getLogger(__name__)


class Submitter(AttemptHistory):
    """
    Submit an import unless an earlier try did.

    :param client: the client.
    :param job: what is to be submitted.
    :param circumstances: in which try.
    :param memory: the record of earlier tries.
    """

    def carry_out(self, adopt_task_guid: str | None = None) -> Submitted:
        """
        Reattach to the import of an earlier try, or submit it.

        :param adopt_task_guid: the import to take, whatever is known.
        :return: the import.
        :raises EciUnknownOutcomeError: when it cannot be known whether it was submitted; ``retry_helps`` says
            whether another try may find out.
        :raises EciExistsError: when the content has changed since an earlier try submitted it.
        :raises EciError: as for every request.
        """
        if adopt_task_guid is not None:
            return self._adopt(adopt_task_guid)
        decision = self.get_resume_decision()
        if decision.task is not None:
            return self._reattach(decision)
        log.info("Submitting %s: %s.", self._job.what, decision.why)
        return self._submit(decision.attempt)

    def find(self) -> Submitted | None:
        """
        Return the import of an earlier try, and send nothing.

        :return: None where there is none.
        :raises EciError: as :meth:`carry_out`.
        """
        decision = self.get_resume_decision()
        return None if decision.task is None else self._reattach(decision)

    def get_resume_decision(self) -> ResumeDecision:
        """Look for an import of an earlier try, and decide."""
        if not self._now.reattach:
            return ResumeDecision(0, None, "reattach=False, so no import of an earlier try is looked for")
        guid, attempt = self._record.get("task_guid"), int(self._record.get("attempt", 0))
        unreadable = self._unreadable()
        if unreadable is not None:
            return self._resumed_unread(guid, unreadable)
        if guid and not self._is_same_work and not self._is_retry:
            log.warning(
                "An earlier try of this task started import %s, of other content. What it imported stays.", guid
            )
        if guid and self._is_same_work:
            task = self._state_of(guid)
            if not self._is_superseded(task):
                return ResumeDecision(attempt, task, "an earlier try recorded it")
            return ResumeDecision(attempt + 1, None, f"import {guid} of an earlier try failed, nothing imported")
        if guid and self._is_retry:
            self._refuse_changed(self.get_job_status(guid))
        if not self._record.get("marker"):
            if self._generation:
                return ResumeDecision(0, None, "the task had succeeded and was cleared")
            if self._now.try_number == 1:
                return ResumeDecision(0, None, "this is the first try")
            if self._now.is_recorded:
                return ResumeDecision(0, None, "no earlier try came as far as to send it")
        return self._searched(attempt if self._is_same_work else 0)

    def _resumed_unread(self, task_guid: str | None, error: Exception) -> ResumeDecision:
        """Go on with the import of an earlier try whose file is gone; without one there is nothing to send."""
        if self._record.get("what") == self._job.what:
            why = f"an earlier try sent it, and now it cannot be read ({error})"
            for task in [self._state_of(task_guid)] if task_guid else self._recorded_by_marker():
                if not self._is_superseded(task):
                    return ResumeDecision(0, task, why)
        raise error

    def get_job_status(self, task_guid: str) -> TaskResponse:
        """
        Read an import that an earlier try recorded.

        :param task_guid: its GUID.
        :raises EciNotFoundError: when EnergyCAP does not know it any more.
        """
        try:
            return self._client.tasks.get(task_guid)
        except EciNotFoundError as error:
            raise vanished(task_guid, self._job.what, error, anew=self._job.anew) from error

    def _state_of(self, task_guid: str) -> TaskResponse:
        """Read a recorded import; in transient trouble it is enough to know that there is one, for the wait."""
        from eci_provider.api.tasks import TaskResponse

        try:
            return self.get_job_status(task_guid)
        except EciError as error:
            if not is_transient(error):
                raise
            log.warning("%s Import %s is recorded, so it is waited for all the same.", error, task_guid)
            return TaskResponse(taskGUId=task_guid)

    def submit_job(self, marker: str) -> str:
        """
        Send the request, once.

        :param marker: the marker to send it under.
        :return: the GUID of its task.
        :raises EciUnknownOutcomeError: when it may have been received.
        """
        return self._job.send(marker)

    def persist_job_id(self, task_guid: str, submitted_at: datetime, **facts: Any) -> None:
        """
        Record the import for later tries; where that fails, they find it by its marker.

        :param task_guid: its GUID.
        :param submitted_at: when it was submitted, by this machine's clock.
        :param facts: what else is to be recorded.
        """
        record = {**self._record, "task_guid": task_guid, "submitted_at": submitted_at.isoformat(), **facts}
        try:
            self._memory.write(record)
        except Exception as error:  # whatever Airflow's API server answers, the import runs
            log.warning(
                "Import %s could not be recorded in Airflow's task state (%s: %s); a later try will look for it.",
                task_guid,
                type(error).__name__,
                error,
            )
        self._record = record

    def _submit(self, attempt: int) -> Submitted:
        for sends in range(MOST_SENDS):
            if sends:
                log.info("Submitting %s again: two looks found no import of it.", self._job.what)
            marker = self._marker(attempt)
            self._record_intent(attempt)
            try:
                task_guid = self.submit_job(marker)
            except (EciUnknownOutcomeError, EciRateLimitError) as error:
                log.warning("%s Looking whether it took effect.", error)
                lost: EciError = error
                asked = asked_delay(error) or 0.0
                if isinstance(error, EciRateLimitError) and asked > LONGEST_ASKED:
                    raise  # Airflow's retry can wait that long, a worker should not
                if asked:
                    clock.sleep(min(asked, LONGEST_ASKED))
            except EciBadRequestError as error:
                return self._reattach(self._refused(attempt, error))
            except EciError as error:
                if not sends:
                    raise
                reattach = self._now.reattach
                raise failed_after_a_lost_answer(self._job.what, marker, error, reattach=reattach) from error
            else:
                return self._fresh(task_guid, marker)
            decision = self._searched(attempt)
            if decision.task is not None:
                return self._reattach(decision)
            attempt = decision.attempt
        if isinstance(lost, EciRateLimitError):
            raise lost
        marker = self._marker(attempt)
        raise every_answer_lost(self._job.what, marker, MOST_SENDS, lost, reattach=self._now.reattach) from lost

    def _refused(self, attempt: int, error: EciBadRequestError) -> ResumeDecision:
        """Look whether a request is refused because an earlier one of ours took its batch's code meanwhile."""
        if not (self._job.target.is_own or self._has_looked):
            raise self._explained(error)
        found = self._look(attempt)
        if found.doubtful and self._job.target.is_own:
            raise self._doubt(found) from error
        if found.ours is None:
            raise self._explained(error)
        return ResumeDecision(found.attempt, found.ours, "a second request was refused as done already")

    def _explained(self, error: EciBadRequestError) -> EciBadRequestError:
        """Say of a refusal what was refused, and what this task has done before that may be why."""
        return refused(self._job.what, self._job.target, self._done_before, error)

    def _record_intent(self, attempt: int) -> None:
        """Record what is about to be sent. Should that fail nothing was sent, and a retry is free to."""
        _ = self._user_code  # brings the server's time
        since = self._record.get("since") or self._client.server_now().isoformat()
        record = {**self._facts(attempt), "since": since}
        self._memory.write(record)
        self._record = record

    def _facts(self, attempt: int) -> dict[str, Any]:
        """Return what a record says beside the import itself."""
        return {
            "generation": self._generation,
            "marker": self._marker(attempt),
            "attempt": attempt,
            "max_tries": self._now.max_tries,
            "what": self._job.what,
            "salt": self._salt,
            "target": asdict(self._job.target),
            EARLIER: self._done_before,
        }

    def _fresh(self, task_guid: str, marker: str) -> Submitted:
        submitted_at = clock.utc_now()
        self.persist_job_id(task_guid, submitted_at, reattached=False)
        return Submitted(task_guid, submitted_at, reattached=False, task=self._first_look(task_guid, marker))

    def _first_look(self, task_guid: str, marker: str) -> TaskResponse | None:
        """Look at a fresh import: whether EnergyCAP shows its note decides how well a lost one can be found."""
        try:
            task = self._client.tasks.get(task_guid, repeat=False)
        except EciError:
            return None  # the wait will tell
        if not shows_notes(task):
            log.warning(
                "EnergyCAP does not show the note of import %s, which should begin with %s. Where the answer to "
                "an import is lost, it can then be told from others by its batch alone, or not at all.",
                task_guid,
                marker,
            )
        return task

    def _reattach(self, decision: ResumeDecision) -> Submitted:
        task = decision.task
        if task is None or not task.task_guid:
            raise nameless(self._job.what)
        log.info(
            "Reattached to import %s of %s instead of submitting it: %s. It is %s.",
            task.task_guid,
            self._job.what,
            decision.why,
            repr(task.status) if task.status else "not known yet how it stands",
        )
        submitted_at = self._submission_of(task)
        facts: dict[str, Any] = {"reattached": True, "max_tries": self._now.max_tries}
        if self._record.get("task_guid") != task.task_guid and self._unreadable() is None:
            facts |= self._facts(decision.attempt)
        self.persist_job_id(task.task_guid, submitted_at, **facts)
        return Submitted(task.task_guid, submitted_at, reattached=True, task=task)

    def _submission_of(self, task: TaskResponse) -> datetime:
        """Return when an import was submitted, by this machine's clock."""
        from eci_provider.api.tasks import has_offset, parse_datetime

        if self._record.get("task_guid") == task.task_guid and self._record.get("submitted_at"):
            return parse_datetime(self._record["submitted_at"])
        ahead, now = self._client.server_now() - clock.utc_now(), clock.utc_now()
        # A date that names no zone may be hours off; the intent was recorded by the server's own clock.
        text = task.begin_date if has_offset(task.begin_date or "") else self._record.get("since")
        try:
            return min(parse_datetime(text or "") - ahead, now)
        except ValueError:
            return now

    def _adopt(self, task_guid: str) -> Submitted:
        """Take the import that the DAG's author names, unless it cannot be this run's."""
        task = self._client.tasks.get(task_guid)
        kind = task.task_type.task_type_code if task.task_type else None
        if kind not in (None, "BillImport"):
            raise no_import(task_guid, kind)
        if self._now.floor is not None and not began_after(task, self._now.floor - timedelta(hours=1)):
            raise not_this_runs(task_guid, task, self._now.floor)
        foreign = markers_in(task) - self._own_markers()
        if foreign and self._now.reattach:
            raise not_ours(task_guid, sorted(foreign))
        self._refuse_to_leave_ours(task_guid)
        return self._reattach(ResumeDecision(0, task, "adopt_task_guid names it"))

    def _refuse_to_leave_ours(self, task_guid: str) -> None:
        """Refuse to adopt an import while the one that an earlier try started may count, too."""
        recorded = str(self._record.get("task_guid") or task_guid)
        if recorded.casefold() == task_guid.casefold() or not self._now.reattach:
            return
        try:
            ours = self.get_job_status(recorded)
        except EciNotFoundError:
            return
        if not self._is_superseded(ours):
            raise has_its_own(task_guid, self._job.what, ours)
