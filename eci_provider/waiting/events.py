"""The event with which a trigger resumes its task: plain JSON, refused if it is anything else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from eci_provider.api import errors
from eci_provider.api.errors import EciError
from eci_provider.core.errors import restore_error
from eci_provider.core.text import LONGEST_TEXT, cut, shown, storable, with_cut_texts

#: The most bytes of JSON for an error's message, and for its other facts: an event is stored like an XCom.
_LONGEST_MESSAGE = 4000
_LONGEST_FACTS = 10_000


class EciEventError(EciError):
    """A trigger's event is not one that this version of the package knows; nothing is concluded from it."""

    retry_helps = False


def found_event(found: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """
    Return the event for a wait that reached its goal.

    :param found: the task or batch at the last poll, in snake_case.
    :param facts: what was waited for: task_guid or batch_id.
    """
    return _event(status="found", found=dict(found), **facts)


def error_event(error: Exception, **facts: Any) -> dict[str, Any]:
    """
    Return the event for a wait that ended with an error.

    :param error: the error; of one that is not ours only class and message are sent.
    :param facts: what was waited for: task_guid or batch_id.
    """
    if not isinstance(error, EciError):
        message = shown(f"{type(error).__name__}: {error}", _LONGEST_MESSAGE)
        return _event(status="error", type="EciError", message=message, **facts)
    message = cut(error.message, _LONGEST_MESSAGE)
    data = {"details": with_cut_texts(error.details), "attributes": with_cut_texts(_attributes(error))}
    if len(json.dumps(data, default=str)) > _LONGEST_FACTS:
        data["details"] = {}  # their number is up to the server
        data["attributes"] = {name: value for name, value in data["attributes"].items() if _is_small(value)}
    return _event(status="error", type=type(error).__name__, message=message, **data, **facts)


def subject(event: Mapping[str, Any] | None, name: str) -> str:
    """
    Return what the trigger waited for.

    :param event: the event.
    :param name: ``task_guid`` or ``batch_id``.
    :raises EciEventError: if the event does not name it; nothing can be concluded then.
    """
    value = event.get(name) if isinstance(event, Mapping) else None
    if not value:
        raise _unknown(event)
    return str(value)


def unpack(event: Mapping[str, Any] | None) -> dict[str, Any]:
    """
    Return what a trigger found, or raise its error.

    :param event: the event.
    :return: the task or batch, in snake_case.
    :raises EciError: the trigger's error, of the class that it had there.
    :raises EciEventError: if the event is not one of ours.
    """
    if isinstance(event, Mapping) and event.get("status") == "found" and isinstance(event.get("found"), Mapping):
        return dict(event["found"])
    if isinstance(event, Mapping) and event.get("status") == "error":
        raise _restored(event)
    raise _unknown(event)


def _event(**facts: Any) -> dict[str, Any]:
    # An event that the database refuses ends the triggerer, and every one that is started after it.
    return dict(storable(facts))


def _unknown(event: object) -> EciEventError:
    return EciEventError(
        "The trigger's event was not understood, so nothing is concluded from it. "
        f"Is the triggerer's version of the package another one? Event: {shown(str(event), 200)}"
    )


def _attributes(error: EciError) -> dict[str, Any]:
    return {name: value for name, value in vars(error).items() if name != "details"}


def _is_small(value: Any) -> bool:
    return not isinstance(value, (str, list, dict)) or len(json.dumps(value, default=str)) <= LONGEST_TEXT


def _restored(event: Mapping[str, Any]) -> EciError:
    cls = getattr(errors, str(event.get("type")), EciError)
    if not (isinstance(cls, type) and issubclass(cls, EciError)):
        cls = EciError
    state = {"details": dict(event.get("details") or {}), **dict(event.get("attributes") or {})}
    return restore_error(cls, (str(event.get("message")),), state)
