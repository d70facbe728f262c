"""What a kill of a task does to its import; EnergyCAP itself cannot cancel one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from eci_provider.api.errors import EciError, EciNotFoundError
from eci_provider.api.transport.retries import is_transient
from eci_provider.batches.status import change_status
from eci_provider.core import clock
from eci_provider.core.text import shown
from eci_provider.core.time_limit import run_within
from eci_provider.runtime.advice import NOT_SEARCHED_FOR, adopt_hint, reattach_hint
from eci_provider.waiting.late_batches import settled_batch
from eci_provider.waiting.status import has_ended, latest_now

if TYPE_CHECKING:
    from eci_provider.api.batches import BatchResponse
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse

log = logging.getLogger(__name__)

#: What a kill of a task does to its import.
OnKill = Literal["detach", "void_batch"]
ON_KILL = ("detach", "void_batch")

#: How many seconds a kill in a worker may take: Airflow ends the process 5 s after it asks it to stop.
WORKER_SECONDS = 4.0

#: How often an import is polled until it shows its batch, and the seconds between two polls.
_POLLS = 4
_PAUSE = 0.7

_BY_HAND = "set it to Pending in EnergyCAP or with UpdateBatchStatusOperator, which voids its bills"


class KillHandler:
    """
    What a kill of this process has to handle: nothing, a request under way, or an import.

    :param action: ``detach`` or ``void_batch``.
    """

    def __init__(self, action: OnKill) -> None:
        self.action = action
        self._was_killed = False
        self._marker: str | None = None
        self._reattach = True
        self._import: tuple[Callable[[], EciClient], str] | None = None

    def sending(self, marker: str, *, reattach: bool = True) -> None:
        """
        Note that an import is about to be sent.

        :param marker: the marker it carries.
        :param reattach: whether a later attempt searches for it.
        :raises EciError: after a kill; Airflow lets a killed process run for some seconds, and it must not send.
        """
        if self._was_killed:
            # If there is a marker, an earlier request of this attempt may have taken effect.
            done = "Nothing was sent." if self._marker is None else "It was not sent again."
            raise EciError(f"The task was killed before its import was sent. {done}")
        self._marker, self._reattach = marker, reattach

    def track(self, client: Callable[[], EciClient], task_guid: str, *, reattach: bool = True) -> None:
        """
        Start tracking an import; if the kill came before, handle it now.

        :param client: returns a new client.
        :param task_guid: the import.
        :param reattach: whether a later attempt reattaches to it.
        """
        self._import, self._reattach = (client, task_guid), reattach
        if self._was_killed:
            self.handle()

    def untrack(self) -> None:
        """Stop tracking the import: what ends the process from now on does not concern it."""
        self._import = self._marker = None

    def handle(self) -> None:
        """Do to the import what the action says; it never raises."""
        self._was_killed = True
        if self._import is not None:
            client, task_guid = self._import
            kill(self.action, client, task_guid, reattach=self._reattach)
        elif self._marker is not None:
            log.warning(
                "The task was killed while its import was sent, marker %s; it may run in EnergyCAP. %s",
                self._marker,
                self._hint(),
            )

    def _hint(self) -> str:
        """Return the hint for an import of which only the marker is known."""
        return "A retry or a clear of the task searches for it." if self._reattach else NOT_SEARCHED_FOR


def kill(
    action: str,
    client: Callable[[], EciClient],
    task_guid: str,
    *,
    seconds: float = WORKER_SECONDS,
    reattach: bool = True,
) -> None:
    """
    Do to an import what ``on_kill`` says, and log it. It never raises.

    :param action: ``detach`` or ``void_batch``.
    :param client: returns a new client, in another thread: a signal may have stopped the task in the middle of a
        request of its own.
    :param task_guid: the import.
    :param seconds: how long it may take.
    :param reattach: whether a later attempt of the task reattaches to it.
    """
    if action != "void_batch":
        hint = reattach_hint() if reattach else adopt_hint(task_guid)
        log.info("Import %s continues in EnergyCAP, which cannot cancel it. %s", task_guid, hint)
        return
    try:
        level, said = run_within(seconds, lambda: void_batch(client(), task_guid))
    except Exception as error:
        reason = error.message if isinstance(error, EciError) else type(error).__name__
        level, said = logging.ERROR, f"Its batch could not be set to Pending: {reason} Check it, and {_BY_HAND}."
    log.log(level, "Import %s was killed. %s", task_guid, said)


def void_batch(client: EciClient, task_guid: str) -> tuple[int, str]:
    """
    Set an import's batch to Pending, which voids its bills. The import itself continues until it ends.

    :param client: the client.
    :param task_guid: the import.
    :return: a log level, and a sentence: what was done, or what a person must do.
    :raises EciError: if a request fails.
    """
    task = _with_batch(client, task_guid)
    if task.batch is None or task.batch.batch_id is None:
        has_end = has_ended(task, latest_now(client))
        ended = f"It ended as {shown(task.status)!r} without one" if has_end else "It has none yet"
        return logging.ERROR, f"Its batch could not be voided. {ended}; if one appears, {_BY_HAND}."
    batch, changed = _pending(client, task.batch.batch_id, task.batch.batch_code)
    name = f"Its batch {shown(batch.batch_code)!r} ({batch.batch_id})"
    if batch.has_status("Pending"):
        done = "was set to Pending" if changed else "was Pending already"
        return logging.WARNING, f"{name} {done}: all its bills are void until it is opened again."
    if batch.has_status("Closed"):
        return (
            logging.ERROR,
            f"{name} is Closed, so its bills stay; correct them in EnergyCAP.",
        )
    return logging.ERROR, f"{name} is {shown(batch.batch_status)!r} still: {_BY_HAND}."


def _with_batch(client: EciClient, task_guid: str) -> TaskResponse:
    """Return the task, once it shows its batch: EnergyCAP creates that a moment after the submission."""
    for poll in range(1, _POLLS + 1):
        try:
            task = client.tasks.get(task_guid, repeat=False)
        except EciError as error:
            # Right after its submission a read of it may lag.
            if poll == _POLLS or not (is_transient(error) or isinstance(error, EciNotFoundError)):
                raise
        else:
            has_batch = task.batch is not None and task.batch.batch_id is not None
            if poll == _POLLS or has_batch or has_ended(task, latest_now(client)):
                break
        clock.sleep(_PAUSE)
    return task


def _pending(client: EciClient, batch_id: int, batch_code: str | None) -> tuple[BatchResponse, bool]:
    """Return the batch after it was set to Pending, and whether that was asked for."""
    batch = settled_batch(client, batch_id, _PAUSE, batch_code=batch_code)
    if not batch.has_status("Open"):
        return batch, False
    return change_status(client, batch_id, "Pending", settle_time=_PAUSE, leave_open_batches_as_is=True), True
