"""Keep what must not take long within a limit, and make Airflow's limit for a try end as one of our errors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from eci_provider.api.errors import EciError

if TYPE_CHECKING:
    from eci_provider.waiting.poller import Poller

_Value = TypeVar("_Value")

#: How long the last look may take that is made after the time is up, in seconds.
LAST_LOOK_SECONDS = 8.0


def bounded(work: Callable[[], _Value], seconds: float) -> _Value:
    """
    Return what a piece of work returns, or give it up.

    A thread, since neither a name look-up nor an answer that drips is bounded by a time-out. One that is given up
    may go on for a while; it does not keep the process alive.

    :param work: what to do; whatever it raises is raised here.
    :param seconds: how long it may take.
    :raises EciError: when it took longer.
    """
    values: list[_Value] = []
    errors: list[BaseException] = []

    def carry_out() -> None:
        try:
            values.append(work())
        except BaseException as error:
            errors.append(error)

    worker = threading.Thread(target=carry_out, daemon=True)
    worker.start()
    worker.join(seconds)
    if values:
        return values[0]
    raise errors[0] if errors else EciError(f"There was no complete answer within {seconds:g} s.")


def look_at_the_end(wait: Poller[_Value]) -> tuple[_Value | None, EciError | None]:
    """
    Look once more when a wait was ended from outside: what ended meanwhile counts as ended.

    It is bounded, because the time is up already and nobody else would end it.

    :param wait: the wait.
    :return: what was waited for, None where it is not done; and why the look failed, if it did.
    """
    try:
        return wait.final_look(LAST_LOOK_SECONDS), None
    except EciError as error:
        return None, error


def wait_in_worker(wait: Poller[_Value]) -> _Value:
    """
    Wait in a worker, and say what was waited for when Airflow's ``execution_timeout`` ends the try.

    Airflow's own exception would not name it.

    :param wait: the wait.
    :return: what was waited for.
    :raises EciWaitTimeoutError: when the deadline or the ``execution_timeout`` passes first.
    :raises EciError: as :meth:`Poller.run`.
    """
    from airflow.providers.common.compat.sdk import AirflowTaskTimeout

    try:
        return wait.run()
    except AirflowTaskTimeout as timeout:
        last = look_at_the_end(wait)
        found, cause = last
        if found is not None:
            return found
        raise wait.overdue(cause, ended_by="execution_timeout") from (cause or timeout)
