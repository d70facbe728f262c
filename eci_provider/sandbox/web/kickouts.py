"""Kicked-out rows as the pages show them: reasons with their counts, and tables per kickout file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eci_provider.sandbox.environment import Environment
from eci_provider.sandbox.store import Row
from eci_provider.sandbox.web.query import Query
from eci_provider.sandbox.web.texts import are_numbers

_FOUND = "instr(folded(message) || char(10) || folded_cells(cells), ?)"


@dataclass(frozen=True)
class KickoutTable:
    """
    Rows of one kickout file.

    :param file_id: its id, unique in the sandbox.
    :param file_name: its name.
    :param columns: names of the columns.
    :param rows: message and cells of each row, as wide as ``columns``.
    :param numeric: for each column whether it holds numbers only, which are set to the right.
    """

    file_id: int
    file_name: str
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    numeric: list[bool]


@dataclass(frozen=True)
class Kickouts:
    """
    Kicked-out rows of one import.

    :param reasons: messages and their numbers of rows, the most frequent first; of all rows.
    :param tables: the rows that are shown.
    :param shown: how many these are.
    :param matching: how many match the query.
    :param total: how many there are.
    """

    reasons: list[tuple[str, int]]
    tables: list[KickoutTable]
    shown: int
    matching: int
    total: int


def of_import(env: Environment, task_id: int, query: Query, most: int) -> Kickouts:
    """
    Return the kicked-out rows of an import.

    :param task_id: the import.
    :param query: which of them.
    :param most: number of rows that are returned at most.
    """
    parts, values = ["kickout_rows.task_id = ?"], list[int | str]((task_id,))
    if query.needle:
        parts.append(_FOUND)
        values.append(query.needle)
    if query.reason:
        parts.append("message = ?")
        values.append(query.reason)
    where = " AND ".join(parts)
    reasons = env.store.rows(
        "SELECT message, COUNT(*) AS number FROM kickout_rows WHERE task_id = ? "
        "GROUP BY message ORDER BY number DESC, MIN(row_id)",
        task_id,
    )
    rows = env.store.rows(
        "SELECT kickout_rows.*, file_name, header FROM kickout_rows JOIN kickout_files USING (file_id) "  # noqa: S608
        f"WHERE {where} ORDER BY row_id LIMIT {most:d}",
        *values,
    )
    return Kickouts(
        reasons=[(reason["message"], reason["number"]) for reason in reasons],
        tables=_tables(rows),
        shown=len(rows),
        matching=env.store.number(f"SELECT COUNT(*) FROM kickout_rows WHERE {where}", *values),  # noqa: S608
        total=sum(reason["number"] for reason in reasons),
    )


def _tables(rows: list[Row]) -> list[KickoutTable]:
    by_file: dict[int, list[Row]] = {}
    for row in rows:
        by_file.setdefault(row["file_id"], []).append(row)
    return [_table(file_id, found) for file_id, found in by_file.items()]


def _table(file_id: int, rows: list[Row]) -> KickoutTable:
    header: list[Any] = rows[0]["header"]
    width = max(len(header), *(len(row["cells"]) for row in rows))
    columns = [str(name) for name in header] + [f"Column {number + 1}" for number in range(len(header), width)]
    cells = [[*row["cells"], *[""] * (width - len(row["cells"]))] for row in rows]
    return KickoutTable(
        file_id,
        rows[0]["file_name"],
        columns,
        [(row["message"], values) for row, values in zip(rows, cells, strict=True)],
        [are_numbers(column) for column in zip(*cells, strict=True)],
    )
