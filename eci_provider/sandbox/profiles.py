"""Bill import profiles: column mappings with a code."""

from __future__ import annotations

import sqlite3
from typing import Any

from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.store import Row
from eci_provider.sandbox.validation import validate_mapping


def shown_profiles(env: Environment) -> list[dict[str, Any]]:
    """Return all profiles as BillImportProfileResponse."""
    return [_shown(row) for row in env.store.rows("SELECT * FROM profiles ORDER BY profile_id")]


def shown_profile(env: Environment, profile_id: int) -> dict[str, Any]:
    """
    Return one profile as BillImportProfileResponse.

    :raises ApiError: 404 if there is none.
    """
    row = env.store.row("SELECT * FROM profiles WHERE profile_id = ?", profile_id)
    if row is None:
        raise ApiError(404, f"Bill import profile {profile_id} was not found.")
    return _shown(row)


def mapping_of(env: Environment, code: str) -> dict[str, Any]:
    """
    Return the mapping of the profile with a code.

    Assumption: an unknown code is refused at submission.

    :raises ApiError: 400 if there is none.
    """
    row = env.store.row("SELECT * FROM profiles WHERE code = ?", code)
    if row is None:
        raise ApiError(400, f"There is no bill import profile with the code '{code}'.")
    mapping: dict[str, Any] = row["mapping"]
    return mapping


def create(env: Environment, request: dict[str, Any]) -> dict[str, Any]:
    """
    Create a profile.

    :raises ApiError: 400 for a code in use or a mapping that breaks a rule.
    """
    mapping = validate_mapping(request["columnMapping"])
    try:
        profile_id = env.store.insert("profiles", code=request["profileCode"], mapping=mapping)
    except sqlite3.IntegrityError:
        raise _code_in_use(request["profileCode"]) from None
    return shown_profile(env, profile_id)


def edit(env: Environment, profile_id: int, request: dict[str, Any]) -> dict[str, Any]:
    """
    Change a profile's code and mapping.

    :raises ApiError: 404 if there is none; 400 for a code in use or a mapping that breaks a rule.
    """
    mapping = validate_mapping(request["columnMapping"])
    shown_profile(env, profile_id)
    try:
        env.store.update("profiles", "profile_id", profile_id, code=request["profileCode"], mapping=mapping)
    except sqlite3.IntegrityError:
        raise _code_in_use(request["profileCode"]) from None
    return shown_profile(env, profile_id)


def delete(env: Environment, profile_id: int) -> None:
    """
    Delete a profile.

    :raises ApiError: 404 if there is none.
    """
    shown_profile(env, profile_id)
    env.store.execute("DELETE FROM profiles WHERE profile_id = ?", profile_id)


def _code_in_use(code: str) -> ApiError:
    return ApiError(400, f"The profile code '{code}' is already in use.")


def _shown(row: Row) -> dict[str, Any]:
    return {"profileId": row["profile_id"], "profileCode": row["code"], "columnMapping": row["mapping"]}
