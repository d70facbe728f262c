"""The client: one session, and an attribute for each of EnergyCAP's resources. It needs no Airflow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING

from eci_provider.api.account import Account
from eci_provider.api.batches import Batches
from eci_provider.api.bill_imports import BillImports
from eci_provider.api.import_profiles import ImportProfiles
from eci_provider.api.kickouts.resource import Kickouts
from eci_provider.api.options import ClientOptions
from eci_provider.api.tasks import Tasks
from eci_provider.api.transport.api_key import ApiKey
from eci_provider.api.transport.session import EciSession

if TYPE_CHECKING:
    from typing_extensions import Self


class EciClient:
    """
    A client of one EnergyCAP environment; use it as a context manager to close its connections.

    :param base_url: the environment's address, such as ``https://app.energycap.com``.
    :param api_key: the API key.
    :param timeout: seconds to wait for the next bytes of an answer.
    :param connect_timeout: seconds to wait for a connection.
    :param max_retries: how often a request that is safe to repeat is repeated, at most.
    :param verify: true, false, or the path of a CA bundle.
    :param allow_http: whether plain http is allowed beyond loopback.
    :param sleep: how to wait between repeats, in seconds.
    :raises EciValidationError: if the address or the key cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | ApiKey,
        *,
        timeout: float = ClientOptions.timeout,
        connect_timeout: float = ClientOptions.connect_timeout,
        max_retries: int = ClientOptions.max_retries,
        verify: bool | str = ClientOptions.verify,
        allow_http: bool = ClientOptions.allow_http,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        api_key = ApiKey.of(api_key)  # hides it from tracebacks that show locals
        options = ClientOptions(timeout, connect_timeout, max_retries, verify, allow_http)
        self._session = EciSession(base_url, api_key, options, sleep=sleep)
        self.account = Account(self._session)
        self.batches = Batches(self._session)
        self.bill_imports = BillImports(self._session)
        self.import_profiles = ImportProfiles(self._session)
        self.kickouts = Kickouts(self._session)
        self.tasks = Tasks(self._session)

    @property
    def base_url(self) -> str:
        """Return the environment's address."""
        return self._session.base_url

    def server_now(self) -> datetime:
        """Return the time of EnergyCAP's clock, by its last answer and to the second; ours before the first."""
        return self._session.server_now()

    @property
    def knows_server_time(self) -> bool:
        """Return whether an answer has shown EnergyCAP's clock."""
        return self._session.knows_server_time

    def __repr__(self) -> str:
        return f"EciClient({self._session.base_url!r})" if hasattr(self, "_session") else "EciClient()"

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
