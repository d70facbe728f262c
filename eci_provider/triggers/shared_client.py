"""One client for all triggers of a connection, which follows the connection when that changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from eci_provider.api.errors import (
    EciAuthenticationError,
    EciError,
    EciNotFoundError,
    EciPermissionError,
    EciResponseError,
)
from eci_provider.waiting.client import ClientFactory

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient

_Answer = TypeVar("_Answer")

#: After how many seconds the connection is read again, and how old a reading is that a refusal throws doubt on.
LIFETIME = 300.0
_DOUBTED_AFTER = 30.0
#: Refusals that another key or another host may cure.
_REFUSALS = (EciAuthenticationError, EciPermissionError, EciNotFoundError)


class ClientProvider(Protocol):
    """Give a client: a hook does, and what stands in for many hooks."""

    def get_conn(self) -> EciClient:
        """Return the client, the same one each time."""


class SharedClient:
    """
    Give the client of a connection, in one thread.

    :param eci_conn_id: the Airflow connection.
    """

    def __init__(self, eci_conn_id: str) -> None:
        self._conn_id = eci_conn_id
        self._client: EciClient | None = None
        self._give = ClientFactory(self._new)
        self._read_at = 0.0
        self._renewed_at = -1.0
        #: The ``timeout`` of the connection, as far as it was read, and what tells host and key from others.
        self.timeout = 60.0
        self.identity: int | None = None

    def get_conn(self) -> EciClient:
        """
        Return the client.

        :raises EciConnectionError: when Airflow does not give the connection; see :class:`ClientFactory`.
        :raises EciError: when the connection cannot be used.
        """
        if self._client is None:
            self._client = self._give()
        return self._client

    def refresh(self, now: float) -> None:
        """
        Read the connection again if that was long ago; while Airflow does not give it, the old client is good.

        :param now: seconds, on whatever clock.
        """
        if self._client is None:
            self._read_at = now
        elif now - self._read_at >= LIFETIME:
            self._read_at = now
            try:
                self._renew()
            except EciError:
                return

    def doubt(self) -> None:
        """Let :meth:`refresh` read the connection again, whenever that was done last."""
        self._read_at = -math.inf

    def ask(self, question: Callable[[EciClient], _Answer], now: float) -> _Answer:
        """
        Ask EnergyCAP, and once more where a refusal may be due to an old key or host.

        :param question: what to ask.
        :param now: when the round began; in each, the connection is read again once at most.
        :raises EciError: as the question or :meth:`get_conn`.
        """
        try:
            return question(self.get_conn())
        except _REFUSALS as error:
            if self._renewed_at == now or not self._throws_doubt(error, now):
                raise
        self._renewed_at = self._read_at = now
        self._renew()
        return question(self.get_conn())

    def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _throws_doubt(self, error: EciResponseError, now: float) -> bool:
        return isinstance(error, EciAuthenticationError) or now - self._read_at >= _DOUBTED_AFTER

    def _renew(self) -> None:
        client = self._give()
        self.close()
        self._client = client

    def _new(self) -> EciClient:
        from eci_provider.hooks.eci import EciHook

        hook = EciHook(self._conn_id)
        client, settings = hook.new_client(), hook.settings
        self.timeout = settings.timeout
        self.identity = hash((settings.base_url, settings.api_key.reveal()))
        return client
