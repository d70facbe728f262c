"""The hook: the client of an Airflow connection, and the check behind Airflow's button "Test"."""

from __future__ import annotations

from dataclasses import fields
from types import TracebackType
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import BaseHook

from eci_provider.api.errors import (
    EciAuthenticationError,
    EciConnectionError,
    EciError,
    EciNotFoundError,
    EciPermissionError,
    EciUnreadableResponseError,
)
from eci_provider.api.options import ClientOptions
from eci_provider.core.text import shown
from eci_provider.core.time_limit import run_within

if TYPE_CHECKING:
    from typing_extensions import Self

    from eci_provider.api.account import MeResponse
    from eci_provider.api.client import EciClient
    from eci_provider.hooks.settings import ConnectionSettings

#: How many seconds a test of the connection may take in all.
TEST_LIMIT = 15.0


class EciHook(BaseHook):
    """
    Give the EnergyCAP client of an Airflow connection; as a context manager, close its connections on leaving.

    .. code-block:: python

        with EciHook("eci_default") as hook:
            print(hook.get_conn().account.me().system_user_code)

    :param eci_conn_id: the Airflow connection: host is the environment's URL, ``https://app.energycap.com`` if it
        has none, password the API key; ``docs/connection.md`` lists the extra fields. Default: ``"eci_default"``.
    """

    conn_name_attr = "eci_conn_id"
    default_conn_name = "eci_default"
    conn_type = "eci"
    hook_name = "EnergyCAP"

    def __init__(self, eci_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.eci_conn_id = eci_conn_id
        self._client: EciClient | None = None
        self._settings: ConnectionSettings | None = None

    @property
    def settings(self) -> ConnectionSettings:
        """
        Return the settings of the connection, which is read once.

        :raises EciValidationError: if the connection cannot be used.
        """
        if self._settings is None:
            from eci_provider.hooks.settings import read_settings

            self._settings = read_settings(self.get_connection(self.eci_conn_id))
        return self._settings

    @property
    def settle_time(self) -> float:
        """Return the seconds until a request whose answer was lost has taken effect, and until a read shows it."""
        return self.settings.settle_time

    def get_conn(self) -> EciClient:
        """
        Return the client of the connection, the same one each time.

        :raises EciValidationError: if the connection cannot be used.
        """
        if self._client is None:
            self._client = self.new_client()
        return self._client

    def new_client(
        self,
        *,
        timeout: float | None = None,
        connect_timeout: float | None = None,
        max_retries: int | None = None,
    ) -> EciClient:
        """
        Return another client of the connection; the caller closes it.

        :param timeout: seconds to wait for the next bytes of an answer; None for the connection's.
        :param connect_timeout: seconds to wait for a connection; None for the connection's.
        :param max_retries: how often a request that is safe to repeat is repeated; None for the connection's.
        :raises EciValidationError: if the connection cannot be used.
        """
        from eci_provider.api.client import EciClient

        settings = self.settings
        options = {option.name: getattr(settings, option.name) for option in fields(ClientOptions)}
        limits = {"timeout": timeout, "connect_timeout": connect_timeout, "max_retries": max_retries}
        options.update({name: limit for name, limit in limits.items() if limit is not None})
        return EciClient(settings.base_url, settings.api_key, **options)

    def close(self) -> None:
        """Close the client's connections; a later :meth:`get_conn` opens new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def test_connection(self) -> tuple[bool, str]:
        """
        Ask EnergyCAP whose key this is (``GET /me``), in at most 15 seconds.

        :return: whether it works, and a sentence. On success: whose key it is, in which environment, and whether
            it may create bills and batches. On failure: what is wrong and what to check.
        """
        try:
            client = self.new_client(timeout=TEST_LIMIT, connect_timeout=TEST_LIMIT / 2, max_retries=0)
        except EciError as error:
            # Airflow's web interface tests a copy that has a random id.
            return False, error.message.removeprefix(f"connection {self.eci_conn_id!r}: ")
        # No timeout covers a name look-up or an answer that drips.
        try:
            return run_within(TEST_LIMIT, lambda: _ask(client))
        except EciError:
            return False, f"{client.base_url} gave no complete answer within {TEST_LIMIT:g} s; try again later."


def _ask(client: EciClient) -> tuple[bool, str]:
    try:
        with client:
            return True, _introduction(client.account.me(repeat=False), client.base_url)
    except EciError as error:
        return False, _advice(error, client.base_url)
    except Exception as error:  # an error that leaves the thread would be taken for silence
        return False, f"{client.base_url}: asking failed unexpectedly ({type(error).__name__})."


def _introduction(me: MeResponse, base_url: str) -> str:
    permission = me.permissions.bills_and_batches if me.permissions else None
    may_create = permission.create if permission else None
    ability = {
        True: "It may create bills and batches.",
        False: "It may NOT create bills and batches: its owner needs the permission Bills and Batches Create.",
        None: "EnergyCAP did not say whether it may create bills and batches.",
    }[may_create]
    mode = f" EnergyCAP is {shown(me.application_mode)}." if (me.application_mode or "Online") != "Online" else ""
    owner = f"{shown(me.full_name) or 'an unnamed user'} ({shown(me.system_user_code) or 'no user code'})"
    environment = shown(me.environment) or "an unnamed environment"
    return f"Connected to {environment} at {base_url}: the API key is {owner}'s. {ability}{mode}"


def _advice(error: EciError, base_url: str) -> str:
    if isinstance(error, EciAuthenticationError):
        return (
            f"401 from {base_url}: the API key is wrong or was deleted, or its owner lacks a permission, or it "
            "was made in another environment: a key works only in the environment and datasource it was made in "
            "(a key from Implementation does not work in Production)."
        )
    if isinstance(error, EciPermissionError):
        return f"403 from {base_url}: the key was recognised, but its owner may not do this. {error.message}"
    if isinstance(error, EciNotFoundError):
        return f"404: {base_url} answers, but has no EnergyCAP API at this path; check the connection's host."
    if isinstance(error, EciUnreadableResponseError):
        return f"{base_url} answers, but not as EnergyCAP's API does; check the connection's host. {error.message}"
    if isinstance(error, EciConnectionError):
        return error.message
    return f"{base_url}: {error.message}"
