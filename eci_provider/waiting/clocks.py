"""Times of Airflow by EnergyCAP's clock, and the other way round: the two clocks need not agree."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from eci_provider.core import clock
from eci_provider.core.dates import shifted

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient


def by_server(client: EciClient, moment: datetime) -> datetime:
    """
    Return a time of Airflow's clock by EnergyCAP's clock.

    :param client: the client; before an answer has shown EnergyCAP's clock, the clocks count as equal.
    :param moment: the time.
    """
    return shifted(moment, client.server_now() - clock.utc_now())


def by_airflow(client: EciClient, moment: datetime) -> datetime:
    """
    Return a time of EnergyCAP's clock by Airflow's clock.

    :param client: as for :func:`by_server`.
    :param moment: the time.
    """
    return shifted(moment, clock.utc_now() - client.server_now())
