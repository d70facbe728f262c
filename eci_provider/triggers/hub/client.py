"""The one client of all triggers of a connection; it follows changes of the connection."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from eci_provider.api.client import EciClient
from eci_provider.api.errors import (
    EciAuthenticationError,
    EciError,
    EciNotFoundError,
    EciPermissionError,
    EciResponseError,
)
from eci_provider.hooks.eci import EciHook
from eci_provider.waiting.client import ClientFactory

_Answer = TypeVar("_Answer")

#: After how many seconds the connection is read again: as a rule, and after a refusal.
LIFETIME = 300.0
_DOUBTFUL_AFTER = 30.0
#: Refusals that another key or another host may cure.
_REFUSALS = (EciAuthenticationError, EciPermissionError, EciNotFoundError)


class SharedClient:
    """
    The client of a connection, used in one thread.

    :param eci_conn_id: the Airflow connection.
    """

    def __init__(self, eci_conn_id: str) -> None:
        self._conn_id = eci_conn_id
        self._client: EciClient | None = None
        self._factory = ClientFactory(self._new_client)
        self._read_at = 0.0
        self._renewed_at = -1.0
        #: The connection's ``timeout``, once it is read.
        self.timeout = 60.0
        #: Its ``settle_time``, once it is read.
        self.settle_time = 15.0
        #: What distinguishes host and key from others, once the connection is read.
        self.identity: int | None = None

    def get_conn(self) -> EciClient:
        """
        Return the client.

        :raises EciConnectionError: if Airflow does not give the connection; see :class:`ClientFactory`.
        :raises EciError: if the connection cannot be used.
        """
        if self._client is None:
            self._client = self._factory()
        return self._client

    def refresh(self, now: float) -> None:
        """
        Read the connection again if that is due; while Airflow does not give it, the old client stays.

        :param now: seconds, on any clock.
        """
        if self._client is None:
            self._read_at = now
        elif now - self._read_at >= LIFETIME:
            self._read_at = now
            try:
                self._renew()
            except EciError:
                return

    def expire(self) -> None:
        """Make the next :meth:`refresh` read the connection again."""
        self._read_at = -math.inf

    def call(self, request: Callable[[EciClient], _Answer], now: float) -> _Answer:
        """
        Send a request, and once more if it was refused and an old key or host may be the cause.

        :param request: sends it.
        :param now: when the cycle started; in one cycle the connection is read again once at most.
        :raises EciError: as the request or :meth:`get_conn`.
        """
        try:
            return request(self.get_conn())
        except _REFUSALS as error:
            if self._renewed_at == now or not self._may_be_outdated(error, now):
                raise
        self._renewed_at = self._read_at = now
        self._renew()
        return request(self.get_conn())

    def close(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _may_be_outdated(self, error: EciResponseError, now: float) -> bool:
        return isinstance(error, EciAuthenticationError) or now - self._read_at >= _DOUBTFUL_AFTER

    def _renew(self) -> None:
        client = self._factory()
        self.close()
        self._client = client

    def _new_client(self) -> EciClient:
        hook = EciHook(self._conn_id)
        client, settings = hook.new_client(), hook.settings
        self.timeout, self.settle_time = settings.timeout, settings.settle_time
        self.identity = hash((settings.base_url, settings.api_key.reveal()))
        return client
