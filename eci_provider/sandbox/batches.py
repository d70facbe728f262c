"""Batches: opening, editing, and the changes between Open, Pending and Closed."""

from __future__ import annotations

import sqlite3
from typing import Any

from eci_provider.sandbox import history, read_lag
from eci_provider.sandbox.environment import Environment, User, user_child
from eci_provider.sandbox.errors import ApiError
from eci_provider.sandbox.store import Row

OPEN, PENDING, CLOSED = "Open", "Pending", "Closed"
# Fields of a batch that become defaults of the bills added to it.
DEFAULTS = (
    "statementDate",
    "dueDate",
    "nextReading",
    "controlCode",
    "invoiceNumber",
    "accountPeriodNumber",
    "accountPeriodYear",
)

_SHOWN = """
SELECT batches.*,
    COUNT(bills.bill_id) AS bill_count,
    COALESCE(SUM(bills.cost), 0) AS running_total,
    COALESCE(SUM(bills.analyzed_at > ?), 0) AS analyzing,
    COALESCE(SUM(bills.flagged AND bills.analyzed_at <= ?), 0) AS flags,
    EXISTS (SELECT 1 FROM tasks WHERE tasks.batch_id = batches.batch_id AND outcome = 'kickouts') AS kicked
FROM batches LEFT JOIN bills ON bills.batch_id = batches.batch_id
"""


def shown_batches(env: Environment) -> list[dict[str, Any]]:
    """
    Return all batches as BatchResponse.

    Assumption: lists are sorted by id.
    """
    now = env.clock.time()
    found = env.store.rows(f"{_SHOWN} GROUP BY batches.batch_id ORDER BY batches.batch_id", now, now)
    owners = {row["owner_id"]: user_child(env.store, row["owner_id"]) for row in found}
    return [_shown(env, row, owners[row["owner_id"]]) for row in found]


def shown_batch(env: Environment, batch_id: int) -> dict[str, Any]:
    """
    Return one batch as BatchResponse.

    :raises ApiError: 404 if there is none.
    """
    now = env.clock.time()
    row = env.store.row(f"{_SHOWN} WHERE batches.batch_id = ? GROUP BY batches.batch_id", now, now, batch_id)
    if row is None:
        raise _not_found(batch_id)
    return _shown(env, row, user_child(env.store, row["owner_id"]))


def read_one(env: Environment, batch_id: int) -> dict[str, Any]:
    """
    Return one batch as BatchResponse, for a request that reads it: the read may lag.

    :raises ApiError: 404 if there is none, or not yet for reads.
    """
    if read_lag.misses(env, read_lag.BATCH, batch_id, find(env, batch_id)["created_at"]):
        raise _not_found(batch_id)
    return shown_batch(env, batch_id)


def listed_batches(env: Environment) -> list[dict[str, Any]]:
    """Return the batches of a list as BatchResponse; it may leave out new ones."""
    rows = env.store.rows("SELECT batch_id, created_at FROM batches")
    missing = read_lag.missing_in_lists(
        env, read_lag.BATCH, [(row["batch_id"], row["created_at"]) for row in rows]
    )
    return [batch for batch in shown_batches(env) if batch["batchId"] not in missing]


def _shown(env: Environment, row: Row, owner: dict[str, Any]) -> dict[str, Any]:
    year, number = row["defaults"]["accountPeriodYear"], row["defaults"]["accountPeriodNumber"]
    return {
        "batchId": row["batch_id"],
        "batchCode": row["code"],
        # Assumption: in lower case, as the documentation's text writes it, although requests are capitalised.
        "batchStatus": row["status"].lower(),
        "isOpen": row["status"] == OPEN,
        "startDate": env.shown_time(row["created_at"]),
        "endDate": env.shown_time(row["closed_at"]),
        # Assumption: voided bills still count, in their number and their money.
        "billCount": row["bill_count"],
        "runningTotal": round(row["running_total"], 4),
        **row["defaults"],
        "note": row["note"],
        "accountPeriodName": f"{year}-{number:02d}" if year is not None and number is not None else None,
        "createdBy": owner,
        "flagCount": row["flags"],
        "analyzingCount": row["analyzing"],
        # Assumption: all bills of the sandbox come from imports.
        "hasImportedBills": row["bill_count"] > 0,
        "hasImportsWithKickout": bool(row["kicked"]),
        "hasLogs": False,
    }


def find(env: Environment, batch_id: int) -> Row:
    """
    Return a batch as stored.

    :raises ApiError: 404 if there is none.
    """
    row = env.store.row("SELECT * FROM batches WHERE batch_id = ?", batch_id)
    if row is None:
        raise _not_found(batch_id)
    return row


def _not_found(batch_id: int) -> ApiError:
    return ApiError(404, f"Batch {batch_id} was not found.")


def open_batches_of(env: Environment, user: User) -> list[Row]:
    """Return a user's open batches."""
    return env.store.rows(
        "SELECT * FROM batches WHERE owner_id = ? AND status = ? ORDER BY batch_id", user.user_id, OPEN
    )


def create(env: Environment, user: User, code: str, defaults: dict[str, Any], note: str | None = None) -> int:
    """
    Create an open batch.

    Assumption: a code that is already in use is answered with 400, and codes are case sensitive.

    :return: its id.
    :raises ApiError: 400 if the code is in use.
    """
    try:
        batch_id = env.store.insert(
            "batches",
            code=code,
            status=OPEN,
            owner_id=user.user_id,
            created_at=env.clock.time(),
            note=note,
            defaults={name: defaults.get(name) for name in DEFAULTS},
        )
    except sqlite3.IntegrityError:
        raise ApiError(400, f"The batch code '{code}' is already in use.") from None
    read_lag.created(env, read_lag.BATCH, batch_id)
    return batch_id


def open_batch(env: Environment, user: User, request: dict[str, Any]) -> dict[str, Any]:
    """Open a batch (OpenBatchV3). If the request says so, close the caller's other open batches first."""
    with env.store.transaction():
        if request["closeExistingBatch"]:
            for other in open_batches_of(env, user):
                set_status(env, other["batch_id"], CLOSED)
        batch_id = create(env, user, request["batchCode"], request, request["note"])
        return shown_batch(env, batch_id)


def edit(env: Environment, user: User, batch_id: int, request: dict[str, Any]) -> dict[str, Any]:
    """
    Change a batch's code and note (EditBatchV3).

    Assumption: another user's batch requires Manage, as elsewhere; null leaves the note unchanged.
    """
    with env.store.transaction():
        require_own(env, user, find(env, batch_id))
        try:
            env.store.update("batches", "batch_id", batch_id, code=request["batchCode"])
        except sqlite3.IntegrityError:
            raise ApiError(400, f"The batch code '{request['batchCode']}' is already in use.") from None
        _set_note(env, batch_id, request["note"])
        return shown_batch(env, batch_id)


def delete(env: Environment, user: User, batch_id: int) -> None:
    """Delete a batch and every bill in it (DeleteBatchV3). Assumption: its tasks then show no batch."""
    with env.store.transaction():
        row = find(env, batch_id)
        require_own(env, user, row)
        history.deleted(env, batch_id, row["code"])
        env.store.execute("DELETE FROM bills WHERE batch_id = ?", batch_id)
        env.store.execute("DELETE FROM batches WHERE batch_id = ?", batch_id)


def close(env: Environment, user: User, batch_id: int) -> dict[str, Any]:
    """Close a batch (CloseBatchV3). Assumption: also a pending one, since the page excludes only closed ones."""
    with env.store.transaction():
        row = find(env, batch_id)
        require_own(env, user, row)
        _require_status(row, CLOSED, OPEN, PENDING)
        set_status(env, batch_id, CLOSED)
        return shown_batch(env, batch_id)


def update_status(env: Environment, user: User, batch_id: int, request: dict[str, Any]) -> None:
    """Move a batch to another status (UpdateBatchStatusV202206)."""
    wanted, note = request["batchStatus"], request["note"]
    with env.store.transaction():
        row = find(env, batch_id)
        if wanted == OPEN:
            _reopen(env, user, row, note, leave_others=bool(request["leaveOpenBatchesAsIs"]))
            return
        require_own(env, user, row)
        _require_status(row, wanted, *((OPEN,) if wanted == PENDING else (OPEN, PENDING)))
        set_status(env, batch_id, wanted)
        _set_note(env, batch_id, note)


def _reopen(env: Environment, user: User, row: Row, note: str | None, *, leave_others: bool) -> None:
    """Reopen a pending batch. Another user's batch becomes the caller's."""
    _require_status(row, OPEN, PENDING)
    foreign = row["owner_id"] != user.user_id
    for other in [] if leave_others else open_batches_of(env, user):
        set_status(env, other["batch_id"], PENDING)
        if foreign:
            _set_note(env, other["batch_id"], note)
    env.store.update("batches", "batch_id", row["batch_id"], owner_id=user.user_id)
    set_status(env, row["batch_id"], OPEN)
    if not foreign:
        _set_note(env, row["batch_id"], note)


def set_status(env: Environment, batch_id: int, status: str) -> None:
    """Set a batch's status. Pending voids its bills, any other status un-voids them."""
    closed_at = env.clock.time() if status == CLOSED else None
    env.store.update("batches", "batch_id", batch_id, status=status, closed_at=closed_at)
    env.store.execute("UPDATE bills SET voided = ? WHERE batch_id = ?", int(status == PENDING), batch_id)
    history.status_set(env, batch_id, voids=status == PENDING)


def _set_note(env: Environment, batch_id: int, note: str | None) -> None:
    if note is not None:
        # An empty string clears the note. Assumption: a cleared note is shown as null.
        env.store.update("batches", "batch_id", batch_id, note=note or None)


def _require_status(row: Row, wanted: str, *allowed: str) -> None:
    if row["status"] not in allowed:
        raise ApiError(
            400,
            f"Batch {row['batch_id']} is {row['status']}; only a batch that is {' or '.join(allowed)} "
            f"can be set to {wanted}.",
        )


def require_own(env: Environment, user: User, row: Row) -> None:
    """
    Require that the user owns the batch or has the permission Manage.

    :raises ApiError: 401 or 403, as the settings say, for another user's batch.
    """
    if row["owner_id"] != user.user_id and not user.may("manage"):
        raise ApiError(
            env.settings.permission_status,
            f"Batch {row['batch_id']} belongs to another user; Bills and Batches: Manage is required.",
        )
