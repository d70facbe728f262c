"""What earlier attempts of a task did, from their record."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import cached_property, partial
from itertools import product
from typing import TYPE_CHECKING, Any

from eci_provider.core.text import shown
from eci_provider.submission.candidates import Generation
from eci_provider.submission.marker import Identity, Target, salt_of
from eci_provider.submission.record import EARLIER, MOST_EARLIER

if TYPE_CHECKING:
    from eci_provider.submission.models import AttemptContext, Job
    from eci_provider.submission.record import TaskMemory

log = logging.getLogger(__name__)

#: How many resubmissions of one piece of work are considered; each but the last failed with nothing imported.
_RESUBMISSIONS = range(10)


class AttemptHistory:
    """
    What earlier attempts of a task did, from their record; it also writes the record of this attempt.

    :param job: what is to be submitted.
    :param attempt: the context of the current attempt.
    :param memory: where the record is kept.
    """

    def __init__(self, job: Job, attempt: AttemptContext, memory: TaskMemory) -> None:
        self._job = job
        self._attempt = attempt
        self._memory = memory
        self.record: Mapping[str, Any] = memory.read()
        #: Whether Airflow keeps records, and has none of this work: a clear may have discarded it.
        self.is_discarded = memory.lasts and not self.record and attempt.try_number > 1
        #: The generation of this work; a search that finds an import of a discarded one replaces it.
        self.generation = int(self.record.get("generation", 0))
        if self.is_discarded and not attempt.reattach:
            self.generation = attempt.try_number - 1  # later than those of all earlier imports

    @cached_property
    def _identity(self) -> Identity:
        return self._job.identity()

    @cached_property
    def _salt(self) -> str:
        """Return the marker's salt: that of a try with ``reattach=False``, or of work which such a try began."""
        if not self._attempt.reattach:
            return salt_of(self._attempt.try_number)
        salt = str(self.record.get("salt", ""))
        recorded = self._identity.marker(self.generation, self.resubmission, salt)
        return salt if self.recorded_marker == recorded else ""

    @property
    def content_error(self) -> Exception | None:
        """Return why the content cannot be read, or None: a worker's own file may be gone by the next attempt."""
        try:
            _ = self._identity
        except Exception as error:  # an object store has errors of its own
            return error
        return None

    def marker(self, resubmission: int) -> str:
        """
        Return the marker of this work.

        :param resubmission: the number of the resubmission.
        """
        return self._identity.marker(self.generation, resubmission, self._salt)

    @property
    def recorded_guid(self) -> str | None:
        """Return the GUID of the import that was recorded last."""
        return self.record.get("task_guid")

    @property
    def recorded_marker(self) -> str | None:
        """Return the marker under which something was, or was about to be, sent last."""
        return self.record.get("marker")

    @property
    def resubmission(self) -> int:
        """Return the number of the resubmission that was recorded last."""
        return int(self.record.get("attempt", 0))

    @property
    def is_same_work(self) -> bool:
        """Return whether the record is about this work, and not about other content or an earlier generation."""
        return bool(self.record) and self.recorded_marker == self.marker(self.resubmission)

    @property
    def is_retry(self) -> bool:
        """Return whether Airflow itself retries the task; after a clear its count of tries has grown."""
        return self._attempt.max_tries is not None and self.record.get("max_tries") == self._attempt.max_tries

    @property
    def known_task_guid(self) -> str | None:
        """Return the import that is recorded of this work; None also if the content was not read yet."""
        if "_identity" not in vars(self) or not self.is_same_work:
            return None
        return self.recorded_guid

    @property
    def imports_done(self) -> list[str]:
        """Return the GUIDs of the imports that this task did, the recorded one included."""
        done = [*self.record.get(EARLIER, ()), self.recorded_guid]
        return [guid for guid in done if guid][-MOST_EARLIER:]

    @property
    def other_imports(self) -> frozenset[str]:
        """Return the GUIDs, in lower case, of imports that are known not to be this work's."""
        done = self.record.get(EARLIER, ()) if self.is_same_work else self.imports_done
        return self._attempt.other_imports | {guid.casefold() for guid in done}

    @property
    def targets(self) -> list[Target]:
        """Return what is known of our import's batch, also by the settings that it was begun with."""
        begun = None if self.recorded_guid else self.record.get("target")
        return [self._job.target, *([Target(**begun)] if begun else [])]

    @property
    def generations(self) -> list[Generation]:
        """Return the generations that this work can belong to, latest first; several if its record is gone."""
        numbers = range(self._attempt.try_number - 1, -1, -1) if self.is_discarded else [self.generation]
        return [
            Generation(
                number,
                marker=partial(self._identity.marker, number, salt=self._salt),
                salted=self._salted_markers(number),
            )
            for number in numbers
        ]

    def _salted_markers(self, generation: int) -> list[str]:
        """
        Return the markers of earlier tries with ``reattach=False``, latest first.

        They count if that argument was removed and no record says under which marker something was sent.
        """
        if not self._attempt.reattach or self.recorded_marker:
            return []
        salts = [salt_of(number) for number in range(self._attempt.try_number - 1, generation, -1)]
        return [self._identity.marker(generation, number, salt) for salt in salts for number in _RESUBMISSIONS]

    def own_markers(self) -> set[str]:
        """Return the markers that this task, in this run, may have sent something under."""
        own = {str(self.recorded_marker)}
        if self.content_error is None:
            salts = ["", *(salt_of(number) for number in range(1, self._attempt.try_number + 1))]
            latest = max(self.generation, self._attempt.try_number - 1)
            numbers = product(range(latest + 1), _RESUBMISSIONS, salts)
            own |= {self._identity.marker(*number) for number in numbers}
        return own

    def record_intent(self, resubmission: int, since: datetime) -> None:
        """
        Record what is about to be sent. If that fails, nothing was sent, and a retry may send it.

        :param resubmission: the number of the resubmission.
        :param since: when it is sent, by the server's clock; the first intent's time stays.
        """
        record = {**self._facts(resubmission), "since": self.record.get("since") or since.isoformat()}
        self._memory.write(record)
        self._keep(record)

    def record_submitted(self, task_guid: str, submitted_at: datetime) -> None:
        """
        Record an import that this attempt submitted. If that fails, later attempts find it by its marker.

        :param task_guid: its GUID.
        :param submitted_at: when it was submitted, by this machine's clock.
        """
        self._record_import(task_guid, submitted_at, {"reattached": False})

    def record_reattached(self, task_guid: str, submitted_at: datetime, resubmission: int) -> None:
        """
        Record an import that an earlier attempt, or somebody else, submitted.

        :param task_guid: its GUID.
        :param submitted_at: when it was submitted, by this machine's clock.
        :param resubmission: the number of its resubmission.
        """
        facts: dict[str, Any] = {"reattached": True, "max_tries": self._attempt.max_tries}
        if self.recorded_guid != task_guid and self.content_error is None:
            facts |= self._facts(resubmission)
        self._record_import(task_guid, submitted_at, facts)

    def _record_import(self, task_guid: str, submitted_at: datetime, facts: Mapping[str, Any]) -> None:
        record = {**self.record, "task_guid": task_guid, "submitted_at": submitted_at.isoformat(), **facts}
        try:
            self._memory.write(record)
        except Exception as error:  # whatever Airflow's API server answers, the import runs
            log.warning(
                "Import %s could not be recorded in Airflow's task state (%s: %s); a later attempt searches for "
                "it.",
                task_guid,
                type(error).__name__,
                shown(str(error)),
            )
        self._keep(record)

    def _keep(self, record: Mapping[str, Any]) -> None:
        self.record, self.is_discarded = record, False

    def _facts(self, resubmission: int) -> dict[str, Any]:
        """Return what a record says beside the import itself."""
        return {
            "generation": self.generation,
            "marker": self.marker(resubmission),
            "attempt": resubmission,
            "max_tries": self._attempt.max_tries,
            "what": self._job.description,
            "salt": self._salt,
            "target": asdict(self._job.target),
            EARLIER: self.imports_done,
        }
