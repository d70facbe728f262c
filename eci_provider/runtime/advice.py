"""Hints at the end of an error: what to do next about an import that the task no longer waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from eci_provider.api.errors import EciError, EciWaitTimeoutError

#: The hint without reattaching for an import of which only the marker is known.
NOT_SEARCHED_FOR = (
    "With reattach=False no later attempt searches. If an import's note begins with the marker, set "
    "adopt_task_guid to it; else clear the task."
)


def reattach_hint(error: EciError | None = None) -> str:
    """
    Return the hint for an import to which a later attempt of the task reattaches.

    :param error: what ended the wait; None for what a retry can cure.
    """
    if is_wait_timeout(error):
        return "Raise `timeout` and clear the task, which reattaches to it, or wait for it with EciTaskSensor."
    if error is None or error.retry_helps:
        return "A retry or a clear of the task reattaches to it, and sends nothing."
    return "Clear the task when the cause is fixed: it reattaches to the import, and sends nothing."


def adopt_hint(task_guid: str, error: EciError | None = None) -> str:
    """
    Return the hint for an import that a later attempt of the task would import again.

    :param task_guid: the import.
    :param error: what ended the wait; None for what a retry can cure.
    """
    longer = " and raise `timeout`" if is_wait_timeout(error) else ""
    return (
        "With reattach=False a retry or a clear of the task would import again: wait for this import with "
        f"EciTaskSensor, or set adopt_task_guid to {task_guid!r}{longer}, and the task adopts it instead of "
        "sending anything."
    )


def wait_hint(error: EciError) -> str:
    """
    Return the hint for a task that only waits.

    :param error: what ended the wait.
    """
    if is_wait_timeout(error):
        return "Raise the sensor's `timeout` and clear it to continue the wait."
    if error.retry_helps:
        return "A retry or a clear of the sensor continues the wait."
    return "Clear the sensor when the cause is fixed: it continues the wait."


def is_wait_timeout(error: EciError | None) -> bool:
    """Return whether the wait's own ``timeout`` ended it, which a retry does not extend."""
    return isinstance(error, EciWaitTimeoutError) and error.ended_by == "timeout"


@contextmanager
def hints_added(hint: Callable[[EciError], str]) -> Iterator[None]:
    """
    End the message of each error of ours with a hint.

    :param hint: returns the hint for an error.
    """
    try:
        yield
    except EciError as error:
        raise error.copy(f"{error.message} {hint(error)}") from error.__cause__
