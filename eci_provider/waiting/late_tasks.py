"""Read an import's task although a read may lag behind the request that started it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from eci_provider.api.errors import EciError
from eci_provider.api.tasks import checked_guid
from eci_provider.api.transport.retries import is_transient
from eci_provider.core import clock
from eci_provider.core.dates import shifted
from eci_provider.waiting.late_reads import LONGEST_LIST, read_or_listed, read_settled

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse

log = logging.getLogger(__name__)

#: How far back the list of imports is read for one whose age is not known.
_LONGEST_AGE = timedelta(days=35)
_MOST_PAGES = 1000


def settled_task(client: EciClient, task_guid: str, settle_time: float) -> TaskResponse:
    """
    Return a task; after a 404 read it again after the settle time, then ask the list of imports.

    :param client: the client.
    :param task_guid: the task.
    :param settle_time: seconds until a read shows what a request has started.
    :raises EciNotFoundError: if neither shows it.
    :raises EciError: as for every request.
    """
    return read_settled(
        lambda: client.tasks.get(task_guid), settle_time, lambda: task_or_listed(client, task_guid)
    )


def task_or_listed(client: EciClient, task_guid: str, *, repeat: bool = True) -> TaskResponse:
    """
    Return a task, by itself or, after a 404, as the list of imports shows it.

    :param client: the client.
    :param task_guid: the task.
    :param repeat: false to send the request for the task only once.
    :raises EciNotFoundError: if neither shows it.
    :raises EciError: as for every request.
    """
    return read_or_listed(lambda: client.tasks.get(task_guid, repeat=repeat), lambda: _listed(client, task_guid))


def _listed(client: EciClient, task_guid: str) -> TaskResponse | None:
    """Return an import as the list shows it; None if it does not, or if the list is refused."""
    guid = checked_guid(task_guid, source="GetTasksV3")
    since, deadline = shifted(client.server_now(), -_LONGEST_AGE), clock.utc_now() + LONGEST_LIST
    try:
        for tasks in client.tasks.search({guid}, since, max_pages=_MOST_PAGES, deadline=deadline):
            if tasks:
                return tasks[0]
    except EciError as error:
        if is_transient(error):
            raise
        log.info("Whether the list of imports shows import %s cannot be read: %s", guid, error)
    return None
