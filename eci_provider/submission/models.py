"""What is submitted, in which try of its task, and what is known of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.tasks import TaskResponse
    from eci_provider.submission.marker import Identity, Target


@dataclass(frozen=True)
class Job:
    """
    Say what is to be submitted once.

    :param what: what it is, for messages, such as ``file 'bills.csv'``.
    :param identity: returns which piece of work it is; it reads the file.
    :param target: what is known of its batch.
    :param send: sends it under a marker and returns the GUID of its task.
    :param anew: what to set so that it is sent whatever earlier tries did, for messages.
    """

    what: str
    identity: Callable[[], Identity]
    target: Target
    send: Callable[[str], str]
    anew: str = "set reattach=False"


@dataclass(frozen=True)
class AttemptContext:
    """
    Say in which try it is submitted.

    :param try_number: in which, counted from 1.
    :param max_tries: Airflow's count, which grows when a task is cleared and not when it is retried.
    :param floor: the earliest moment at which a try can have submitted it; None where that is not known.
    :param reattach: whether imports of earlier tries are looked for.
    :param settle_time: seconds after which a request whose answer was lost has taken effect or never will.
    :param others: the GUIDs, in lower case, of imports that are known not to be the one that is submitted.
    :param success_statuses: further status literals that count as success.
    :param is_recorded: whether Airflow still has what earlier tries recorded, so that what they did not record
        they did not do.
    """

    try_number: int
    max_tries: int | None
    floor: datetime | None
    reattach: bool
    settle_time: float
    others: frozenset[str] = frozenset()
    success_statuses: tuple[str, ...] = ()
    is_recorded: bool = False


@dataclass(frozen=True)
class Submitted:
    """
    Hold the import that this task now waits for.

    :param task_guid: its GUID.
    :param submitted_at: when it was submitted, by this machine's clock.
    :param reattached: whether an earlier try, or somebody else, had submitted it.
    :param task: the task at the last look, if there was one.
    """

    task_guid: str
    submitted_at: datetime
    reattached: bool
    task: TaskResponse | None


@dataclass(frozen=True)
class ResumeDecision:
    """
    Hold what is to be done, and why.

    :param attempt: the attempt to submit, where no import is reattached to.
    :param task: the import to reattach to; None to submit.
    :param why: the reason, for the person on call.
    """

    attempt: int
    task: TaskResponse | None
    why: str


def earliest_start(context: Context | Mapping[str, Any]) -> datetime | None:
    """
    Return the earliest moment at which a task of this DAG run can have started, also after clears.

    A run's own start is no help: clearing a finished run sets it anew.

    :param context: Airflow's context.
    :return: None where the run tells no date at all.
    """
    run = context.get("dag_run")
    for name in ("run_after", "data_interval_end", "logical_date"):
        moment = getattr(run, name, None)
        if isinstance(moment, datetime):
            return moment
    return None
