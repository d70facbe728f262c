"""Read a kickout summary and kicked-out rows while they arrive; the rows are counted and stored on disk."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from eci_provider.api.kickouts.messages import KnownMessages, MessageFinder, message_text
from eci_provider.api.kickouts.sums import KickoutSums
from eci_provider.api.transport.limits import UnreadableJsonError
from eci_provider.api.transport.streamed_json import Members
from eci_provider.core.spill import Spill

#: The most columns that a workbook has, and so a bill file.
_MOST_COLUMNS = 16_384
#: The largest batch of rows and of bytes of memory, and what a cell takes beside its text.
_BATCH = 100
_BATCH_SIZE = 256 * 1024
_CELL = 100

#: A row as it is stored on disk: the text of its messages, and its cells with the ids of their columns.
StoredRow: TypeAlias = "tuple[str, list[tuple[Any, str]]]"
#: Rows on disk.
StoredRows: TypeAlias = "Spill[StoredRow]"


class SummaryReading:
    """
    A kickout summary (BillImportTaskKickoutSummaryResponse), which may be as large as the rows.

    :param members: the members of the JSON object; None if EnergyCAP knows no kickouts.
    """

    def __init__(self, members: Members | None) -> None:
        self.file_name = ""
        self.messages = KnownMessages()
        self.is_known = False
        if members is None:
            return
        for name, item in members:
            if name.lower() == "filename" and isinstance(item, str):
                self.file_name = item
            elif name.lower() == "kickoutmessages" and item is not None:
                self.messages.add(message_text(item))
        self.is_known = True


class TableReading:
    """
    Kicked-out rows (BillImportKickoutDetailsResponse), read and counted.

    :param members: the members of the JSON object.
    :param messages: the messages of the summary.
    :param keep: stores a row; None to count only.
    """

    def __init__(
        self, members: Members, messages: KnownMessages, keep: Callable[[StoredRow], None] | None
    ) -> None:
        self.sums = KickoutSums(messages)
        self._finder = MessageFinder(messages)
        self._fields: dict[Any, str] = {}
        for name, item in members:
            kind = name.lower()
            if kind == "data" and item is not None:
                cells = _cells(item, self.sums.rows)
                found = self._finder.messages_of(cells)
                self.sums.count(found)
                if keep is not None:
                    keep(("; ".join(found), cells))
            elif kind == "fields" and item is not None:
                self._add_field(item)

    def table(self, file: str) -> KickoutTable:
        """
        Return the table of the rows that were stored.

        :param file: the name of their file.
        """
        return KickoutTable(file, self.sums.rows, self._fields, self._finder.message_columns())

    def _add_field(self, item: Any) -> None:
        facts = _lower(item, f"field {len(self._fields) + 1}")
        name = _text(facts.get("name"))
        if len(self._fields) >= _MOST_COLUMNS:
            raise UnreadableJsonError(f"has more than {_MOST_COLUMNS:,} fields")
        field_id = _plain_id(facts.get("id"))
        self._fields.setdefault(field_id, name)
        self._finder.name_column(field_id, name)


def _cells(item: Any, before: int) -> list[tuple[Any, str]]:
    """Return a row's cells with the ids of their columns; missing parts are empty."""
    if not isinstance(item, list):
        raise UnreadableJsonError(f"has a row {before + 1:,} that is not an array: {str(item)[:60]!r}")
    cells = []
    for cell in item:
        try:
            field_id, value = cell["fieldId"], cell["value"]
        except (KeyError, TypeError):
            if cell is None:
                continue
            facts = _lower(cell, f"cell in row {before + 1:,}")
            field_id, value = facts.get("fieldid"), facts.get("value")
        cells.append(
            (
                field_id if type(field_id) is int else _plain_id(field_id),
                value if type(value) is str else _text(value),
            )
        )
    return cells


def _lower(item: Any, description: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise UnreadableJsonError(f"has a {description} that is not an object: {str(item)[:60]!r}")
    return {name.lower(): value for name, value in item.items()}


def _plain_id(value: Any) -> Any:
    """Return an id, as a number even if it is written as a text."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)


class KickoutTable(NamedTuple):
    """
    The columns of stored rows.

    :param file: the name of the rows' file.
    :param rows: the number of rows.
    :param fields: the columns' names by id, in order.
    :param hidden: the ids of columns that hold only the message.
    """

    file: str
    rows: int
    fields: dict[Any, str]
    hidden: set[object]

    def named(self, cells: list[tuple[Any, str]]) -> list[tuple[str, str]]:
        """
        Return a row's cells with the names of their columns, in the columns' order; a missing cell is empty.

        :param cells: the cells with the ids of their columns.
        """
        values: dict[Any, str] = {}
        others = []
        for field_id, value in cells:
            if field_id in self.fields and field_id not in values:
                values[field_id] = value
            else:
                others.append((field_id, value))
        row = [
            (name, values.get(field_id, ""))
            for field_id, name in self.fields.items()
            if field_id not in self.hidden
        ]
        return row + [
            ("" if field_id in self.hidden else self.fields.get(field_id, ""), value) for field_id, value in others
        ]

    def digest(self, cells: list[tuple[Any, str]]) -> bytes:
        """
        Return a digest that is the same for the same row of another table, whose ids and order may differ.

        :param cells: the cells with the ids of their columns.
        """
        filled = [(self.fields.get(field_id, ""), value) for field_id, value in cells if value]
        # Sorted by name alone, since two columns may share one.
        filled.sort(key=itemgetter(0))
        return blake2b(repr(filled).encode(), digest_size=16).digest()


def stored_rows() -> StoredRows:
    """Return an empty spill for rows."""
    return Spill(_row_cost, batch_cost=_BATCH_SIZE, batch_items=_BATCH)


def _row_cost(row: StoredRow) -> int:
    cells = row[1]
    return _CELL * len(cells) + sum([len(value) for _, value in cells])
