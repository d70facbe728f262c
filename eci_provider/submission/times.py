"""When an import can have been submitted, by EnergyCAP's clock and by Airflow's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from eci_provider.core import clock
from eci_provider.core.dates import ANY_ZONE, has_offset, parse_datetime, shifted
from eci_provider.waiting.clocks import by_airflow, by_server
from eci_provider.waiting.status import possible_date

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.tasks import TaskResponse

#: How long ago a search begins if it is not known when the task can first have sent something.
_LONGEST_SEARCH = timedelta(days=35)
#: How far the clocks may be apart if EnergyCAP does not show the time.
_CLOCKS_APART = timedelta(hours=26)
#: How long before its intent was recorded an import may have begun, by the server's own clock.
_MARGIN = timedelta(minutes=5)


def earliest_submission(client: EciClient, record: Mapping[str, Any], earliest_start: datetime | None) -> datetime:
    """
    Return the earliest time at which a task can have submitted its import, by EnergyCAP's clock.

    :param client: the client.
    :param record: the record of earlier attempts, with the time of the first intent by EnergyCAP's clock.
    :param earliest_start: the earliest time at which an attempt can have started, by Airflow's clock; None if
        that is not known.
    """
    now = client.server_now()
    if record.get("since"):
        since = parse_datetime(record["since"])
    elif earliest_start is not None:
        since = min(by_server(client, earliest_start), now)
    else:
        since = shifted(now, -_LONGEST_SEARCH)
    return since if client.knows_server_time else shifted(since, -_CLOCKS_APART)


def submission_time(
    client: EciClient, task: TaskResponse, record: Mapping[str, Any], earliest_start: datetime | None
) -> datetime:
    """
    Return when an import was submitted, by Airflow's clock: not before it can have been, and not in the future.

    :param client: the client.
    :param task: the import, which this attempt did not submit.
    :param record: the record of earlier attempts.
    :param earliest_start: as for :func:`earliest_submission`.
    """
    if record.get("task_guid") == task.task_guid and record.get("submitted_at"):
        return parse_datetime(record["submitted_at"])
    now = clock.utc_now()
    intent = by_airflow(client, parse_datetime(record["since"])) if record.get("since") else None
    # A date without a zone may be hours off; the intent was recorded by the server's own clock.
    shown = possible_date(task.begin_date) if has_offset(task.begin_date or "") else None
    began = by_airflow(client, shown) if shown else intent or now
    return min(max(began, intent or earliest_start or began), now)


def began_after(task: TaskResponse, since: datetime) -> bool:
    """
    Return whether a task can have begun after a time; if that is not known, it can.

    :param task: the task.
    :param since: a time by the server's clock.
    """
    began = possible_date(task.begin_date)
    margin = _MARGIN if has_offset(task.begin_date or "") else ANY_ZONE
    return began is None or began >= shifted(since, -margin)
