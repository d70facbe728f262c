"""Batches as the pages show them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.store import Row
from eci_provider.sandbox.web.imports import LostBills, lost_bills
from eci_provider.sandbox.web.query import Query

_BATCHES = """
SELECT batches.*, users.code AS owner, void_batches.since AS void_since,
    COUNT(bill_id) AS bills, COALESCE(SUM(voided), 0) AS voided,
    COALESCE(SUM(cost * NOT voided), 0) AS cost, COALESCE(SUM(cost * voided), 0) AS void_cost,
    COALESCE(SUM(analyzed_at > ?), 0) AS analyzing, COALESCE(SUM(flagged AND analyzed_at <= ?), 0) AS flags,
    (SELECT COUNT(*) FROM tasks WHERE tasks.batch_id = batches.batch_id) AS imports,
    (SELECT COUNT(*) FROM tasks WHERE tasks.batch_id = batches.batch_id AND outcome IS NULL) AS running,
    (SELECT COUNT(*) FROM kickout_rows JOIN tasks USING (task_id) WHERE tasks.batch_id = batches.batch_id)
        AS kickouts
FROM batches
    LEFT JOIN users ON users.user_id = owner_id
    LEFT JOIN void_batches USING (batch_id)
    LEFT JOIN bills USING (batch_id)
"""
_MATCHES = """
(instr(folded(code), ?) OR instr(folded(note), ?)
    OR EXISTS (SELECT 1 FROM users WHERE users.user_id = owner_id AND instr(folded(users.code), ?))
    OR EXISTS (SELECT 1 FROM tasks WHERE tasks.batch_id = batches.batch_id
        AND (instr(folded(file_name), ?) OR instr(guid, ?))))
"""


@dataclass(frozen=True)
class BatchView:
    """
    One batch.

    :param row: its row of the database, with counts.
    :param lost: its bills that are no longer there.
    """

    row: Row
    lost: tuple[LostBills, ...] = ()

    @property
    def valid(self) -> int:
        """Number of its bills that count: neither void nor replaced."""
        return int(self.row["bills"]) - int(self.row["voided"])


@dataclass(frozen=True)
class DeletedBatch:
    """
    A batch that is no longer there.

    :param batch_id: its id.
    :param code: its code.
    :param at: when it was deleted.
    :param lost: the bills that were deleted with it, or replaced before.
    """

    batch_id: int
    code: str
    at: float
    lost: tuple[LostBills, ...]


def listed(env: Environment, query: Query) -> tuple[list[BatchView], int]:
    """
    Return the newest batches that match a query.

    :return: the batches, and how many match without the limit of rows.
    """
    parts, values = ["1"], list[str]()
    if query.needle:
        parts.append(_MATCHES)
        values += [query.needle] * _MATCHES.count("?")
    if query.status:
        parts.append("status = ?")
        values.append(query.status)
    where = " AND ".join(parts)
    total = env.store.number(f"SELECT COUNT(*) FROM batches WHERE {where}", *values)  # noqa: S608
    ids = env.store.rows(
        f"SELECT batch_id FROM batches WHERE {where} ORDER BY batch_id DESC LIMIT {query.rows:d}",  # noqa: S608
        *values,
    )
    return _views(env, [row["batch_id"] for row in ids]), total


def one(env: Environment, batch_id: int) -> BatchView | DeletedBatch | None:
    """Return a batch, also one that was deleted; None if there never was one."""
    if found := _views(env, [batch_id]):
        return found[0]
    gone = env.store.row("SELECT * FROM deleted_batches WHERE batch_id = ?", batch_id)
    if gone is None:
        return None
    return DeletedBatch(
        batch_id, gone["code"], gone["at"], lost_bills(env, "batch_id", [batch_id]).get(batch_id, ())
    )


def _views(env: Environment, ids: list[int]) -> list[BatchView]:
    now = env.clock.time()
    rows = env.store.rows(
        f"{_BATCHES} WHERE batches.batch_id IN (SELECT value FROM json_each(?)) "  # noqa: S608
        "GROUP BY batches.batch_id ORDER BY batches.batch_id DESC",
        now,
        now,
        json.dumps(ids),
    )
    lost = lost_bills(env, "batch_id", ids)
    return [BatchView(row, lost.get(row["batch_id"], ())) for row in rows]
