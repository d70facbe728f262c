"""Find the API key in texts of a server, however it is spelled, and mask it."""

from __future__ import annotations

import base64
import html
import json
import re
from array import array
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import quote, unquote_to_bytes

#: Where a part of a text begins and ends.
_Place: TypeAlias = "tuple[int, int]"

_MASK = "***"
#: The shortest key that is masked in a success's body; a shorter one may be a word of it.
_SHORTEST = 8
#: How many characters of the key in a row are masked in an error's text: a server may have cut the key.
_PIECE = 8
#: How often a text is unescaped: a proxy may quote what a server has quoted.
_ROUNDS = 3
#: What begins an escaped character.
_MARKS = frozenset("%\\&")
_MARK = re.compile(rb"[%\\&]")
#: One escaped character in a URL, in JSON and its relatives, or in HTML.
_ESCAPED = re.compile(
    r"%(?P<url>[0-9a-f]{2})|\\u(?P<json>[0-9a-f]{4})|\\x(?P<hex>[0-9a-f]{2})|\\(?P<plain>[\"'/\\])|\\(?P<control>[bfnrt])"
    r"|&#x(?P<html>[0-9a-f]{1,6});?|&#(?P<number>[0-9]{1,7});?|&(?P<name>[a-z]{2,8});",
    re.IGNORECASE,
)
_BACKSLASH = re.compile(rb"\\(x[0-9a-fA-F]{2}|[bfnrt\"'/\\])")
_ENTITY = re.compile(rb"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[a-zA-Z]{2,8};)")
#: What is compared: printable ASCII, without regard to case, and URL-safe base64 like the other kind.
_DROPPED = bytes([*range(0x20), *range(0x7F, 0x100)])
_ALIKE = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_", b"abcdefghijklmnopqrstuvwxyz+/")
_ALIKE_TEXT = {letter: chr(alike) for letter, alike in enumerate(_ALIKE) if letter != alike}


class KeyMask:
    """
    Masks an API key in texts of a server.

    The key is found in any case; escaped for JSON, HTML or a URL, also more than once; as hex or base64, also in
    the middle of something longer; and with characters in it that no key has, such as zero-width ones.

    :param key: the key.
    """

    __slots__ = ("_as_it_is", "_encoded", "_is_long", "_is_odd", "_is_word", "_literal", "_pieces", "_spellings")

    def __init__(self, key: str) -> None:
        plain = _Comparable(key).text
        self._as_it_is = key.lower().encode("utf-8", "replace")
        self._is_long = len(key) >= _SHORTEST
        #: Whether the key may be the name of a field.
        self._is_word = key.isalpha()
        #: Whether a part of the key may look escaped, so that no quick search finds it.
        self._is_odd = not _MARKS.isdisjoint(key)
        literal = sorted(_literal_spellings(key), key=len, reverse=True)
        self._literal = re.compile("|".join(map(re.escape, literal)) or "(?!)", flags=re.IGNORECASE)
        spellings = {plain, *(spelling.translate(_ALIKE_TEXT) for spelling in _encoded_spellings(key))}
        self._spellings = sorted(spelling for spelling in spellings if len(spelling) >= _SHORTEST)
        self._encoded = [spelling.encode() for spelling in self._spellings]
        self._pieces = frozenset(piece for spelling in self._spellings for _, piece in _pieces_of(spelling))

    def may_be_in(self, content: bytes) -> bool:
        """
        Return whether a body may hold the key; never for a short key, which may be a word.

        :param content: the body, or a part of it.
        """
        if not self._is_long or self._is_odd or self._as_it_is in content.lower():
            return self._is_long
        for _ in range(_ROUNDS):
            if not _MARK.search(content):  # most bodies; what is not ASCII is dropped below
                break
            content = _unescaped_once(content)
        plain = content.translate(_ALIKE, _DROPPED)
        return any(map(plain.__contains__, self._encoded))

    def mask(self, value: Any) -> Any:
        """
        Return parsed JSON with the key masked.

        :param value: the JSON. The names of its members stay if the key is a word, as they are.
        """
        if isinstance(value, str):
            value = self._literal.sub(_MASK, value)
            return _without(value, _Comparable(value), self._whole)
        if isinstance(value, list):
            return [self.mask(item) for item in value]
        if isinstance(value, dict):
            return {name if self._is_word else self.mask(name): self.mask(item) for name, item in value.items()}
        return value

    def redact(self, text: str) -> str:
        """
        Return an error's text with the key masked, also where a part of it was cut off.

        :param text: the text; it is not cut before, or the rest of a key would be left at its edge.
        """
        text = self._literal.sub(_MASK, text)
        return _without(text, _Comparable(text, keeps_blanks=False), self._parts)

    def _whole(self, plain: str) -> list[_Place]:
        """Return the places of the whole key in what is compared."""
        found = []
        for spelling in self._spellings:
            at = plain.find(spelling)
            while at >= 0:
                found.append((at, at + len(spelling)))
                at = plain.find(spelling, at + len(spelling))
        return found

    def _parts(self, plain: str) -> list[_Place]:
        """Return the places of parts of the key in what is compared."""
        return [(at, at + _PIECE) for at, piece in _pieces_of(plain) if piece in self._pieces]


class _Comparable:
    """
    A text as it is compared with the key: unescaped, without what is not printable ASCII, in lower case.

    :param text: the text.
    :param keeps_blanks: whether blanks in it count.
    """

    __slots__ = ("ends", "starts", "text")

    def __init__(self, text: str, *, keeps_blanks: bool = True) -> None:
        self.text = text
        #: Where each character begins and ends in the text.
        self.starts, self.ends = array("L", range(len(text))), array("L", range(1, len(text) + 1))
        for _ in range(_ROUNDS):
            if not _ESCAPED.search(self.text):
                break
            self._unescape()
        least = " " if keeps_blanks else "!"
        kept = [at for at, letter in enumerate(self.text) if least <= letter <= "~"]
        self.starts = array("L", [self.starts[at] for at in kept])
        self.ends = array("L", [self.ends[at] for at in kept])
        self.text = "".join([self.text[at] for at in kept]).translate(_ALIKE_TEXT)

    def _unescape(self) -> None:
        letters, starts, ends, at = [], array("L"), array("L"), 0
        for found in _ESCAPED.finditer(self.text):
            start, end = found.span()
            character = _unescaped(found)
            letters += [self.text[at:start], character]
            starts += self.starts[at:start] + array("L", [self.starts[start]] * len(character))
            ends += self.ends[at:start] + array("L", [self.ends[end - 1]] * len(character))
            at = end
        self.text = "".join([*letters, self.text[at:]])
        self.starts, self.ends = starts + self.starts[at:], ends + self.ends[at:]


def _unescaped(found: re.Match[str]) -> str:
    """Return the character that an escaped one stands for; the text itself if it stands for none."""
    kind = str(found.lastgroup)
    if kind in ("plain", "control"):
        return found[kind] if kind == "plain" else ""
    if kind == "name":
        return html.unescape(found.group())
    code = int(found[kind], 10 if kind == "number" else 16)
    return chr(code) if code <= 0x10FFFF else ""


def _unescaped_once(content: bytes) -> bytes:
    """Return the ASCII of a body, unescaped once: fast, and good enough for a first look at a large one."""
    # This codec knows JSON's code points and nothing else.
    content = content.decode("raw_unicode_escape", "replace").encode("ascii", "ignore")
    if b"\\" in content:
        content = _BACKSLASH.sub(lambda found: _unescaped_backslash(found[1]), content)
    if b"%" in content:
        content = unquote_to_bytes(content)
    if b"&" in content:
        content = _ENTITY.sub(lambda found: html.unescape(found[0].decode()).encode("ascii", "ignore"), content)
    return content


def _unescaped_backslash(code: bytes) -> bytes:
    if len(code) > 1:
        return bytes([int(code[1:], 16)])
    return code if code in b"\"'/\\" else b""


def _pieces_of(text: str) -> Iterator[tuple[int, str]]:
    return ((at, text[at : at + _PIECE]) for at in range(len(text) - _PIECE + 1))


def _without(text: str, comparable: _Comparable, find: Callable[[str], list[_Place]]) -> str:
    """Return a text with what a function finds in its comparable form masked."""
    kept, at = [], 0
    for start, end in _merged(find(comparable.text)):
        kept += [text[at : comparable.starts[start]], _MASK]
        at = comparable.ends[end - 1]
    return "".join([*kept, text[at:]])


def _merged(places: list[_Place]) -> list[_Place]:
    """Return places in their order, with those that touch or overlap as one."""
    found: list[_Place] = []
    for start, end in sorted(places):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _literal_spellings(key: str) -> set[str]:
    """Return a key as it is, and as it is escaped in JSON, by .NET's JSON, in HTML and in a URL."""
    escaped_by_net = re.sub(r"[\"&'+<>`]", lambda found: f"\\u{ord(found.group()):04X}", key.replace("\\", "\\\\"))
    quoted = quote(key, safe="", errors="replace")  # a key with half a character in it is refused later
    return {key, json.dumps(key)[1:-1], escaped_by_net, html.escape(key), quoted} - {""}


def _encoded_spellings(key: str) -> Iterator[str]:
    """Iterate over a key in hex, and in base64 at each place that it can have in something longer."""
    content = key.encode("utf-8", "replace")
    yield content.hex()
    for ahead in range(3):
        # Six bits are a character; those that hold bits of the neighbours are left out.
        first, last = -(-ahead * 8 // 6), (ahead + len(content)) * 8 // 6
        yield base64.b64encode(bytes(ahead) + content).decode()[first:last]
