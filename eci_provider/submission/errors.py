"""
The errors of a submission: what happened, what is known, and what to do.

One whose message names the job has its description in ``details["what"]``.
"""

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
from eci_provider.core.text import shown
from eci_provider.runtime.advice import NOT_SEARCHED_FOR

if TYPE_CHECKING:
    from eci_provider.api.tasks import TaskResponse
    from eci_provider.submission.marker import Target

_MOST_NAMED = 10
_ADOPT_ONE = "Delete the bills of all but one in EnergyCAP, then set adopt_task_guid to that one."
_MORE_TIME = "Allow time for the upload and settle_time."


def several_imports(
    marker: str, tasks: Sequence[TaskResponse], *, next_step: str | None = None
) -> EciUnknownOutcomeError:
    """Return the error for several imports that carry our marker."""
    error = EciUnknownOutcomeError(
        f"{len(tasks)} imports carry the marker {marker} of this task, so bills may be there twice. Nothing is "
        f"sent. {next_step or _ADOPT_ONE} The imports: {_named(tasks)}.",
        task_guids=_guids(tasks),
        marker=marker,
    )
    error.retry_helps = False
    return error


def undecided(
    description: str, marker: str, tasks: Sequence[TaskResponse], *, shows_notes: bool, resubmit_hint: str
) -> EciUnknownOutcomeError:
    """Return the error for imports that may be ours or not: they show no note, or none yet."""
    reason = "run and show no note yet" if shows_notes else "may be it, since EnergyCAP is not known to show notes"
    error = EciUnknownOutcomeError(
        f"It is not known whether {description} was submitted; nothing is sent. If an import below is it, set "
        f"adopt_task_guid to its GUID (on its mapped instance only). If none is, {resubmit_hint}, for one run "
        f"without retries. {len(tasks)} imports {reason}: {_named(tasks)}.",
        task_guids=_guids(tasks),
        what=description,
        marker=marker,
    )
    # While an import has no note that it will show, or no batch, a later search may decide.
    error.retry_helps = shows_notes or any(task.batch is None for task in tasks)
    return error


def search_failed(
    description: str, marker: str, error: EciError, *, reattach: bool = True
) -> EciUnknownOutcomeError:
    """Return the error for a search that failed."""
    if not reattach:
        hint = NOT_SEARCHED_FOR
    elif error.retry_helps:
        hint = "The next attempt searches again."
    else:
        hint = "Clear the task when the cause is fixed: it searches again."
    return _unknown_after(
        error,
        f"It is not known whether {description} was submitted, marker {marker}: the search failed. Nothing is "
        f"sent. {hint} The cause: {error.message}",
        description,
        marker,
    )


def all_answers_lost(
    description: str, marker: str, sends: int, last: EciError, *, reattach: bool = True
) -> EciUnknownOutcomeError:
    """Return the error for a request that was sent several times, each time without an answer or an effect."""
    hint = "The next attempt searches again." if reattach else NOT_SEARCHED_FOR
    return EciUnknownOutcomeError(
        f"{description[:1].upper()}{description[1:]} was sent {sends} times, marker {marker}; each answer was "
        f"lost, and no search found its import. {hint} The last error: {last.message}",
        what=description,
        marker=marker,
        retry_after=asked_delay(last),
    )


def answer_about_another(description: str, task_guid: str, marker: str) -> EciUnknownOutcomeError:
    """Return the error for an answer that names an import with another marker, if no search finds ours."""
    error = EciUnknownOutcomeError(
        f"The answer to {description}, marker {marker}, names import {task_guid}, whose note begins with another "
        "marker. Check in EnergyCAP whether it was imported: set adopt_task_guid to its import, or clear the task "
        "to send it again.",
        what=description,
        marker=marker,
        task_guid=task_guid,
    )
    error.retry_helps = False
    return error


def resend_failed(
    description: str, marker: str, error: EciError, *, reattach: bool = True
) -> EciUnknownOutcomeError:
    """Return the error for a request that failed after an earlier one of the same attempt lost its answer."""
    later = "A later attempt finds its import; clear the task when the cause is fixed."
    return _unknown_after(
        error,
        f"An answer to {description} was lost; resending failed. The first request, marker {marker}, may still "
        f"take effect. {later if reattach else NOT_SEARCHED_FOR} The cause: {error.message}",
        description,
        marker,
    )


def refused(
    description: str, target: Target, earlier: Sequence[str], error: EciBadRequestError
) -> EciBadRequestError:
    """Return the error for a request that EnergyCAP refused, with what the earlier imports say about it."""
    words = [f"EnergyCAP did not take {description}. {error.message}"]
    # Assumption: EnergyCAP's words about a batch name it as one.
    may_mean_batch = not error.body or "batch" in error.body.casefold()
    if target.batch_code is not None and may_mean_batch:
        words.append(
            f"If batch {target.batch_code!r} exists already, use another code or batch mode 'smart batch', or "
            "delete that batch if it is empty."
        )
    if target.batch_id is not None and may_mean_batch:
        words.append(
            f"Check that batch {target.batch_id} takes bills: an existing one must be Open, a pending one Pending."
        )
    if earlier:
        words.append(f"Earlier imports of this task: {', '.join(earlier)}.")
    return error.copy(" ".join(words), what=description)


def already_started(task_guid: str, description: str, task: TaskResponse) -> EciExistsError:
    """Return the error for an import to adopt while the task has one of its own."""
    guid, status = shown(task.task_guid), shown(task.status)
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r}, but an earlier attempt of this task started import {guid} "
        f"of {description}, which is {status!r}. Adopting another would orphan it. Remove adopt_task_guid to "
        "resume it, or set reattach=False to adopt the other anyway.",
        what=description,
        task_guid=task_guid,
    )


def taken_by_other_instance(task_guid: str, map_index: int) -> EciExistsError:
    """Return the error for an import to adopt that another mapped instance of the task has taken."""
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r} for map index {map_index}, and another instance of this mapped task "
        "has that import. Map adopt_task_guid together with the file, or set it only on the mapped instance that "
        "owns the import.",
        task_guid=task_guid,
    )


def timeout_before_import(description: str, *, reattach: bool = True) -> EciUnknownOutcomeError:
    """Return the error for an attempt that ``execution_timeout`` ended before it knew its import."""
    hint = (
        "The next attempt searches for it."
        if reattach
        else "With reattach=False no later attempt searches: if it is there, set adopt_task_guid to it; "
        "else clear the task."
    )
    return EciUnknownOutcomeError(
        f"`execution_timeout` exceeded while {description} was submitted or searched for. It may run in "
        f"EnergyCAP. {hint} {_MORE_TIME}",
        what=description,
    )


def timeout_with_import(task_guid: str, description: str, resume_hint: str) -> EciWaitTimeoutError:
    """Return the error for an attempt that ``execution_timeout`` ended before its import was polled."""
    return EciWaitTimeoutError(
        f"`execution_timeout` exceeded before import {task_guid} of {description} was polled. {resume_hint} "
        f"{_MORE_TIME}",
        ended_by="execution_timeout",
        what=description,
        task_guid=task_guid,
        status=None,
    )


def foreign_marker(task_guid: str, markers: Sequence[str]) -> EciExistsError:
    """Return the error for an import to adopt that another task or run has submitted."""
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r}: that import carries the marker {', '.join(markers)} of another task, "
        "run or file. Adopting it would leave this task's bills out. Set reattach=False to adopt it anyway.",
        task_guid=task_guid,
    )


def vanished(task_guid: str, description: str, error: EciNotFoundError, resubmit_hint: str) -> EciNotFoundError:
    """Return the error for a recorded import that EnergyCAP does not know any more."""
    return error.copy(
        f"EnergyCAP no longer knows import {task_guid}, which an earlier attempt of this task started with "
        f"{description}. Nothing is sent. If its bills are not in EnergyCAP, {resubmit_hint} to import again. "
        f"The cause: {error.message}",
        what=description,
    )


def content_changed(description: str, task: TaskResponse) -> EciExistsError:
    """Return the error for a retry whose file or batch is not the one that the earlier attempt submitted."""
    guid, status = shown(task.task_guid), shown(task.status)
    return EciExistsError(
        f"An earlier attempt started import {guid}, which is {status!r}, and {description} or its "
        "batch has changed since. Nothing is sent. Set adopt_task_guid to that import to conclude it, or clear "
        "the failed task to import the new content.",
        what=description,
        task_guid=guid,
    )


def not_an_import(task_guid: str, kind: str | None) -> EciExistsError:
    """Return the error for a task to adopt that is no bill import."""
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r}: a task of type {shown(kind)}, not a bill import.", task_guid=task_guid
    )


def older_than_run(task_guid: str, task: TaskResponse, earliest_start: datetime) -> EciExistsError:
    """Return the error for an import to adopt that is older than the DAG run."""
    began = shown(task.begin_date)
    return EciExistsError(
        f"adopt_task_guid is {task_guid!r}: that import began {began}, before this DAG run could have "
        f"started it ({earliest_start.isoformat()}). Adopting it would leave this run's bills out. Set it for one "
        "run only, or wait for it with EciTaskSensor.",
        task_guid=task_guid,
    )


def missing_guid(description: str) -> EciUnknownOutcomeError:
    """Return the error for an import that was found and has no GUID to poll it by."""
    return EciUnknownOutcomeError(
        f"An import of {description} was found, but EnergyCAP shows no GUID of it, so it cannot be waited for.",
        what=description,
    )


def _unknown_after(error: EciError, message: str, description: str, marker: str) -> EciUnknownOutcomeError:
    """Return the error for what is not known since a request failed; a retry helps as it would there."""
    unknown = EciUnknownOutcomeError(message, what=description, marker=marker, retry_after=asked_delay(error))
    unknown.retry_helps = error.retry_helps
    return unknown


def _guids(tasks: Sequence[TaskResponse]) -> list[str]:
    return [shown(str(task.task_guid)) for task in tasks[:_MOST_NAMED]]


def _named(tasks: Sequence[TaskResponse]) -> str:
    more = len(tasks) - _MOST_NAMED
    return ", ".join(_guids(tasks)) + (f" and {more} more" if more > 0 else "")
