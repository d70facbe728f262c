"""Why nothing is sent: the errors of submitting once, each naming what is known and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from eci_provider.api.errors import (
    EciBadRequestError,
    EciError,
    EciExistsError,
    EciNotFoundError,
    EciUnknownOutcomeError,
    EciWaitTimeoutError,
)
from eci_provider.api.transport.retries import asked_delay
from eci_provider.runtime.advice import NOT_LOOKED_FOR

if TYPE_CHECKING:
    from eci_provider.api.tasks import TaskResponse
    from eci_provider.submission.marker import Target

_MOST_NAMED = 10


def several_carry(marker: str, tasks: Sequence[TaskResponse]) -> EciUnknownOutcomeError:
    """Return the error for several imports that carry our marker."""
    error = EciUnknownOutcomeError(
        f"{len(tasks)} imports carry the marker {marker} of this task: {_named(tasks)}. Nothing is sent. See in "
        "EnergyCAP whether bills are there twice and delete one import's; then set adopt_task_guid to the "
        "import that shall count.",
        task_guids=_guids(tasks),
        marker=marker,
    )
    error.retry_helps = False
    return error


def may_be_ours(
    what: str, marker: str, tasks: Sequence[TaskResponse], *, shows_notes: bool, anew: str
) -> EciUnknownOutcomeError:
    """Return the error for imports that may be ours or not: they show no note, or none yet."""
    why = (
        "run and show no note yet"
        if shows_notes
        else "may be it, and EnergyCAP is not known to show import notes, by which ours could be told"
    )
    error = EciUnknownOutcomeError(
        f"It is not known whether {what} was submitted. {len(tasks)} imports {why}: {_named(tasks)}. Nothing is "
        "sent. Look at them in EnergyCAP: if one is it, set adopt_task_guid to its GUID, in a mapped task for "
        f"that instance alone; if none is, {anew}, for one run and without retries.",
        task_guids=_guids(tasks),
        marker=marker,
    )
    # As long as an import shows no note that it will show, or no batch, a later look may tell more.
    error.retry_helps = shows_notes or any(task.batch is None for task in tasks)
    return error


def search_failed(what: str, marker: str, error: EciError, *, reattach: bool = True) -> EciUnknownOutcomeError:
    """Return the error for a search that failed."""
    then = (
        "The next try looks again."
        if error.retry_helps
        else "Clear the task when that is put right: it looks again."
    )
    return _unknown_after(
        error,
        f"It is not known whether {what} was submitted by an earlier request, marker {marker}, and looking for it "
        f"failed: {error.message} Nothing is sent. {then if reattach else NOT_LOOKED_FOR}",
        marker,
    )


def every_answer_lost(
    what: str, marker: str, sends: int, last: EciError, *, reattach: bool = True
) -> EciUnknownOutcomeError:
    """Return the error for a request that was sent again and again, without an answer or an effect."""
    then = "The next try looks again." if reattach else NOT_LOOKED_FOR
    return EciUnknownOutcomeError(
        f"{what[:1].upper()}{what[1:]} was sent {sends} times, marker {marker}; each answer was lost, and each "
        f"time two looks found no import of it. {then} The last trouble: {last.message}",
        marker=marker,
        retry_after=asked_delay(last),
    )


def failed_after_a_lost_answer(
    what: str, marker: str, error: EciError, *, reattach: bool = True
) -> EciUnknownOutcomeError:
    """Return the error for a request that failed after one before it had lost its answer in the same try."""
    later = "a later try of this task finds its import; clear the task when the trouble is over."
    return _unknown_after(
        error,
        f"An answer to {what} was lost, two looks found no import of it, and sending it again failed: "
        f"{error.message} The first request, marker {marker}, may still take effect late. "
        f"{f'Should it, {later}' if reattach else NOT_LOOKED_FOR}",
        marker,
    )


def refused(what: str, target: Target, before: Sequence[str], error: EciBadRequestError) -> EciBadRequestError:
    """Return the error for a request that EnergyCAP refused, in the light of the imports that came before it."""
    words = [f"EnergyCAP did not take {what}.", error.message]
    if target.batch_code is not None:
        words.append(
            f"If batch {target.batch_code!r} is there from an import before, name another code, use batch mode "
            "'smart batch', or delete that batch if it is empty."
        )
    if target.batch_id is not None:
        words.append(
            f"See whether batch {target.batch_id} still takes bills: an existing one must be Open for it, a "
            "pending one Pending."
        )
    if before:
        words.append(f"Before, this task did import {', '.join(before)}.")
    return EciBadRequestError(
        " ".join(words),
        status=error.status,
        method=error.method,
        path=error.path,
        request_id=error.request_id,
        retry_after=error.retry_after,
        body=error.body,
    )


def has_its_own(task_guid: str, what: str, task: TaskResponse) -> EciExistsError:
    """Return the error for an import to adopt while the task has one of its own."""
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r}, but an earlier try of this task started import {task.task_guid} with "
        f"{what}, which is {task.status!r}. Adopting the other one would lose it from sight, and bills could be "
        "there twice. Take adopt_task_guid away to go on with the task's own; with reattach=False the other one "
        "is taken all the same.",
        task_guid=task_guid,
    )


def is_anothers(task_guid: str, map_index: int) -> EciExistsError:
    """Return the error for an import to adopt that another mapped instance of the task has taken."""
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r} for map index {map_index}, and another instance of this mapped task "
        "has that import already: one import cannot stand for two files. Map adopt_task_guid together with the "
        "file, and name it for the instance alone whose import it is.",
        task_guid=task_guid,
    )


def out_of_time(what: str, *, reattach: bool = True) -> EciUnknownOutcomeError:
    """Return the error for a try that Airflow's ``execution_timeout`` ended before it knew its import."""
    then = (
        "the next try looks for it."
        if reattach
        else "with reattach=False no later try looks for it. If its import is there, set adopt_task_guid to its "
        "GUID; if not, clear the task."
    )
    return EciUnknownOutcomeError(
        f"The `execution_timeout` of this task was over while {what} was submitted or looked for. It may run in "
        f"EnergyCAP; {then} Leave more time than the upload and the connection's settle_time take."
    )


def out_of_time_with(task_guid: str, what: str, how_to_go_on: str) -> EciWaitTimeoutError:
    """Return the error for a try that Airflow's ``execution_timeout`` ended while it looked at its import."""
    return EciWaitTimeoutError(
        f"The `execution_timeout` of this task was over before it was known how import {task_guid} of {what} "
        f"stands. {how_to_go_on} Leave more time than the upload and the connection's settle_time take.",
        ended_by="execution_timeout",
        task_guid=task_guid,
        status=None,
    )


def not_ours(task_guid: str, markers: Sequence[str]) -> EciExistsError:
    """Return the error for an import to adopt that another task or run has submitted."""
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r}: that import carries the marker {', '.join(markers)} of another task, "
        "run or file. Adopting it would leave this task's bills out. With reattach=False it is taken all the "
        "same.",
        task_guid=task_guid,
    )


def vanished(task_guid: str, what: str, error: EciNotFoundError, *, anew: str) -> EciNotFoundError:
    """Return the error for a recorded import that EnergyCAP does not know any more."""
    return EciNotFoundError(
        f"EnergyCAP does not know import {task_guid} any more, which an earlier try of this task started with "
        f"{what}. Nothing is sent. If its bills are not in EnergyCAP, {anew} to import again. "
        f"{error.message}",
        status=error.status,
        method=error.method,
        path=error.path,
        request_id=error.request_id,
        body=error.body,
    )


def content_changed(what: str, task: TaskResponse) -> EciExistsError:
    """Return the error for a retry whose file or batch is another one than the earlier try submitted."""
    return EciExistsError(
        f"An earlier try of this task started import {task.task_guid}, which is {task.status!r}, and {what} or "
        "its batch has changed since. Nothing is sent, since bills could be there twice. Set adopt_task_guid to "
        "that import to conclude it, or clear the failed task to import the new content.",
        task_guid=task.task_guid,
    )


def no_import(task_guid: str, kind: str | None) -> EciExistsError:
    """Return the error for a task to adopt that is no bill import."""
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r}: a task of type {kind}, not a bill import.", task_guid=task_guid
    )


def not_this_runs(task_guid: str, task: TaskResponse, floor: datetime) -> EciExistsError:
    """Return the error for an import to adopt that is older than the DAG run."""
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r}: that import began {task.begin_date}, before this DAG run could have "
        f"started it ({floor.isoformat()}). Adopting it would leave this run's bills out: name it for one run "
        "only, or wait for it with EciTaskSensor.",
        task_guid=task_guid,
    )


def nameless(what: str) -> EciUnknownOutcomeError:
    """Return the error for a task that was found and has no GUID to read it by."""
    return EciUnknownOutcomeError(
        f"An import of {what} was found, but EnergyCAP shows no GUID of it, so it cannot be waited for."
    )


def _unknown_after(error: EciError, message: str, marker: str) -> EciUnknownOutcomeError:
    """Return the error for what cannot be known since a request failed; a retry helps as it would there."""
    unknown = EciUnknownOutcomeError(message, marker=marker, retry_after=asked_delay(error))
    unknown.retry_helps = error.retry_helps
    return unknown


def _guids(tasks: Sequence[TaskResponse]) -> list[str]:
    return [str(task.task_guid) for task in tasks[:_MOST_NAMED]]


def _named(tasks: Sequence[TaskResponse]) -> str:
    more = len(tasks) - _MOST_NAMED
    return ", ".join(_guids(tasks)) + (f" and {more} more" if more > 0 else "")
