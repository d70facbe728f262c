"""Read a JSON object while it arrives, in little memory however long its arrays are."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

#: What a JSON object holds: pairs of a member's name and its value, or an item of its value.
Members: TypeAlias = "Iterator[tuple[str, Any]]"
#: The longest item of an array, or other value, in characters.
LONGEST_ITEM = 1024 * 1024
_SPACE = re.compile(r"[ \t\n\r]*")
#: An error within so many characters of the end of what has arrived may only be incomplete text.
_NEAR = 16


class UnreadableJsonError(ValueError):
    """The body is not what was expected. The message continues a sentence that begins with "its body"."""


def members(chunks: Iterable[bytes], *, longest: int = LONGEST_ITEM) -> Members:
    """
    Iterate over the members of a JSON object: each item of an array by itself, every other value whole.

    :param chunks: the object's UTF-8, in chunks of any size.
    :param longest: how many characters an item or a value may have.
    :return: pairs of the member's name and the item or value; an empty array gives none.
    :raises UnreadableJsonError: if it is not an object, ends too early, or holds a value that is too long.
    """
    text = _Buffer(chunks, longest)
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
            for item in _items(text):
                yield name, item
        else:
            yield name, text.value()
        closed = text.take(",}", "is not JSON: a comma is missing between members") == "}"


def _items(text: _Buffer) -> Iterator[Any]:
    text.take("[", "")
    if text.peek() == "]":
        text.take("]", "")
        return
    yield text.value()
    while text.take(",]", "is not JSON: a comma is missing between items") == ",":
        yield text.value()


class _Buffer:
    """
    The part of a JSON text that has arrived and was not read yet.

    :param chunks: the text's UTF-8.
    :param longest: how many characters a value may have.
    """

    def __init__(self, chunks: Iterable[bytes], longest: int) -> None:
        self._chunks = iter(chunks)
        self._longest = longest
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._scan = json.JSONDecoder().raw_decode
        self._buffer, self._at = "", 0

    def peek(self) -> str:
        """Return the next character that is not white space."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._receive():
                raise UnreadableJsonError("ends too early")

    def take(self, wanted: str, problem: str) -> str:
        """Take and return the next character, which must be one of those wanted."""
        character = self.peek()
        if character not in wanted:
            raise UnreadableJsonError(problem)
        self._at += 1
        return character

    def value(self) -> Any:
        """Take and return the next value."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._buffer, self._at)
            except RecursionError:
                raise UnreadableJsonError("is nested too deeply") from None
            except json.JSONDecodeError as error:
                if error.pos < len(self._buffer) - _NEAR and not error.msg.startswith("Unterminated string"):
                    raise UnreadableJsonError(f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]}") from None
                if not self._double():
                    raise UnreadableJsonError("ends too early") from None
            else:
                # A number at the end may continue: 1.5e3 begins with the numbers 1 and 1.5.
                if self._buffer[end : end + 1] not in ("", ".", "e", "E") or not self._double():
                    if end - self._at > self._longest:
                        raise self._too_long()
                    self._at = end
                    return value

    def _receive(self) -> bool:
        """Receive the next chunk and drop what was read; return whether there was one."""
        try:
            for chunk in self._chunks:
                self._buffer = self._buffer[self._at :] + self._decoder.decode(chunk)
                self._at = 0
                return True
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise UnreadableJsonError("is not UTF-8") from None
        return False

    def _double(self) -> bool:
        """Receive as much as there is already, so that a long value is not parsed again for each small chunk."""
        size = len(self._buffer) - self._at
        if size > self._longest:
            raise self._too_long()
        arrived = False
        while len(self._buffer) - self._at < 2 * size and self._receive():
            arrived = True
        return arrived

    def _too_long(self) -> UnreadableJsonError:
        return UnreadableJsonError(f"holds a value of more than {self._longest:,} characters")
