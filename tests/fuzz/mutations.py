"""Damage to one answer: another type, a missing or doubled key, something huge, nested or no Unicode at all."""

from __future__ import annotations

import json
import random
from typing import Any

#: Texts that JSON can spell and that stand where a value stood. None of them is a believable value of its field.
SPELLED = {
    "null": "null",
    "true": "true",
    "a list": "[]",
    "an object": "{}",
    "a float": "1.5e300",
    "infinity": "1e999",
    "NaN": "NaN",
    "a number of 400 digits": "7" * 400,
    "a number of 5000 digits": "7" * 5000,
    "an empty text": '""',
    "half a character": '"cut \\ud83d"',
    "NUL": '"a\\u0000b"',
    "control characters": '"line\\r\\nERROR forged \\u001b[31mred"',
    "a text of 300 KB": '"' + "R" * 300_000 + '"',
    "600 levels": "[" * 600 + "]" * 600,
    "200,000 levels": "[" * 200_000 + "]" * 200_000,
    "600 levels of objects": '{"a":' * 600 + "1" + "}" * 600,
    "100,000 empty objects": "[" + "{}," * 99_999 + "{}]",
}
#: What can happen to an answer as a whole.
WHOLE = ("cut short", "no JSON", "empty", "a byte that is no UTF-8", "a text", "wrapped in a list")
KINDS = (*SPELLED, "key is missing", "key is doubled", *(f"body: {kind}" for kind in WHOLE))
#: Without its note an import that has ended is somebody else's, for all that EnergyCAP says: no damage, a lie.
_NEVER_HIDDEN = "taskNote"
_MARK = "\x01mutated\x01"


def damaged(body: bytes, kind: str, seed: int) -> bytes:
    """
    Return an answer's body with one damage.

    :param body: the body as the sandbox sent it.
    :param kind: one of :data:`KINDS`.
    :param seed: chooses the place in the body.
    """
    if kind.startswith("body: "):
        return _damaged_whole(body, kind.removeprefix("body: "))
    try:
        data = json.loads(body)
    except ValueError:
        return body
    places = list(_places(data))
    if not places:
        return SPELLED.get(kind, "null").encode()
    holder, key = random.Random(seed).choice(places)
    if kind == "key is missing":
        if isinstance(holder, dict):
            del holder[key]
        return json.dumps(data).encode()
    if kind == "key is doubled" and isinstance(holder, dict):
        holder[_MARK] = None  # the last one counts for most readers, so the damage comes last
        doubled = f"{json.dumps(_MARK)}: null", f"{json.dumps(key)}: [7]"
        return json.dumps(data).replace(*doubled).encode()
    holder[key] = _MARK
    return json.dumps(data).replace(json.dumps(_MARK), SPELLED.get(kind, "{}")).encode()


def _places(data: Any) -> list[tuple[Any, Any]]:
    """Return each holder and key in an answer, without those whose damage would be a believable lie."""
    found: list[tuple[Any, Any]] = []
    waiting = [data]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else []
        for key in keys:
            if key != _NEVER_HIDDEN:
                found.append((holder, key))
            waiting.append(holder[key])
    return found


def _damaged_whole(body: bytes, kind: str) -> bytes:
    return {
        "cut short": body[: len(body) // 2],
        "no JSON": b"<html><body>" + b"<" * 70_000,
        "empty": b"",
        "a byte that is no UTF-8": body[:-1] + b"\xff" + body[-1:],
        "a text": b'"ok"',
        "wrapped in a list": b"[" + body + b"]",
    }[kind]
