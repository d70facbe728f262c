"""The import that an earlier attempt recorded, as EnergyCAP shows it now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from eci_provider.api.errors import EciError, EciNotFoundError
from eci_provider.api.tasks import TaskResponse
from eci_provider.api.transport.retries import is_transient
from eci_provider.core import clock
from eci_provider.submission import errors
from eci_provider.submission.candidates import is_superseded
from eci_provider.waiting.late_tasks import settled_task
from eci_provider.waiting.status import latest_now

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.submission.models import AttemptContext, Job
    from eci_provider.submission.search import ImportSearch

log = logging.getLogger(__name__)


class RecordedImport:
    """
    The import that an earlier attempt recorded: whether it counts, or failed with nothing imported.

    A status or a count may settle after the end, so a failed import is read again after the settle time.

    :param client: the client.
    :param job: what is to be submitted.
    :param attempt: the context of the current attempt.
    :param search: finds imports by their marker.
    """

    def __init__(self, client: EciClient, job: Job, attempt: AttemptContext, search: ImportSearch) -> None:
        self._client = client
        self._job = job
        self._attempt = attempt
        self._search = search

    def live(self, task_guid: str | None) -> TaskResponse | None:
        """
        Return the recorded import, or another one with its marker; None if all failed with nothing imported.

        A request that a proxy sent twice starts two imports, of which only one may fail.

        :param task_guid: the import; None if an earlier attempt recorded only that it sends one.
        :return: the import; without a status if a transient error hides it.
        :raises EciNotFoundError: if EnergyCAP does not know it any more.
        :raises EciUnknownOutcomeError: if several imports carry the marker, or if a search failed.
        """
        if task_guid is not None:
            task = self.settled(task_guid, is_trusted=True)
            return task if task is not None else self._search.recorded_import()
        found = self._search.recorded_import()
        if found is None:
            log.info(
                "Found no import of %s, whose request an earlier attempt recorded; searching again in %g s: it "
                "may still take effect.",
                self._job.description,
                self._attempt.settle_time,
            )
            clock.sleep(self._attempt.settle_time)
            found = self._search.recorded_import()
        return found

    def settled(self, task_guid: str, *, is_trusted: bool = False) -> TaskResponse | None:
        """
        Return the recorded import; None if it failed with nothing imported.

        :param task_guid: the import.
        :param is_trusted: whether it counts, without a status, if a transient error hides it.
        :raises EciNotFoundError: if EnergyCAP does not know it any more.
        :raises EciError: as for every request.
        """
        read = self._read_or_trust if is_trusted else self._read
        task = read(task_guid)
        if self._is_superseded(task):
            log.info(
                "Import %s of an earlier attempt failed, nothing imported; reading it again in %g s, since its "
                "status and count may settle.",
                task_guid,
                self._attempt.settle_time,
            )
            clock.sleep(self._attempt.settle_time)
            task = read(task_guid)
        return None if self._is_superseded(task) else task

    def _read(self, task_guid: str) -> TaskResponse:
        try:
            return settled_task(self._client, task_guid, self._attempt.settle_time)
        except EciNotFoundError as error:
            raise errors.vanished(task_guid, self._job.description, error, self._job.resubmit_hint) from error

    def _read_or_trust(self, task_guid: str) -> TaskResponse:
        """Return the task of a recorded import; if a transient error hides it, one without a status."""
        try:
            return self._read(task_guid)
        except EciError as error:
            if not is_transient(error):
                raise
            log.warning("%s Import %s is recorded, so the task waits for it all the same.", error, task_guid)
            return TaskResponse(taskGUId=task_guid)

    def _is_superseded(self, task: TaskResponse) -> bool:
        """Return whether an import failed with nothing imported, so that it may be sent again."""
        return is_superseded(task, latest_now(self._client), self._attempt.success_statuses)
