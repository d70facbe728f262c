"""How large an answer may be, by its kind, checked before Python objects are made of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_MEBIBYTE = 1024 * 1024
#: How deep an answer may be nested. EnergyCAP's are about six deep, and every walk through JSON calls itself.
DEEPEST = 64
_TEXT = re.compile('"[^"]*"')
_NO_MARKS = bytes(set(range(256)) - set(b'[]{}"\\'))


class UnreadableJsonError(ValueError):
    """The body is not what was expected. The message continues a sentence that begins with "its body"."""


@dataclass(frozen=True)
class Limits:
    """
    The largest answer of a kind.

    :param size: its bytes, after decompression.
    :param values: how many values it has: of what is read whole, commas and opening brackets outside of its texts,
        which are at least as many; of what is read while it arrives, the values that are taken one by one.
    """

    size: int
    values: int


#: The GUID that starts an import.
GUID = Limits(64 * 1024, values=1_000)
#: A task, a batch or a profile; polling needs kilobytes of it.
OBJECT = Limits(8 * _MEBIBYTE, values=100_000)
#: A task with its `output`, or kickouts that are not read while they arrive.
LARGE_OBJECT = Limits(64 * _MEBIBYTE, values=1_000_000)
#: A page of a list; the server is asked for 1,000 items at most.
PAGE = Limits(64 * _MEBIBYTE, values=10_000)
#: Kickouts that are read while they arrive.
REPORT = Limits(4096 * _MEBIBYTE, values=10_000_000)


def parse_bounded(content: bytes, limits: Limits) -> Any:
    """
    Return the JSON in a body.

    :param content: the body.
    :param limits: what its kind may have.
    :raises UnreadableJsonError: if it has too many values, or is nested too deeply.
    :raises ValueError: if it is not JSON.
    """
    text = content.decode(json.detect_encoding(content), "surrogatepass")
    if (
        len(text) > limits.values
        and _values(text) > limits.values
        and _values_exactly(text, limits) > limits.values
    ):
        raise UnreadableJsonError(f"has more than {limits.values:,} values")
    try:
        data = json.loads(text)
    except RecursionError:
        raise UnreadableJsonError("is nested too deeply") from None
    refuse_nested(data, text)
    return data


def refuse_nested(value: Any, text: str, *, deepest: int = DEEPEST) -> None:
    """
    Refuse a value that is nested too deeply.

    :param value: the value, parsed.
    :param text: its JSON.
    :param deepest: how deep it may be.
    :raises UnreadableJsonError: if it is nested more deeply.
    """
    if text.count("{") + text.count("[") <= deepest or _is_flat(text, deepest):
        return
    layer = [value]
    for _ in range(deepest):
        inner = (item for one in layer for item in (one.values() if isinstance(one, dict) else one))
        layer = [item for item in inner if isinstance(item, (dict, list))]
        if not layer:
            return
    raise UnreadableJsonError("is nested too deeply")


def _is_flat(text: str, deepest: int) -> bool:
    """Return whether brackets show that JSON is flat enough; they do not if its texts hold brackets or quotes."""
    marks = text.encode("utf-8", "surrogatepass").translate(None, _NO_MARKS).replace(b'""', b"")
    if b'"' in marks or b"\\" in marks:
        return False
    for _ in range(deepest):
        marks = marks.replace(b"{}", b"").replace(b"[]", b"")
        if not marks:
            return True
    return False


def _values(text: str) -> int:
    return text.count(",") + text.count("{") + text.count("[")


def _values_exactly(text: str, limits: Limits) -> int:
    """Return the number of values, or a larger one than is allowed; commas in texts do not count."""
    plain = text.replace("\\\\", "").replace('\\"', "")
    # Each text is a value or the name of one, so there are too many, and they need not be cut out.
    if plain.count('"') > 4 * limits.values + 4:
        return limits.values + 1
    return _values(_TEXT.sub("", plain))
