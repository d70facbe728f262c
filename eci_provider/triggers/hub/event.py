"""The event of a trigger: what its wait in the hub ended with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eci_provider.triggers.hub.hub import join_hub
from eci_provider.waiting.events import error_event, found_event

__all__ = ["error_event", "join_hub", "outcome_event"]


def outcome_event(outcome: Any, facts: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the event for the outcome of a wait.

    :param outcome: what the last poll found, as plain JSON, or the error that ended the wait.
    :param facts: what is waited for, as the event says it.
    """
    return error_event(outcome, **facts) if isinstance(outcome, Exception) else found_event(outcome, **facts)
