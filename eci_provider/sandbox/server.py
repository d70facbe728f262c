"""The sandbox in a process: start it, look into it, trouble it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from eci_provider.sandbox import inspection
from eci_provider.sandbox.clock import Clock
from eci_provider.sandbox.environment import PERMISSIONS, Environment, new_key
from eci_provider.sandbox.faults import Fault
from eci_provider.sandbox.request_log import RequestRecord
from eci_provider.sandbox.settings import Settings
from eci_provider.sandbox.store import Store
from eci_provider.sandbox.tasks import run_due

if TYPE_CHECKING:
    from eci_provider.sandbox.gate import Gate
    from eci_provider.sandbox.listener import Listener

DEFAULT_USER = "sandbox"
Dicts = list[dict[str, Any]]


class Sandbox:
    """
    An EnergyCAP look-alike on a loopback port.

    Usable from any number of threads; several may run in one process.

    :param path: SQLite file whose state persists, or ``:memory:``. Settings, faults and the request log do
        not persist; a virtual clock does.
    :param port: port on 127.0.0.1, 0 for any free one.
    :param clock: ``real``, or ``virtual``: it stands at 2026-01-05T08:00:00Z until :meth:`advance`.
    :param delay: seconds an import takes, by the sandbox's clock.
    :param analysis: seconds after an import's end until its bills are analysed.
    :param api_key: key of the default user; a random one unless given.
    """

    def __init__(
        self,
        path: str = ":memory:",
        port: int = 0,
        clock: str = "real",
        delay: float = 0.0,
        analysis: float = 0.0,
        api_key: str | None = None,
    ) -> None:
        store = Store(path)
        shift = float(store.meta("clock_shift") or 0.0) if clock == "virtual" else 0.0
        self._env = Environment(
            store,
            Clock(clock, shift),
            Settings(delay=delay, analysis=analysis),
            settings_at_start={"delay": delay, "analysis": analysis},
        )
        self._port = port
        self._listener: Listener | None = None
        self._gate: Gate | None = None
        self.api_key = self._default_key(api_key)

    def _default_key(self, wanted: str | None) -> str:
        store = self._env.store
        known = store.row("SELECT api_key FROM users WHERE code = ?", DEFAULT_USER)
        if known is None:
            return self._env.add_user(DEFAULT_USER, "Sandbox User", _permissions(), wanted)
        if wanted is None and known["api_key"]:
            return str(known["api_key"])
        key = wanted or new_key()
        store.update("users", "code", DEFAULT_USER, api_key=key)
        return key

    # Life

    def start(self) -> Sandbox:
        """
        Serve; returns when connections are accepted.

        :raises OSError: if the port is taken.
        """
        from eci_provider.sandbox.app import build
        from eci_provider.sandbox.gate import Gate
        from eci_provider.sandbox.listener import Listener

        if self._listener is not None:
            raise RuntimeError("the sandbox is running already")
        self._gate = Gate(self._env, build())
        self._listener = Listener(self._gate, self._port, self._gate.release)
        self._listener.start()
        return self

    def stop(self) -> None:
        """Stop serving and let go of thread, socket and store; afterwards nothing can be inspected."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        self._gate = None
        if not self._env.store.closed and self._env.clock.kind == "virtual":
            self._env.store.set_meta("clock_shift", repr(self._env.clock.shift))
        self._env.store.close()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Address of the running sandbox, such as ``http://127.0.0.1:41234``."""
        if self._listener is None:
            raise RuntimeError("the sandbox is not running")
        return f"http://127.0.0.1:{self._listener.port}"

    # Time

    def now(self) -> datetime:
        return self._env.clock.now()

    def advance(self, seconds: float) -> None:
        """
        Move the sandbox's clock, also backwards; a real clock goes on from there.

        What falls due on the way happens at its own time, at the next request or look.
        """
        self._env.clock.advance(seconds)

    # Users and master data

    def add_user(
        self,
        code: str,
        full_name: str | None = None,
        *,
        view: bool = True,
        create: bool = True,
        edit: bool = True,
        delete: bool = True,
        manage: bool = True,
        environment_admin: bool = True,
    ) -> str:
        """
        Add a user.

        :param environment_admin: may read ``/api/v3/environment``; the others are BillsAndBatches flags.
        :return: the user's API key.
        :raises ValueError: if the code is taken.
        """
        permissions = _permissions(
            view=view,
            create=create,
            edit=edit,
            delete=delete,
            manage=manage,
            environment_admin=environment_admin,
        )
        return self._env.add_user(code, full_name, permissions)

    def revoke_key(self, key: str) -> None:
        self._env.revoke_key(key)

    def set_permissions(self, code: str, **changed: bool) -> None:
        """
        Change some permissions of a user, such as ``create=False``.

        :raises ValueError: for an unknown user or permission.
        """
        self._env.set_permissions(code, changed)

    def add_account(
        self,
        code: str,
        meters: Iterable[str | dict[str, Any]] = (),
        *,
        vendor_code: str | None = None,
        active: bool = True,
        service_start: str | None = None,
        service_end: str | None = None,
        alert: str | None = None,
        aliases: Iterable[str] = (),
    ) -> int:
        """
        Add an account, or correct the one with the same code and vendor.

        :param meters: codes, or dicts with ``code``, ``serial_number``, ``commodity``, ``aliases``.
        :param service_start: ISO date; bills must not start before it.
        :param service_end: ISO date; bills must not end after it.
        :param alert: text of an alert that blocks imports.
        :return: the account's id.
        """
        return self._env.add_account(
            code,
            meters,
            vendor_code=vendor_code,
            active=active,
            service_start=service_start,
            service_end=service_end,
            alert=alert,
            aliases=aliases,
        )

    # Inspection

    def accounts(self) -> Dicts:
        return inspection.shown_accounts(self._settled())

    def batches(self) -> Dicts:
        return inspection.stored_batches(self._settled())

    def tasks(self) -> Dicts:
        return inspection.stored_tasks(self._settled())

    def bills(self) -> Dicts:
        return inspection.stored_bills(self._settled())

    def kickouts(self, task_guid: str | None = None) -> Dicts:
        return inspection.stored_kickouts(self._settled(), task_guid)

    def profiles(self) -> Dicts:
        return inspection.stored_profiles(self._settled())

    @property
    def requests(self) -> list[RequestRecord]:
        """A copy of the log: requests under ``/api/`` as they arrived."""
        return self._env.log.all()

    def clear_requests(self) -> None:
        self._env.log.clear()

    # Behaviour

    @property
    def settings(self) -> Settings:
        return self._env.settings

    @property
    def token(self) -> str:
        """The token that ``/api/v3/me`` carries, to search logs for."""
        return self._env.token

    def fail_next_import(self, message: str | None = None) -> None:
        """Let the next import that is submitted end as failed, with nothing imported."""
        self._env.next_failures.append(message or self.settings.failure_message)

    def delete_task(self, guid: str) -> None:
        """
        Make a task vanish; its bills stay.

        :raises ValueError: if there is none.
        """
        if not self._settled().store.execute("DELETE FROM tasks WHERE guid = ?", guid.lower()):
            raise ValueError(f"no task {guid}")

    def fault(self, method: str, path: str, **kind: Any) -> Fault:
        """
        Let matching requests go wrong; see :class:`Fault` for the kinds.

        :return: the fault; its ``hits`` counts.
        """
        return self._env.faults.add(Fault(method, path, **kind))

    def chaos(self, seed: int, kinds: dict[str, Any]) -> None:
        """Let a seeded share of all requests go wrong; see :meth:`Faults.set_chaos`."""
        self._env.faults.set_chaos(seed, kinds)

    def clear_faults(self) -> None:
        """End faults and chaos; hanging requests are let go. Late requests still take effect."""
        self._env.faults.clear()
        if self._listener is not None and self._gate is not None:
            self._listener.call_soon(self._gate.release)

    def reset(self) -> None:
        """Forget everything but users and keys; settings return to their defaults."""
        if self._gate is not None:
            self._gate.forget_late()
        self._env.reset()
        self.clear_faults()

    def _settled(self) -> Environment:
        """Catch up with what is due before looking."""
        if self._listener is not None and self._gate is not None and self._gate.has_late:
            # A late request runs where requests run.
            self._listener.call(self._gate.settle())
        run_due(self._env)
        return self._env


def _permissions(**given: bool) -> dict[str, bool]:
    return dict.fromkeys(PERMISSIONS, True) | given
