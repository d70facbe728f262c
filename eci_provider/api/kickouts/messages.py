"""The messages of a kicked-out row, as a count and a report of kickouts find them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

#: How many messages of a summary are kept, and how many characters; others are recognised by their column.
MOST_KNOWN = 10_000
MOST_KNOWN_TEXT = 4 * 1024 * 1024
#: How many of them are searched for inside cells.
_MOST_SEARCHED = 1000
#: The longest message that is read from a column.
_LONGEST = 2000
#: The longest cell whose messages are cached.
_LONGEST_CACHED = 200


class KnownMessages:
    """The messages of a summary, each once, as many as the bounds allow."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        #: Whether all messages of the summary are here.
        self.is_complete = True
        self._room = MOST_KNOWN_TEXT

    def add(self, message: str) -> None:
        """
        Add a message.

        :param message: the message, as the summary has it.
        """
        text = message.strip()
        if not text or text in self.texts:
            return
        if len(self.texts) < MOST_KNOWN and len(text) <= self._room:
            self.texts[text] = len(self.texts)
            self._room -= len(text)
        else:
            self.is_complete = False


class MessageFinder:
    """
    Finds the messages of a table's rows.

    Assumption: which column holds the message is not documented. So a row's messages are those of the summary that
    are equal to one of its cells; or else those that are part of a cell; or else the text in the column where
    other rows have their message, or in one with "message" in its name. The documentation calls the summary
    "aggregated kickout message counts", so it may spell messages otherwise than the rows do.

    :param known: the messages of the summary.
    """

    def __init__(self, known: KnownMessages) -> None:
        self._known = known.texts
        self._knows_all = known.is_complete
        self._searched = list(known.texts)[:_MOST_SEARCHED]
        self._shortest = min(map(len, self._searched), default=0)
        self._cached = lru_cache(maxsize=4096)(self._messages_inside)
        self._found_in: object = None
        self._named: object = None
        #: The columns that held only the message in all rows so far; None before the first row.
        self._held: set[object] | None = None

    def name_column(self, field_id: object, name: str) -> None:
        """
        Add a column; the documentation shows the columns before the rows.

        :param field_id: its id, which is valid within one response.
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
            messages = self._by_column(cells)
        if not messages:
            messages = self._parts(cells) or self._by_column(cells)
        self._update_columns(cells, "; ".join(messages))
        return messages

    def message_columns(self) -> set[object]:
        """Return the ids of the columns that held only the message, which the analyst's file does not have."""
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
        # Long cells seldom repeat, and 4,096 of them would take more memory than all the rest.
        return (self._cached if len(value) <= _LONGEST_CACHED else self._messages_inside)(value)

    def _messages_inside(self, value: str) -> list[str]:
        return [message for message in self._searched if message in value]

    def _ordered(self, messages: Iterable[str]) -> list[str]:
        return sorted(set(messages), key=self._known.__getitem__)

    def _by_column(self, cells: Sequence[tuple[object, str]]) -> list[str]:
        column = self._named if self._found_in is None else self._found_in
        if column is None:
            return []
        return [text[:_LONGEST] for field_id, value in cells if field_id == column and (text := value.strip())][:1]

    def _update_columns(self, cells: Sequence[tuple[object, str]], shown: str) -> None:
        if self._held is None:
            self._held = {field_id for field_id, value in cells if value.strip() == shown and shown}
        elif self._held:
            self._held.difference_update(
                [field_id for field_id, value in cells if field_id in self._held and value.strip() != shown]
            )


def message_text(item: Any) -> str:
    """
    Return a message of a summary as text.

    :param item: a text; or an object that holds one, as the documentation's prose suggests.
    """
    if isinstance(item, dict):
        texts = {name: value for name, value in item.items() if isinstance(value, str)}
        named = [value for name, value in texts.items() if "message" in name.lower()]
        return next(iter([*named, *texts.values()]), str(item))
    return str(item)
