"""Bills as the pages show them."""

from __future__ import annotations

from dataclasses import dataclass

from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.store import Row
from eci_provider.sandbox.web.imports import ImportName
from eci_provider.sandbox.web.query import Query

_FOUND = "instr(folded(account || ' ' || vendor || ' ' || start || ' ' || end), ?)"


@dataclass(frozen=True)
class BillView:
    """
    One bill.

    :param row: its row of the database.
    :param source: the import that it came from; None if its task was deleted.
    """

    row: Row
    source: ImportName | None


@dataclass(frozen=True)
class Bills:
    """
    Bills of one import or batch.

    :param rows: the bills that are shown.
    :param matching: how many match the query.
    :param total: how many there are.
    """

    rows: list[BillView]
    matching: int
    total: int


def of(env: Environment, key: str, value: int, query: Query) -> Bills:
    """
    Return bills, in the order of their import.

    :param key: ``task_id`` or ``batch_id``.
    :param value: the id.
    :param query: which of them.
    """
    where, values = f"bills.{key} = ?", list[int | str]((value,))
    if query.needle:
        where += f" AND {_FOUND}"
        values.append(query.needle)
    now = env.clock.time()
    rows = env.store.rows(
        "SELECT bill_id, account, vendor, start, end, cost, estimated, voided, bills.note, guid, file_name, "  # noqa: S608
        "flagged AND analyzed_at <= ? AS is_flagged, analyzed_at > ? AS in_analysis "
        f"FROM bills LEFT JOIN tasks USING (task_id) WHERE {where} ORDER BY bill_id LIMIT {query.rows:d}",
        now,
        now,
        *values,
    )
    return Bills(
        rows=[BillView(row, ImportName(row["guid"], row["file_name"]) if row["guid"] else None) for row in rows],
        matching=env.store.number(f"SELECT COUNT(*) FROM bills WHERE {where}", *values),  # noqa: S608
        total=env.store.number(f"SELECT COUNT(*) FROM bills WHERE {key} = ?", value),  # noqa: S608
    )
