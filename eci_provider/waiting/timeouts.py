"""Waits that Airflow's own timeouts end: poll once more, and name what was waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api.errors import EciError
from eci_provider.waiting.poller import Poller

_Found = TypeVar("_Found")
_Result = TypeVar("_Result")

#: How long the poll after a timeout may take, in seconds.
FINAL_POLL_SECONDS = 8.0


def poll_after_timeout(poller: Poller[_Found]) -> tuple[_Found | None, EciError | None]:
    """
    Poll once more after a wait was ended from outside: what ended meanwhile counts as ended.

    The poll is bounded, because the timeout has expired already and nobody else would end it.

    :param poller: the wait.
    :return: what was found, None if it is not done; and why the poll failed, if it did.
    """
    try:
        return poller.final_poll(FINAL_POLL_SECONDS), None
    except EciError as error:
        return None, error


def wait_in_worker(poller: Poller[_Found]) -> _Found:
    """
    Wait in a worker; if Airflow's ``execution_timeout`` ends the try, name what was waited for.

    Airflow's own exception would not name it.

    :param poller: the wait.
    :return: what the last poll found.
    :raises EciWaitTimeoutError: if the deadline or the ``execution_timeout`` passes first.
    :raises EciError: as :meth:`Poller.run`.
    """
    return _within_execution_timeout(poller, poller.run)


def poll_in_worker(poller: Poller[_Found]) -> _Found | None:
    """
    Poll once in a worker, before the triggerer is to wait; a transient failure counts as "not yet".

    After a 404 it polls again after the settle time: it is final only then.

    :param poller: the wait.
    :return: what the poll found if it is done; None if not.
    :raises EciWaitTimeoutError: if it is not done and the deadline or the ``execution_timeout`` passes.
    :raises EciError: as :meth:`Poller.run`.
    """
    return _within_execution_timeout(poller, poller.poll_settled)


def _within_execution_timeout(poller: Poller[_Found], poll: Callable[[], _Result]) -> _Found | _Result:
    try:
        return poll()
    except AirflowTaskTimeout as timeout:
        final = poll_after_timeout(poller)
        found, cause = final
        if found is not None:
            return found
        raise poller.timeout_error(cause, ended_by="execution_timeout") from (cause or timeout)
