"""Keep what must not take long within a limit, and make Airflow's limit for a try end as one of our errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from eci_provider.api.errors import EciError

if TYPE_CHECKING:
    from eci_provider.waiting.poller import Poller

_Value = TypeVar("_Value")

#: How long the last look may take that is made after the time is up, in seconds.
LAST_LOOK_SECONDS = 8.0


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
