"""The class :class:`Sandbox`: start one, control it, inspect it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Any

from eci_provider.sandbox import inspection, tasks
from eci_provider.sandbox.clock import Clock
from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.faults import Fault
from eci_provider.sandbox.request_log import RequestRecord
from eci_provider.sandbox.server import Server
from eci_provider.sandbox.settings import Settings
from eci_provider.sandbox.store import Store

Dicts = list[dict[str, Any]]


class Sandbox:
    """
    An EnergyCAP look-alike on a loopback port.

    It may be used by several threads, and several may run in one process.

    :param path: SQLite file that keeps the state, or ``:memory:``. A virtual clock is kept too; settings, faults
        and the request log are not.
    :param port: port on 127.0.0.1; 0 for any free one.
    :param clock: ``real``, or ``virtual``: it stays at 2026-01-05T08:00:00Z until :meth:`advance` moves it.
    :param delay: seconds that an import takes, by the sandbox's clock.
    :param analysis: seconds from an import's end until all its bills are analysed.
    :param api_key: key of the default user; a random one if None.
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
        self._server: Server | None = None
        self.api_key = self._env.default_key(api_key)

    # Start and stop

    def start(self) -> Sandbox:
        """
        Start to serve, and wait until connections are accepted.

        :raises OSError: if the port is in use; the text names a port that is free.
        """
        if self._server is not None:
            raise RuntimeError("the sandbox is already running")
        self._server = Server(self._env, self._port)
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving, and close the thread, the socket and the store. Nothing can be inspected afterwards."""
        if self._server is not None:
            self._server.stop()
            self._server = None
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
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        return self._server.url

    # Time

    def now(self) -> datetime:
        """Return the time of the sandbox's clock."""
        return self._env.clock.now()

    def advance(self, seconds: float) -> None:
        """
        Move the sandbox's clock, forward or, by negative seconds, backward. A real clock continues from there.

        Imports that become due are processed at the next request or inspection, each with its own end time.
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

        :param code: user code.
        :param full_name: full name; the code if None.
        :param view: permission View on BillsAndBatches, and so on for the others.
        :param environment_admin: permission to read ``/api/v3/environment``.
        :return: the user's API key.
        :raises ValueError: if the code is in use.
        """
        permissions = {"view": view, "create": create, "edit": edit, "delete": delete, "manage": manage}
        return self._env.add_user(code, full_name, permissions | {"environment_admin": environment_admin})

    def revoke_key(self, key: str) -> None:
        """
        Make a key invalid.

        :raises ValueError: if nobody has it.
        """
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

        :param code: account code.
        :param meters: codes, or dicts with ``code``, ``serial_number``, ``commodity`` and ``aliases``.
        :param vendor_code: vendor; without one, the account accepts bills of any vendor.
        :param active: whether it is active; bills of inactive accounts are kicked out.
        :param service_start: ISO date; bills must not start before it.
        :param service_end: ISO date; bills must not end after it.
        :param alert: text of an alert that blocks imports.
        :param aliases: further codes of the account.
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
        """Return the accounts."""
        return inspection.stored_accounts(self._settled())

    def batches(self) -> Dicts:
        """Return the batches. Their ``batch_status`` is Open, Pending or Closed."""
        return inspection.stored_batches(self._settled())

    def tasks(self) -> Dicts:
        """Return the imports. Their ``outcome`` is completed, kickouts or failed; None while they run."""
        return inspection.stored_tasks(self._settled())

    def bills(self) -> Dicts:
        """Return the bills, without deleted and replaced ones."""
        return inspection.stored_bills(self._settled())

    def kickouts(self, task_guid: str | None = None) -> Dicts:
        """Return the rows kicked out, of one import or of all."""
        return inspection.stored_kickouts(self._settled(), task_guid)

    def profiles(self) -> Dicts:
        """Return the import profiles."""
        return inspection.stored_profiles(self._settled())

    @property
    def requests(self) -> list[RequestRecord]:
        """A copy of the request log: requests under ``/api/``, in the order of their arrival."""
        return self._env.log.all()

    def clear_requests(self) -> None:
        """Clear the request log."""
        self._env.log.clear()

    # Behaviour

    @property
    def settings(self) -> Settings:
        """The settings; assign to them at any time."""
        return self._env.settings

    @property
    def token(self) -> str:
        """The token that ``/api/v3/me`` returns. It must not appear in any log."""
        return self._env.token

    def start_import(
        self,
        data: bytes | str,
        *,
        file_name: str = "bills.csv",
        note: str | None = None,
        batch_settings: dict[str, Any] | None = None,
        seconds: float | None = None,
    ) -> str:
        """
        Start an import of the default user without a request, for tests of what waits for one.

        :param data: content of the bill file, in the Advanced format.
        :param file_name: its name; the extension says the format.
        :param note: the import note.
        :param batch_settings: batch settings as a request has them.
        :param seconds: how long the import takes; the setting ``delay`` if None.
        :return: the task's GUID.
        :raises ValueError: for batch settings that EnergyCAP would refuse.
        """
        env = self._settled()
        user = env.user_by_key(self.api_key)
        if user is None:
            raise ValueError("the key of the default user was revoked")
        upload = tasks.Upload(file_name, data.encode() if isinstance(data, str) else data)
        request = {"importNote": note, "batchSettings": batch_settings}
        try:
            return tasks.submit(env, user, request, upload, seconds=seconds)
        except ApiError as refusal:
            raise ValueError(refusal.message) from None

    def fail_next_import(self, message: str | None = None) -> None:
        """
        Let the next import that is submitted end as failed, with nothing imported.

        :param message: message of its task; the setting ``failure_message`` if None.
        """
        self._env.next_failures.append(message or self.settings.failure_message)

    def delete_task(self, guid: str) -> None:
        """
        Delete a task. Its bills stay.

        :raises ValueError: if there is none.
        """
        if not self._settled().store.execute("DELETE FROM tasks WHERE guid = ?", guid.lower()):
            raise ValueError(f"there is no task {guid}")

    def fault(self, method: str, path: str, **kind: Any) -> Fault:
        """
        Let matching requests fail.

        :param method: HTTP method, or ``*``.
        :param path: exact path, or an fnmatch pattern such as ``/api/v3/task/*``.
        :param kind: what happens; see :class:`Fault`.
        :return: the fault; its ``hits`` counts the requests.
        """
        return self._env.faults.add(Fault(method, path, **kind))

    def chaos(self, seed: int, kinds: dict[str, Any]) -> None:
        """Make a random share of all requests fail; see :meth:`Faults.set_chaos`."""
        self._env.faults.set_chaos(seed, kinds)

    def clear_faults(self) -> None:
        """Remove all faults and chaos. Hanging requests end; late ones still take effect."""
        self._env.faults.clear()
        if self._server is not None:
            self._server.end_hanging_requests()

    def reset(self) -> None:
        """Delete everything except users and keys, and restore the settings of the start."""
        if self._server is not None:
            self._server.discard_late_requests()
        self._env.reset()
        self.clear_faults()

    def _settled(self) -> Environment:
        """Process what is due, and return the environment."""
        if self._server is not None:
            self._server.process_late_requests()
        tasks.run_due(self._env)
        return self._env
