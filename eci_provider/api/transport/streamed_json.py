"""Read JSON while it arrives, in little memory however long its arrays are."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from eci_provider.api.transport.limits import DEEPEST, UnreadableJsonError, refuse_nested

#: What a JSON object holds: pairs of a member's name and its value, or an item of its value.
Members: TypeAlias = "Iterator[tuple[str, Any]]"
#: The longest item of an array, or other value, in characters.
LONGEST_ITEM = 1024 * 1024
_SPACE = re.compile(r"[ \t\n\r]*")
#: The first characters of the items that are taken many at once.
_ITEM_STARTS = '{["'
#: An error within so many characters of the end of what has arrived may only be incomplete text.
_NEAR = 16


def members(chunks: Iterable[bytes], *, longest: int = LONGEST_ITEM, most_values: int | None = None) -> Members:
    """
    Iterate over the members of a JSON object: each item of an array by itself, every other value whole.

    :param chunks: the object's UTF-8, in chunks of any size.
    :param longest: how many characters an item or a value may have.
    :param most_values: how many items and other values it may have; any number without.
    :return: pairs of the member's name and the item or value; an empty array gives none.
    :raises UnreadableJsonError: if it is not an object, ends too early, or holds a value that is too long or
        nested too deeply, or too many of them.
    """
    text = _Buffer(chunks, longest, most_values)
    text.take("{", "is not an object")
    if text.peek() == "}":
        return
    closed = False
    while not closed:
        name = text.value()
        if not isinstance(name, str):
            raise UnreadableJsonError("is not JSON: the name of a member is missing")
        text.take(":", "is not JSON: a colon is missing")
        if text.peek() == "[":
            for item in text.items():
                yield name, item
        else:
            yield name, text.value()
        closed = text.take(",}", "is not JSON: a comma is missing between members") == "}"


def array_items(
    chunks: Iterable[bytes], *, longest: int = LONGEST_ITEM, most_values: int | None = None
) -> Iterator[Any] | None:
    """
    Return an iterator over the items of a JSON array; None for other JSON.

    :param chunks: the array's UTF-8, in chunks of any size.
    :param longest: how many characters an item may have.
    :param most_values: how many items it may have; any number without.
    :raises UnreadableJsonError: as :func:`members`.
    """
    text = _Buffer(chunks, longest, most_values)
    if text.peek() == "[":
        return _all_items(text)
    text.value()
    return None


def _all_items(text: _Buffer) -> Iterator[Any]:
    yield from text.items()
    text.refuse_more()


class _Buffer:
    """
    The part of a JSON text that has arrived and was not read yet.

    :param chunks: the text's UTF-8.
    :param longest: how many characters a value may have.
    :param most_values: how many values may be read; None for any number.
    """

    def __init__(self, chunks: Iterable[bytes], longest: int, most_values: int | None) -> None:
        self._chunks = iter(chunks)
        self._longest, self._left = longest, math.inf if most_values is None else most_values
        self._most = most_values
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._scan = json.JSONDecoder().raw_decode
        self._buffer, self._at = "", 0
        self._is_taken_singly = False

    def peek(self) -> str:
        """Return the next character that is not white space."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._receive():
                raise _EndError("ends too early")

    def take(self, wanted: str, problem: str) -> str:
        """Take and return the next character, which must be one of those wanted."""
        character = self.peek()
        if character not in wanted:
            raise UnreadableJsonError(problem)
        self._at += 1
        return character

    def refuse_more(self) -> None:
        """Refuse anything but white space up to the end of the text."""
        try:
            self.peek()
        except _EndError:
            return
        raise UnreadableJsonError("is not JSON: more follows its end")

    def items(self) -> Iterator[Any]:
        """Take and return the items of the array that is next."""
        self.take("[", "")
        if self.peek() == "]":
            self.take("]", "")
            return
        while True:
            yield self.value()
            buffer, end = self._buffer, self._at
            if self.take(",]", "is not JSON: a comma is missing between items") == "]":
                return
            if self.peek() in _ITEM_STARTS and self._buffer is buffer:
                yield from self._items_at_once(buffer[end - 1 : self._at + 1])

    def _items_at_once(self, between: str) -> list[Any]:
        """
        Take and return the next items that have arrived as one array, which is faster than one by one.

        The last one stays. What only looks like the end of an item ends no JSON.

        :param between: what separates items, from the last character of one to the first of the next.
        """
        last = self._buffer.rfind(between, self._at)
        if last < 0 or last - self._at > self._longest or self._is_taken_singly:
            return []
        text = f"[{self._buffer[self._at : last + 1]}]"
        try:
            found: list[Any] = json.loads(text)
            refuse_nested(found, text, deepest=DEEPEST + 1)
        except (ValueError, RecursionError):
            self._is_taken_singly = True  # until more has arrived
            return []
        self._count(len(found))
        self._at = last + len(between) - 1
        return found

    def value(self) -> Any:
        """Take and return the next value."""
        self._count(1)
        self.peek()
        while True:
            problem, at = None, 0
            try:
                value, end = self._scan(self._buffer, self._at)
            except RecursionError:
                raise UnreadableJsonError("is nested too deeply") from None
            except json.JSONDecodeError as error:
                problem, at = error.msg, error.pos
            except ValueError:
                raise UnreadableJsonError("holds a number of too many digits") from None
            # Outside of the block, or the loss of the connection would have what has arrived in its context.
            if problem is None:
                # A number at the end may continue: 1.5e3 begins with the numbers 1 and 1.5.
                if self._buffer[end : end + 1] in ("", ".", "e", "E") and self._double():
                    continue
                self._take(value, end)
                return value
            if at < len(self._buffer) - _NEAR and not problem.startswith("Unterminated string"):
                raise UnreadableJsonError(f"is not JSON: {problem[:1].lower()}{problem[1:]}")
            if not self._double():
                raise UnreadableJsonError("ends too early")

    def _take(self, value: Any, end: int) -> None:
        """Take a value that was read, unless it is too large."""
        if end - self._at > self._longest:
            raise self._too_long()
        if end - self._at > 2 * DEEPEST:
            refuse_nested(value, self._buffer[self._at : end])
        self._at = end

    def _count(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise UnreadableJsonError(f"has more than {self._most:,} values")

    def _receive(self) -> bool:
        """Receive the next chunk and drop what was read; return whether there was one."""
        chunk = self._next_chunk()
        if chunk is None:
            return False
        self._buffer, self._at, self._is_taken_singly = self._buffer[self._at :] + chunk, 0, False
        return True

    def _next_chunk(self) -> str | None:
        try:
            for chunk in self._chunks:
                return self._decoder.decode(chunk)
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise UnreadableJsonError("is not UTF-8") from None
        return None

    def _double(self) -> bool:
        """Receive as much as there is already, so that a long value is not parsed again for each small chunk."""
        missing = len(self._buffer) - self._at
        if missing > self._longest:
            raise self._too_long()
        pieces = [self._buffer[self._at :]]
        while missing > 0 and (chunk := self._next_chunk()) is not None:
            pieces.append(chunk)
            missing -= len(chunk)
        self._buffer, self._at, self._is_taken_singly = "".join(pieces), 0, False
        return len(pieces) > 1

    def _too_long(self) -> UnreadableJsonError:
        return UnreadableJsonError(f"holds a value of more than {self._longest:,} characters")


class _EndError(UnreadableJsonError):
    """The text has ended."""
