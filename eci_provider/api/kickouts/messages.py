"""Which messages a kicked-out row has: what a count and a report of kickouts share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

#: How many messages of a summary are known, and how many characters of them; others are told by their column.
MOST_KNOWN = 10_000
MOST_KNOWN_TEXT = 4 * 1024 * 1024
#: How many of them are looked for inside of cells.
_MOST_SEARCHED = 1000
#: The longest text that is taken for a message because of its column.
_LONGEST = 2000
#: How long a cell is at most whose messages are remembered.
_LONGEST_REMEMBERED = 200


class KnownMessages:
    """Hold the messages of a summary, each once, as many as there is room for."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        #: Whether there was room for all of them.
        self.are_all = True
        self._room = MOST_KNOWN_TEXT

    def add(self, message: str) -> None:
        """
        Know one more message.

        :param message: as the summary has it.
        """
        text = message.strip()
        if not text or text in self.texts:
            return
        if len(self.texts) < MOST_KNOWN and len(text) <= self._room:
            self.texts[text] = len(self.texts)
            self._room -= len(text)
        else:
            self.are_all = False


class MessageFinder:
    """
    Find the messages of a table's rows.

    Assumption: which column holds the message is not documented, so a row has the messages of the summary that are
    cells of it; else those that stand inside of its cells. Else that column tells it in which other rows have
    theirs, or one with "message" in its name: the documentation calls the summary "aggregated kickout message
    counts", so it may spell messages otherwise than the rows do.

    :param known: the messages of the summary.
    """

    def __init__(self, known: KnownMessages) -> None:
        self._known = known.texts
        self._knows_all = known.are_all
        self._searched = list(known.texts)[:_MOST_SEARCHED]
        self._shortest = min(map(len, self._searched), default=0)
        self._remembered = lru_cache(maxsize=4096)(self._messages_inside)
        self._found_in: object = None
        self._named: object = None
        #: The columns that held nothing but the message in all rows so far; None before the first row.
        self._held: set[object] | None = None

    def name_column(self, field_id: object, name: str) -> None:
        """
        Hear of a column, before the rows as the documentation shows it.

        :param field_id: its id, which holds within one response.
        :param name: its name.
        """
        if self._named is None and "message" in name.lower():
            self._named = field_id

    def messages_of(self, cells: Sequence[tuple[object, str]]) -> list[str]:
        """
        Return a row's messages, in the summary's order.

        :param cells: the row's cells, pairs of the column's id and the value.
        """
        messages = self._whole(cells)
        if not messages and not self._knows_all and self._found_in is not None:
            messages = self._told_by_column(cells)
        if not messages:
            messages = self._parts(cells) or self._told_by_column(cells)
        self._note_columns(cells, "; ".join(messages))
        return messages

    def message_columns(self) -> set[object]:
        """Return the ids of the columns that held nothing but the message: no columns of the analyst's file."""
        return self._held or set()

    def _whole(self, cells: Sequence[tuple[object, str]]) -> list[str]:
        known = self._known
        found = {}
        for field_id, value in cells:
            text = value.strip()
            if text in known:
                found[text] = field_id
        if not found:
            return []
        messages = sorted(found, key=known.__getitem__)
        if self._found_in is None:
            self._found_in = found[messages[0]]
        return messages

    def _parts(self, cells: Sequence[tuple[object, str]]) -> list[str]:
        if not self._searched:
            return []
        long_enough = [value for _, value in cells if len(value) >= self._shortest]
        return self._ordered(message for value in long_enough for message in self._inside(value))

    def _inside(self, value: str) -> list[str]:
        # What is long is seldom there twice, and 4,096 of them would take more memory than all else.
        return (self._remembered if len(value) <= _LONGEST_REMEMBERED else self._messages_inside)(value)

    def _messages_inside(self, value: str) -> list[str]:
        return [message for message in self._searched if message in value]

    def _ordered(self, messages: Iterable[str]) -> list[str]:
        return sorted(set(messages), key=self._known.__getitem__)

    def _told_by_column(self, cells: Sequence[tuple[object, str]]) -> list[str]:
        column = self._named if self._found_in is None else self._found_in
        if column is None:
            return []
        return [text[:_LONGEST] for field_id, value in cells if field_id == column and (text := value.strip())][:1]

    def _note_columns(self, cells: Sequence[tuple[object, str]], shown: str) -> None:
        if self._held is None:
            self._held = {field_id for field_id, value in cells if value.strip() == shown and shown}
        elif self._held:
            self._held.difference_update(
                [field_id for field_id, value in cells if field_id in self._held and value.strip() != shown]
            )


def message_text(item: Any) -> str:
    """
    Return a message of a summary.

    :param item: a text; or an object that holds one, as the documentation's prose lets expect.
    """
    if isinstance(item, dict):
        texts = {name: value for name, value in item.items() if isinstance(value, str)}
        named = [value for name, value in texts.items() if "message" in name.lower()]
        return next(iter([*named, *texts.values()]), str(item))
    return str(item)
