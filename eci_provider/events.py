"""What a trigger tells the task it wakes: plain JSON, and refused when it is anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eci_provider.api import errors
from eci_provider.api.errors import EciError
from eci_provider.api.texts import keepable


class EciEventError(EciError):
    """Tell that a trigger's event is none that this version of the package knows; nothing is concluded from it."""

    retry_helps = False


def found_event(found: Mapping[str, Any], **about: Any) -> dict[str, Any]:
    """
    Return the event for a wait that ended as hoped.

    :param found: the task or batch at the last look, in snake_case.
    :param about: what was waited for: task_guid or batch_id.
    """
    return _event(status="found", found=dict(found), **about)


def error_event(error: Exception, **about: Any) -> dict[str, Any]:
    """
    Return the event for a wait that an error ended.

    :param error: the error; one that is not ours is told by its class and message.
    :param about: what was waited for: task_guid or batch_id.
    """
    if isinstance(error, EciError):
        facts = {"details": error.details, "attributes": _attributes(error)}
        return _event(status="error", type=type(error).__name__, message=error.message, **facts, **about)
    return _event(status="error", type="EciError", message=f"{type(error).__name__}: {error}", **about)


def subject(event: Mapping[str, Any] | None, name: str) -> str:
    """
    Return what the trigger waited for.

    :param event: the event.
    :param name: ``task_guid`` or ``batch_id``.
    :raises EciEventError: when the event does not say; nothing can be concluded then.
    """
    value = event.get(name) if isinstance(event, Mapping) else None
    if not value:
        raise _not_understood(event)
    return str(value)


def unpack(event: Mapping[str, Any] | None) -> dict[str, Any]:
    """
    Return what a trigger found, or raise the error it met.

    :param event: the event.
    :return: the task or batch, in snake_case.
    :raises EciError: the trigger's error, of the class it had there.
    :raises EciEventError: when the event is not one of ours; it fails closed.
    """
    if isinstance(event, Mapping) and event.get("status") == "found" and isinstance(event.get("found"), Mapping):
        return dict(event["found"])
    if isinstance(event, Mapping) and event.get("status") == "error":
        raise _rebuilt(event)
    raise _not_understood(event)


def _event(**facts: Any) -> dict[str, Any]:
    # An event that the database refuses ends the triggerer, and each one that is started after it.
    return dict(keepable(facts))


def _not_understood(event: object) -> EciEventError:
    return EciEventError(
        f"The trigger sent an event that is not understood, so nothing is concluded from it: {str(event)[:200]}"
    )


def _attributes(error: EciError) -> dict[str, Any]:
    return {name: value for name, value in vars(error).items() if name != "details"}


def _rebuilt(event: Mapping[str, Any]) -> EciError:
    cls = getattr(errors, str(event.get("type")), EciError)
    if not (isinstance(cls, type) and issubclass(cls, EciError)):
        cls = EciError
    error: EciError = cls.__new__(cls)
    error.args = (str(event.get("message")),)
    error.__dict__.update(details=dict(event.get("details") or {}), **dict(event.get("attributes") or {}))
    return error
