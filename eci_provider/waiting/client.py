"""Tell an Airflow that cannot give a connection just now from one that has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eci_provider.api.errors import EciConnectionError, EciError
from eci_provider.core.text import cut

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

#: How often in a row Airflow must say that there is no such connection.
_BELIEVED = 5


class PatientClientProvider:
    """
    Give a client, or an error that says whether asking again can help.

    A triggerer asks Airflow's API server for its connection, and that may be starting anew.

    :param client: gives the client.
    """

    __slots__ = ("_client", "_undefined")

    def __init__(self, client: Callable[[], EciClient]) -> None:
        self._client = client
        self._undefined = 0

    def __call__(self) -> EciClient:
        """
        Return the client.

        :raises EciConnectionError: when Airflow does not give the connection; waiting can cure it, unless there is
            none.
        :raises EciError: when the connection cannot be used.
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
        from airflow.providers.common.compat.sdk import AirflowNotFoundException

        kind, reason = "unreachable", type(error).__name__
        # The words of others, a parser's above all, may quote the connection and thus the key.
        if type(error).__module__.startswith("airflow."):
            reason = f"{reason}: {cut(str(error), 300)}"
        if isinstance(error, AirflowNotFoundException):
            # Airflow 3.3 says this too when it could not ask, so it is believed when it is repeated.
            self._undefined += 1
            kind = "undefined" if self._undefined >= _BELIEVED else kind
        message = f"Airflow did not give the connection to EnergyCAP ({reason})."
        return EciConnectionError(message, kind=kind, sent=False, method="", path="")
