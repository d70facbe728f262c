"""One EnergyCAP environment: users, accounts, and everything else that the parts of the sandbox share."""

from __future__ import annotations

import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from eci_provider.sandbox.clock import Clock, format_time
from eci_provider.sandbox.faults import Faults
from eci_provider.sandbox.request_log import RequestLog
from eci_provider.sandbox.settings import Settings
from eci_provider.sandbox.store import Row, Store

DEFAULT_USER = "sandbox"
PERMISSIONS = ("view", "create", "edit", "delete", "manage", "environment_admin")


@dataclass(frozen=True)
class User:
    """Owner of an API key. Every call with the key has this user's name and permissions."""

    user_id: int
    code: str
    full_name: str
    permissions: dict[str, bool]

    def may(self, permission: str) -> bool:
        """Return whether the user has a permission."""
        return self.permissions.get(permission, False)


@dataclass
class Environment:
    """The store, clock, settings, faults and request log of one sandbox."""

    store: Store
    clock: Clock
    settings: Settings
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)
    next_failures: list[str] = field(default_factory=list)
    settings_at_start: dict[str, Any] = field(default_factory=dict)
    #: How many reads still miss what was created, by its kind and id.
    reads_to_miss: Counter[tuple[str, int]] = field(default_factory=Counter)
    token: str = field(default_factory=lambda: "token-" + secrets.token_hex(24))

    def shown_time(self, moment: float | None) -> str | None:
        """Return a time in the format that the settings say; None stays None."""
        settings = self.settings
        return format_time(moment, utc_offset=settings.utc_offset, show_zone=settings.show_zone)

    def add_user(
        self, code: str, full_name: str | None, permissions: dict[str, bool], key: str | None = None
    ) -> str:
        """
        Add a user with an API key.

        :param key: the key; a random one if None.
        :return: the key.
        :raises ValueError: if the code or key is in use, or a permission is unknown.
        """
        _check_permissions(permissions)
        api_key = key or new_key()
        try:
            self.store.insert(
                "users", code=code, full_name=full_name or code, api_key=api_key, permissions=permissions
            )
        except sqlite3.IntegrityError:
            raise ValueError(f"the user code {code!r} or the API key is already in use") from None
        return api_key

    def default_key(self, wanted: str | None) -> str:
        """
        Return the key of the default user, who is added if there is none.

        :param wanted: the key; if None, the one that the user has, or a random one.
        """
        known = self.store.row("SELECT api_key FROM users WHERE code = ?", DEFAULT_USER)
        if known is None:
            return self.add_user(DEFAULT_USER, "Sandbox User", dict.fromkeys(PERMISSIONS, True), wanted)
        if wanted is None and known["api_key"]:
            return str(known["api_key"])
        key = wanted or new_key()
        self.store.update("users", "code", DEFAULT_USER, api_key=key)
        return key

    def user_by_key(self, key: str) -> User | None:
        """Return the owner of a key; None if nobody has it."""
        return _user(self.store.row("SELECT * FROM users WHERE api_key = ?", key))

    def set_permissions(self, code: str, changed: dict[str, bool]) -> None:
        """
        Change some permissions of a user.

        :raises ValueError: for an unknown user or permission.
        """
        _check_permissions(changed)
        with self.store.transaction():
            found = self.store.row("SELECT * FROM users WHERE code = ?", code)
            if found is None:
                raise ValueError(f"there is no user {code!r}")
            self.store.update("users", "code", code, permissions=found["permissions"] | changed)

    def revoke_key(self, key: str) -> None:
        """
        Make a key invalid.

        :raises ValueError: if nobody has it.
        """
        if not self.store.execute("UPDATE users SET api_key = NULL WHERE api_key = ?", key):
            raise ValueError("no user has this key")

    def add_account(
        self,
        code: str,
        meters: Iterable[str | dict[str, Any]],
        *,
        vendor_code: str | None,
        active: bool,
        service_start: str | None,
        service_end: str | None,
        alert: str | None,
        aliases: Iterable[str],
    ) -> int:
        """
        Add an account, or replace the one with the same code and vendor, as a correction of master data does.

        :return: the account's id; a replaced account keeps it.
        """
        values = {
            "active": int(active),
            "service_start": service_start,
            "service_end": service_end,
            "alert": alert,
            "aliases": list(aliases),
            "meters": [_meter(meter) for meter in meters],
        }
        vendor = vendor_code or ""
        with self.store.transaction():
            known = self.store.row("SELECT * FROM accounts WHERE code = ? AND vendor_code = ?", code, vendor)
            if known is None:
                return self.store.insert("accounts", code=code, vendor_code=vendor, **values)
            self.store.update("accounts", "account_id", known["account_id"], **values)
            return int(known["account_id"])

    def reset(self) -> None:
        """Delete everything except users and keys, remove all faults, and restore the settings of the start."""
        self.store.reset()
        self.log.clear()
        self.faults.clear()
        self.next_failures.clear()
        self.reads_to_miss.clear()
        self.settings.update(Settings().as_dict() | self.settings_at_start)


def new_key() -> str:
    """Return a random API key."""
    return "sandbox-" + secrets.token_hex(20)


def _check_permissions(permissions: dict[str, bool]) -> None:
    unknown = sorted(set(permissions) - set(PERMISSIONS))
    if unknown:
        raise ValueError(f"unknown permission: {', '.join(unknown)}; known: {', '.join(PERMISSIONS)}")


def _meter(meter: str | dict[str, Any]) -> dict[str, Any]:
    given = {"code": meter} if isinstance(meter, str) else dict(meter)
    unknown = sorted(set(given) - {"code", "serial_number", "commodity", "aliases"})
    if unknown or not given.get("code"):
        raise ValueError(f"a meter has a code, and optionally serial_number, commodity and aliases; got {given!r}")
    return {"serial_number": None, "commodity": None} | given | {"aliases": list(given.get("aliases") or ())}


def _user(found: Row | None) -> User | None:
    if found is None:
        return None
    return User(found["user_id"], found["code"], found["full_name"], found["permissions"])


def user_child(store: Store, user_id: int) -> dict[str, Any]:
    """Return a user as UserChild."""
    found = store.row("SELECT user_id, code, full_name FROM users WHERE user_id = ?", user_id)
    if found is None:
        return {"userId": user_id, "userCode": None, "fullName": None}
    return {"userId": found["user_id"], "userCode": found["code"], "fullName": found["full_name"]}
