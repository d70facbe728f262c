"""Look for an import whose task GUID is not known: the table of what was found, and what then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from eci_provider.core import clock
from eci_provider.submission.errors import several_carry
from eci_provider.submission.marker import Target, markers_in, shows_notes
from eci_provider.waiting.status import classify

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse

#: How far before its intent an import may have begun, by the server's own clock.
_MARGIN = timedelta(minutes=5)
#: How far back one of our markers is looked for, as proof that EnergyCAP shows notes, and among how many tasks.
_PROOF_SPAN = timedelta(days=35)
_PROOF_TASKS = 1000


@dataclass
class Found:
    """
    Hold what a search found.

    :param attempt: the attempt that the next import would be: one more than those that are superseded.
    :param ours: the import that is ours; None where there is none.
    :param marker: the marker by which it was told.
    :param doubtful: imports that may be ours or not; only where none surely is.
    :param shows_notes: whether EnergyCAP is known to show import notes.
    """

    attempt: int
    ours: TaskResponse | None = None
    marker: str = ""
    doubtful: list[TaskResponse] = field(default_factory=list)
    shows_notes: bool = False


def is_superseded(task: TaskResponse, success_statuses: Sequence[str]) -> bool:
    """
    Tell whether an import ended as failed and, by the server's own count, with nothing imported.

    :param task: the import.
    :param success_statuses: further literals that count as success, as for its result.
    """
    outcome = classify(task.status, ended=bool(task.end_date), success_statuses=success_statuses)
    return outcome == "failed" and task.current_success_count == 0


def judge(
    tasks: Iterable[TaskResponse],
    *,
    marker: Callable[[int], str],
    attempt: int,
    salted: Sequence[str],
    targets: Sequence[Target],
    user_code: str | None,
    since: datetime,
    shows_notes: bool,
    success_statuses: Sequence[str] = (),
) -> Found:
    """
    Tell which of the imports is ours.

    :param tasks: the bill imports since the intent.
    :param marker: returns the marker of an attempt.
    :param attempt: the first attempt to look for.
    :param salted: further markers that ours can carry; the first of them that an import carries is it.
    :param targets: what is known of our import's batch, where it may be one or the other.
    :param user_code: whose imports can be ours; None where that is not known.
    :param since: when the intent was recorded, by the server's clock.
    :param shows_notes: whether EnergyCAP is known to show import notes.
    :param success_statuses: further literals that count as success.
    :raises EciUnknownOutcomeError: when several carry our marker.
    """
    tasks = list(tasks)

    def alive_under(wanted: str) -> tuple[bool, TaskResponse | None]:
        hits = [task for task in tasks if wanted in markers_in(task)]
        alive = [task for task in hits if not is_superseded(task, success_statuses)]
        if len(alive) > 1:
            raise several_carry(wanted, alive)
        return bool(hits), next(iter(alive), None)

    for wanted in salted:
        if (ours := alive_under(wanted)[1]) is not None:
            return Found(attempt, ours, wanted)
    while True:
        was_used, ours = alive_under(marker(attempt))
        if ours is not None:
            return Found(attempt, ours, marker(attempt))
        if not was_used:
            break
        attempt += 1
    doubtful = [
        task
        for task in tasks
        if not markers_in(task)
        and not is_superseded(task, success_statuses)
        and _may_be_of(task, user_code)
        and any(target.may_hold(task) for target in targets)
        and began_after(task, since)
        # Where notes are shown, only an import that runs and has none yet may still turn out to be ours.
        and not (shows_notes and (task.task_note or task.end_date))
    ]
    return Found(attempt, doubtful=doubtful, shows_notes=shows_notes)


def list_since(client: EciClient, since: datetime) -> list[TaskResponse]:
    """
    List the bill imports since a moment, and some earlier ones (GetTasksV3).

    What cannot be read of one of them counts as missing, which leaves it in doubt: somebody else's odd import must
    not keep ours from being found.

    :param client: the client.
    :param since: a moment by the server's clock.
    """
    from eci_provider.api.tasks import begun_since

    found = client.tasks.list(begun_since(since), lenient=True)
    # A page may repeat what the one before it ended with, when something was added meanwhile.
    return list({task.task_guid or id(task): task for task in found}.values())


def notes_were_shown(client: EciClient, since: datetime) -> bool:
    """
    Tell whether an import of the last weeks shows one of our markers as its note.

    :param client: the client.
    :param since: a moment by the server's clock; it is looked before it.
    """
    from eci_provider.api.filters import where

    day = (since - _PROOF_SPAN).date()
    earlier = client.tasks.list(where("beginDate", "greater than equal", day), lenient=True)
    return any(shows_notes(task) for task in islice(earlier, _PROOF_TASKS))


def _may_be_of(task: TaskResponse, user_code: str | None) -> bool:
    code = task.user.user_code if task.user else None
    return user_code is None or code is None or code.casefold() == user_code.casefold()


def began_after(task: TaskResponse, since: datetime) -> bool:
    """
    Tell whether a task can have begun after a moment; in doubt it can.

    :param task: the task.
    :param since: a moment by the server's clock.
    """
    from eci_provider.api.tasks import has_offset, parse_datetime

    text = task.begin_date or ""
    try:
        began = parse_datetime(text)
    except ValueError:
        return True
    return began >= since - (_MARGIN if has_offset(text) else clock.ANY_ZONE)
