"""What a trigger tells the task it wakes: plain JSON, and refused when it is anything else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from eci_provider.api import errors
from eci_provider.api.errors import EciError
from eci_provider.core.errors import restore_error
from eci_provider.core.text import LONGEST_TEXT, cut, keepable, with_cut_texts

#: How many bytes of JSON an error's message takes, and all that is told beside it: an event is kept like an XCom.
_LONGEST_MESSAGE = 4000
_MOST_FACTS = 10_000


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
    if not isinstance(error, EciError):
        said = cut(f"{type(error).__name__}: {error}", _LONGEST_MESSAGE)
        return _event(status="error", type="EciError", message=said, **about)
    said = cut(error.message, _LONGEST_MESSAGE)
    facts = {"details": with_cut_texts(error.details), "attributes": with_cut_texts(_attributes(error))}
    if len(json.dumps(facts, default=str)) > _MOST_FACTS:
        facts["details"] = {}  # whatever many texts a server found room for
        facts["attributes"] = {name: fact for name, fact in facts["attributes"].items() if _is_small(fact)}
    return _event(status="error", type=type(error).__name__, message=said, **facts, **about)


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


def _is_small(fact: Any) -> bool:
    return not isinstance(fact, (str, list, dict)) or len(json.dumps(fact, default=str)) <= LONGEST_TEXT


def _rebuilt(event: Mapping[str, Any]) -> EciError:
    cls = getattr(errors, str(event.get("type")), EciError)
    if not (isinstance(cls, type) and issubclass(cls, EciError)):
        cls = EciError
    state = {"details": dict(event.get("details") or {}), **dict(event.get("attributes") or {})}
    return restore_error(cls, (str(event.get("message")),), state)
