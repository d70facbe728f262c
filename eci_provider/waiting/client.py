"""The client of a wait, and Airflow's refusals to give its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from eci_provider.api.errors import EciConnectionError, EciError
from eci_provider.core.text import shown

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

#: After how many answers in a row that there is no such connection Airflow is believed.
_BELIEVED_AFTER = 5


class ClientProvider(Protocol):
    """Whatever gives a client: a hook, or what stands in for one."""

    @property
    def settle_time(self) -> float:
        """Return the seconds until a read shows what a request has started; known once there is a client."""

    def get_conn(self) -> EciClient:
        """Return the client, the same one each time."""


class ClientFactory:
    """
    Make a client; raise Airflow's refusals as errors that say whether a retry can help.

    A triggerer asks Airflow's API server for its connection, and that server may be restarting.

    :param client: makes the client.
    """

    __slots__ = ("_client", "_undefined")

    def __init__(self, client: Callable[[], EciClient]) -> None:
        self._client = client
        self._undefined = 0

    def __call__(self) -> EciClient:
        """
        Return the client.

        :raises EciConnectionError: if Airflow does not give the connection; transient unless it does not exist.
        :raises EciError: if the connection cannot be used.
        """
        try:
            client = self._client()
        except EciError:
            raise
        except Exception as error:
            raise self._refusal(error) from error
        self._undefined = 0
        return client

    def _refusal(self, error: Exception) -> EciConnectionError:
        kind, reason = "unreachable", type(error).__name__
        # Messages of others may quote the connection, and with it the key; a parser's do.
        if type(error).__module__.startswith("airflow."):
            reason = f"{reason}: {shown(str(error), 300)}"
        if isinstance(error, AirflowNotFoundException):
            # Airflow 3.3 raises this also when it could not ask, so it is believed only when it is repeated.
            self._undefined += 1
            kind = "undefined" if self._undefined >= _BELIEVED_AFTER else kind
        message = f"Airflow did not give the connection to EnergyCAP ({reason})."
        return EciConnectionError(message, kind=kind, sent=False, method="", path="")
