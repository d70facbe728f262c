"""The marker, which tells an import of this task from all others, and the batch the import goes into."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from eci_provider.core.text import code_or_none

if TYPE_CHECKING:
    from eci_provider.api.bill_imports import BatchSettings, KickoutImport
    from eci_provider.api.tasks import TaskResponse

_Request = TypeVar("_Request", bound="KickoutImport")

_MARKER = re.compile(r"af:[0-9a-f]{16}(?![0-9a-f])")

#: The modes that create a batch, with the marker as its code if the user gave none.
_MODES_THAT_CREATE = ("new batch", "new self-contained batch")


@dataclass(frozen=True)
class Identity:
    """
    Which piece of work an import is, the same in every attempt.

    :param dag_id: the DAG.
    :param task_id: the Airflow task.
    :param run_id: the DAG run.
    :param map_index: the index of the mapped task instance; -1 without mapping.
    :param content: a digest of what is sent.
    :param deployment: which Airflow deployment it is in, if the connection names it.
    """

    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    content: str
    deployment: str | None = None

    def marker(self, generation: int, resubmission: int, salt: str = "") -> str:
        """
        Return the marker: ``af:`` and 16 hex digits.

        :param generation: the number of the try that succeeded last before a clear; 0 if none did.
        :param resubmission: how many imports of this generation failed without importing anything. Each
            resubmission has its own marker, so that batch codes made of it are unique.
        :param salt: what makes it another piece of work on purpose, see :func:`salt_of`.
        """
        parts = [self.dag_id, self.task_id, self.run_id, self.map_index, self.content, salt]
        # A deployment without a name has the markers that it had before there were names.
        named = [] if self.deployment is None else [self.deployment]
        text = json.dumps([*parts, generation, resubmission, *named])
        return f"af:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def salt_of(try_number: int) -> str:
    """
    Return the salt that makes a try with ``reattach=False`` another piece of work.

    :param try_number: the number of Airflow's try, from 1.
    """
    return f"try {try_number}"


@dataclass(frozen=True)
class Target:
    """
    What is known of an import's batch before the import exists.

    :param batch_id: its number, if an existing or pending one is used.
    :param batch_code: its code, if the user gave one.
    :param is_own: whether the import creates a batch with the marker as its code.
    """

    batch_id: int | None = None
    batch_code: str | None = None
    is_own: bool = False

    def may_hold(self, task: TaskResponse) -> bool:
        """
        Return whether a task without our marker may be ours, judged by its batch.

        :param task: a task; as long as it does not name its batch in a way that can be one, it may be ours.
        """
        number = task.batch.batch_id if task.batch else None
        code = code_or_none(task.batch.batch_code) if task.batch else None
        if self.batch_id is not None:
            return number is None or number == self.batch_id
        if code is None:
            return True
        if self.is_own:
            return False
        # "smart batch" appends a GUID to the code if a closed batch has it.
        return self.batch_code is None or _plain(code).startswith(_plain(self.batch_code))


def target_of(settings: BatchSettings | None) -> Target:
    """
    Return what is known of the batch that an import goes into.

    :param settings: its batch settings; without them, or without a mode, EnergyCAP chooses the batch.
    """
    mode = settings.batch_mode if settings else None
    if settings is None or mode is None:
        return Target()
    if mode == "use existing batch":
        return Target(batch_id=settings.existing_open_batch_id)
    if mode == "use pending batch":
        return Target(batch_id=settings.pending_batch_id)
    is_own = mode in _MODES_THAT_CREATE and not settings.new_batch_code
    return Target(batch_code=settings.new_batch_code, is_own=is_own)


def marked(request: _Request, marker: str) -> _Request:
    """
    Return a request with the marker in it.

    It leads the note, so that no truncation loses it. If the import creates a batch and the user gave no code, it
    is the batch's code, too: EnergyCAP keeps batch codes unique.

    :param request: the request as the user wants it.
    :param marker: the marker.
    """
    fields: dict[str, Any] = {"import_note": f"{marker} {request.import_note}" if request.import_note else marker}
    if request.batch_settings is not None and target_of(request.batch_settings).is_own:
        fields["batch_settings"] = request.batch_settings.model_copy(update={"new_batch_code": marker})
    return request.model_copy(update=fields)


def markers_in(task: TaskResponse) -> set[str]:
    """
    Return the marker that a task shows in its note or, if there is none, as its batch's code.

    A note decides: the batch may have been made by another import, whose kickouts this one retries.

    :param task: a task; reduced lists may lack either.
    """
    marker = marker_of_note(task)
    if marker is not None:
        return {marker}
    code = _plain(task.batch.batch_code if task.batch else None)
    return {code} if _MARKER.fullmatch(code) else set()


def marker_of_note(task: TaskResponse) -> str | None:
    """Return the first marker in a task's note; None if it shows none."""
    found = _MARKER.search(_plain(task.task_note))
    return found.group() if found else None


def _plain(text: str | None) -> str:
    """Return a text in the form to compare: a server may change a code's case, or pad it."""
    return (text or "").strip().casefold()


def shows_notes(task: TaskResponse) -> bool:
    """Return whether a task proves that EnergyCAP shows import notes: it shows a marker of this package."""
    return marker_of_note(task) is not None


def is_note_of_another(task: TaskResponse, marker: str) -> bool:
    """
    Return whether a task's note begins with the marker of another import.

    :param task: the task.
    :param marker: the marker that its note should begin with.
    """
    return marker_of_note(task) not in (None, marker)


def digest_of(*parts: Any) -> str:
    """
    Return a digest of what decides which bills are imported into which batch.

    :param parts: plain JSON values.
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
