"""Bill imports as the pages show them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.store import Row
from eci_provider.sandbox.web.query import Query

_IMPORTS = """
SELECT tasks.task_id, guid, users.code AS user, file_name, profile_code, options, tasks.note, begin_at, end_at,
    outcome, message, rows_read, tasks.batch_id,
    COALESCE(batches.code, deleted_batches.code) AS batch_code, deleted_batches.batch_id IS NOT NULL AS batch_gone,
    void_batches.since AS void_since,
    COUNT(bill_id) AS bills, COALESCE(SUM(voided), 0) AS voided,
    COALESCE(SUM(cost * NOT voided), 0) AS cost, COALESCE(SUM(cost * voided), 0) AS void_cost,
    COALESCE(SUM(analyzed_at > ?), 0) AS analyzing, COALESCE(SUM(flagged AND analyzed_at <= ?), 0) AS flags,
    (SELECT COUNT(*) FROM kickout_rows WHERE kickout_rows.task_id = tasks.task_id) AS kickouts
FROM tasks
    LEFT JOIN users USING (user_id)
    LEFT JOIN batches ON batches.batch_id = tasks.batch_id
    LEFT JOIN deleted_batches ON deleted_batches.batch_id = tasks.batch_id
    LEFT JOIN void_batches ON void_batches.batch_id = tasks.batch_id
    LEFT JOIN bills ON bills.task_id = tasks.task_id
"""
# Numbers are not looked for: a search for "12" would find a third of all imports.
_MATCHES = """
(instr(folded(file_name), ?) OR instr(guid, ?) OR instr(folded(tasks.note), ?) OR instr(folded(message), ?)
    OR EXISTS (SELECT 1 FROM users WHERE users.user_id = tasks.user_id AND instr(folded(users.code), ?))
    OR EXISTS (SELECT 1 FROM batches WHERE batches.batch_id = tasks.batch_id AND instr(folded(batches.code), ?))
    OR EXISTS (SELECT 1 FROM deleted_batches WHERE deleted_batches.batch_id = tasks.batch_id
        AND instr(folded(deleted_batches.code), ?))
    OR EXISTS (SELECT 1 FROM kickout_rows WHERE kickout_rows.task_id = tasks.task_id
        AND (instr(folded(kickout_rows.message), ?) OR instr(folded_cells(cells), ?))))
"""


@dataclass(frozen=True)
class ImportName:
    """What a link to an import says."""

    guid: str
    file_name: str

    @property
    def short(self) -> str:
        """The first part of the GUID, enough to tell two imports apart."""
        return self.guid.partition("-")[0]


@dataclass(frozen=True)
class LostBills:
    """
    Bills of an import, or of a batch, that are no longer there.

    :param bills: how many.
    :param at: when the first of them was lost.
    :param by: the import that replaced them; None if they were deleted with their batch.
    :param by_itself: whether a later row of the same file replaced them.
    """

    bills: int
    at: float
    by: ImportName | None
    by_itself: bool


@dataclass(frozen=True)
class ImportView:
    """
    One import.

    :param row: its row of the database, with counts.
    :param lost: its bills that are no longer there.
    :param retry_of: the import whose kickouts it retries.
    :param retried_by: the imports that retry its kickouts.
    """

    row: Row
    lost: tuple[LostBills, ...] = ()
    retry_of: ImportName | None = None
    retried_by: tuple[ImportName, ...] = ()

    @property
    def name(self) -> ImportName:
        """Its name in links."""
        return ImportName(self.row["guid"], self.row["file_name"])

    @property
    def valid(self) -> int:
        """Number of its bills that count: neither void nor replaced nor deleted."""
        return int(self.row["bills"]) - int(self.row["voided"])

    @property
    def void_since(self) -> float | None:
        """Since when its bills are void; None if they are not. Bills may come into a batch that is void."""
        since, end = self.row["void_since"], self.row["end_at"]
        return None if not self.row["voided"] or since is None else max(since, end or since)


def listed(env: Environment, query: Query) -> tuple[list[ImportView], int]:
    """
    Return the newest imports that match a query.

    :return: the imports, and how many match without the limit of rows.
    """
    where, values = _condition(query)
    total = env.store.number(f"SELECT COUNT(*) FROM tasks WHERE {where}", *values)  # noqa: S608
    ids = env.store.rows(
        f"SELECT task_id FROM tasks WHERE {where} ORDER BY task_id DESC LIMIT {query.rows:d}",  # noqa: S608
        *values,
    )
    return _views(env, [row["task_id"] for row in ids]), total


def _condition(query: Query) -> tuple[str, tuple[Any, ...]]:
    parts, values = ["1"], []
    if query.needle:
        parts.append(_MATCHES)
        values += [query.needle] * _MATCHES.count("?")
    if query.outcome:
        parts.append("outcome IS NULL" if query.outcome == "running" else "outcome = ?")
        values.extend(() if query.outcome == "running" else (query.outcome,))
    return " AND ".join(parts), tuple(values)


def of_batch(env: Environment, batch_id: int, rows: int) -> tuple[list[ImportView], int]:
    """Return the newest imports into a batch, and how many there are."""
    total = env.store.number("SELECT COUNT(*) FROM tasks WHERE batch_id = ?", batch_id)
    ids = env.store.rows(
        "SELECT task_id FROM tasks WHERE batch_id = ? ORDER BY task_id DESC LIMIT ?", batch_id, rows
    )
    return _views(env, [row["task_id"] for row in ids]), total


def one(env: Environment, guid: str) -> ImportView | None:
    """Return an import; None if there is none."""
    found = env.store.row("SELECT task_id FROM tasks WHERE guid = ?", guid.lower())
    return None if found is None else _views(env, [found["task_id"]])[0]


def _views(env: Environment, ids: list[int]) -> list[ImportView]:
    now, chosen = env.clock.time(), json.dumps(ids)
    rows = env.store.rows(
        f"{_IMPORTS} WHERE tasks.task_id IN (SELECT value FROM json_each(?)) "  # noqa: S608
        "GROUP BY tasks.task_id ORDER BY tasks.task_id DESC",
        now,
        now,
        chosen,
    )
    lost = lost_bills(env, "task_id", ids)
    links = env.store.rows(
        "SELECT retries.task_id, source_id, retry.guid, retry.file_name, source.guid AS source_guid, "
        "source.file_name AS source_name FROM retries "
        "JOIN tasks AS retry USING (task_id) LEFT JOIN tasks AS source ON source.task_id = source_id "
        "WHERE retries.task_id IN (SELECT value FROM json_each(?)) "
        "OR source_id IN (SELECT value FROM json_each(?)) ORDER BY retries.task_id",
        chosen,
        chosen,
    )
    sources = {
        link["task_id"]: ImportName(link["source_guid"], link["source_name"])
        for link in links
        if link["source_guid"]
    }
    retries: dict[int, list[ImportName]] = defaultdict(list)
    for link in links:
        retries[link["source_id"]].append(ImportName(link["guid"], link["file_name"]))
    return [
        ImportView(row, lost.get(row["task_id"], ()), sources.get(row["task_id"]), tuple(retries[row["task_id"]]))
        for row in rows
    ]


def lost_bills(env: Environment, key: str, ids: Iterable[int]) -> dict[int, tuple[LostBills, ...]]:
    """
    Return the bills that are no longer there, by the task or batch that they belonged to.

    :param key: ``task_id`` or ``batch_id``.
    :param ids: ids of tasks or batches.
    """
    elsewhere = "AND tasks.batch_id IS NOT lost_bills.batch_id" if key == "batch_id" else ""
    rows = env.store.rows(
        f"SELECT lost_bills.{key} AS owner, SUM(bills) AS bills, MIN(at) AS at, guid, file_name, "  # noqa: S608
        "by_task_id IS lost_bills.task_id AS by_itself "
        "FROM lost_bills LEFT JOIN tasks ON tasks.task_id = by_task_id "
        # What an import into the same batch has replaced is not missing there.
        f"WHERE lost_bills.{key} IN (SELECT value FROM json_each(?)) {elsewhere} "
        "GROUP BY owner, by_task_id, by_itself ORDER BY at, by_task_id",
        json.dumps(list(ids)),
    )
    found: dict[int, list[LostBills]] = defaultdict(list)
    for row in rows:
        by = ImportName(row["guid"], row["file_name"]) if row["guid"] else None
        found[row["owner"]].append(LostBills(row["bills"], row["at"], by, bool(row["by_itself"])))
    return {owner: tuple(lost) for owner, lost in found.items()}
