"""BatchSettings of the API: which batch an import goes into."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from eci_provider.sandbox import batches
from eci_provider.sandbox.environment import Environment, User
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.store import Row
from eci_provider.sandbox.validation import BATCH_SETTINGS, validate

CODE_LENGTH = 255


def choose(env: Environment, user: User, settings: dict[str, Any] | None) -> tuple[int, bool]:
    """
    Choose or create the batch of an import.

    Assumption: the batch is chosen, and refused with 400, at submission and not when the import runs.

    :return: the batch's id, and whether the import closes the batch when it ends.
    :raises ApiError: 400 for an unknown mode, a missing companion field or a batch in the wrong state.
    """
    given = validate(settings or {}, BATCH_SETTINGS, where="batchSettings.")
    mode = given["batchMode"]
    if mode is None:
        return _default(env, user), False
    choice = _CHOICES.get(mode)
    if choice is None:
        # Assumption: the literals are case sensitive.
        raise ApiError(400, f"batchSettings.batchMode must be one of {', '.join(_CHOICES)}, not {mode!r}.")
    return choice(env, user, given), mode == "new self-contained batch"


def _default(env: Environment, user: User) -> int:
    """Assumption: without a mode, the caller's open batch if there is exactly one, else a new batch."""
    found = batches.open_batches_of(env, user)
    if len(found) == 1:
        return int(found[0]["batch_id"])
    return _create(env, user, None)


def _existing(env: Environment, user: User, given: dict[str, Any]) -> int:
    """Assumption: without existingOpenBatchId, the caller's open batch if there is exactly one."""
    batch_id = given["existingOpenBatchId"]
    if batch_id is None:
        found = batches.open_batches_of(env, user)
        if len(found) != 1:
            raise ApiError(400, f"existingOpenBatchId is required: the user has {len(found)} open batches.")
        return int(found[0]["batch_id"])
    row = _batch_in_status(env, batch_id, "existingOpenBatchId", batches.OPEN)
    batches.require_own(env, user, row)
    return int(batch_id)


def _pending(env: Environment, _user: User, given: dict[str, Any]) -> int:
    """Assumption: any user's pending batch may be used; the documentation restricts only reopening it."""
    batch_id = given["pendingBatchId"]
    if batch_id is None:
        raise ApiError(400, "batchSettings.pendingBatchId is required with 'use pending batch'.")
    _batch_in_status(env, batch_id, "pendingBatchId", batches.PENDING)
    return int(batch_id)


def _batch_in_status(env: Environment, batch_id: int, name: str, status: str) -> Row:
    row = env.store.row("SELECT * FROM batches WHERE batch_id = ?", batch_id)
    if row is None or row["status"] != status:
        raise ApiError(400, f"batchSettings.{name}: {batch_id} is not a batch that is {status}.")
    return row


def _new(env: Environment, user: User, given: dict[str, Any]) -> int:
    if not given["leaveExistingBatchesOpen"]:
        found = batches.open_batches_of(env, user)
        if len(found) > 1:
            raise ApiError(
                400, f"The user has {len(found)} open batches; 'new batch' can close only one open batch."
            )
        for row in found:
            batches.set_status(env, row["batch_id"], batches.CLOSED)
    return _create(env, user, given["newBatchCode"])


def _self_contained(env: Environment, user: User, given: dict[str, Any]) -> int:
    return _create(env, user, given["newBatchCode"])


def _smart(env: Environment, user: User, given: dict[str, Any]) -> int:
    """
    Choose a batch by newBatchCode, as the documented decision list does.

    Assumption: if no batch has the code, a new one is created, and other batches stay open.
    """
    code = given["newBatchCode"]
    if not code:
        raise ApiError(400, "batchSettings.newBatchCode is required with 'smart batch'.")
    found = env.store.row("SELECT * FROM batches WHERE code = ?", code)
    if found is None:
        return _create(env, user, code)
    if found["status"] == batches.CLOSED:
        guid = str(uuid.uuid4())
        return _create(env, user, f"{code[: CODE_LENGTH - len(guid) - 1]} {guid}")
    if found["status"] == batches.OPEN:
        batches.require_own(env, user, found)
    return int(found["batch_id"])


def _create(env: Environment, user: User, code: str | None) -> int:
    # Assumption: an empty code counts as not given, and the server generates codes of this form.
    generated = f"{user.code} {env.clock.now():%Y%m%d-%H%M%S} {uuid.uuid4().hex[:8]}"
    return batches.create(env, user, code or generated[-CODE_LENGTH:], {})


_CHOICES: dict[str, Callable[[Environment, User, dict[str, Any]], int]] = {
    "use existing batch": _existing,
    "new batch": _new,
    "new self-contained batch": _self_contained,
    "use pending batch": _pending,
    "smart batch": _smart,
}
