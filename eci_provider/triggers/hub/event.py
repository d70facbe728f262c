"""The event of a trigger: what its wait in the hub ended with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from eci_provider.triggers.hub.hub import join_hub
from eci_provider.waiting.client import ClientProvider
from eci_provider.waiting.events import error_event, found_event
from eci_provider.waiting.poller import Poller


async def wait_for_event(
    eci_conn_id: str,
    make_poller: Callable[[ClientProvider], Poller[Any]],
    listing: Callable[[], tuple[str | None, datetime | None]],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """
    Wait together with the other triggers of the connection, and return one event whatever happens.

    :param eci_conn_id: the Airflow connection.
    :param make_poller: makes the poller of the wait.
    :param listing: returns the import, and when it began, for a wait that can use the list of imports.
    :param facts: what is waited for, as the event says it.
    """
    try:
        task_guid, begun = listing()
        hub, member = join_hub(eci_conn_id, make_poller, task_guid=task_guid, begun=begun)
        try:
            outcome = await member.future
        finally:
            hub.leave(member)
        if isinstance(outcome, Exception):
            raise outcome
        return found_event(outcome, **facts)
    except Exception as error:
        # Even a mistake of ours must reach the task, which would otherwise fail without a reason.
        return error_event(error, **facts)
