"""How a person goes on with an import that nobody waits for any more: the last sentence of an error."""

from __future__ import annotations

from eci_provider.api.errors import EciError, EciWaitTimeoutError

#: What becomes without reattaching of an import of which only the marker is known.
NOT_LOOKED_FOR = (
    "With reattach=False no later try looks for it: look in EnergyCAP for an import whose note begins with that "
    "marker. If there is one, set adopt_task_guid to its GUID; if there is none, clear the task."
)


def by_reattaching(error: EciError | None = None) -> str:
    """
    Return how to go on where a later try of the task takes its import again.

    :param error: what ended the wait; None for what a retry can cure.
    """
    if is_out_of_patience(error):
        return "Raise `timeout` and clear the task, which reattaches to it, or wait for it with EciTaskSensor."
    if error is None or error.retry_helps:
        return "A retry or a clear of the task reattaches to it, and sends nothing."
    return "Clear the task when that is put right: it reattaches to the import, and sends nothing."


def by_adopting(task_guid: str, error: EciError | None = None) -> str:
    """
    Return how to go on where a later try of the task would import again.

    :param task_guid: the import.
    :param error: what ended the wait; None for what a retry can cure.
    """
    longer = " and raise `timeout`" if is_out_of_patience(error) else ""
    return (
        "With reattach=False a retry or a clear of the task would import again: wait for this import with "
        f"EciTaskSensor, or set adopt_task_guid to {task_guid!r}{longer}, and the task takes it instead of "
        "sending anything."
    )


def by_waiting(error: EciError) -> str:
    """
    Return how to go on where nothing but waiting is done.

    :param error: what ended the wait.
    """
    if is_out_of_patience(error):
        return "Raise the sensor's `timeout` and clear it: it goes on waiting."
    if error.retry_helps:
        return "A retry or a clear of the sensor goes on waiting."
    return "Clear the sensor when that is put right: it goes on waiting."


def is_out_of_patience(error: EciError | None) -> bool:
    """Tell whether the wait's own ``timeout`` ended it, which a retry cannot move."""
    return isinstance(error, EciWaitTimeoutError) and error.ended_by == "timeout"


def add(error: EciError, *, before: str = "", after: str = "") -> None:
    """
    Add words to an error's message; its class and its data stay.

    :param error: the error.
    :param before: what to say first.
    :param after: what to say last.
    """
    lead = f"{before}: " if before else ""
    end = f" {after}" if after else ""
    error.args = (f"{lead}{error.message}{end}", *error.args[1:])
