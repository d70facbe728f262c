"""Texts of unknown length and content, made short enough and safe to store; and suggestions for a wrong name."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

#: The most bytes of JSON that a text of the server takes in XCom and in a trigger's event.
LONGEST_TEXT = 1000

#: What JSON can hold and PostgreSQL's JSONB, in which Airflow stores XComs and events, refuses.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
#: The smallest and the largest whole number that is stored.
_LEAST, _MOST = -(2**63), 2**63 - 1
#: The longest name that is compared with others; the time that takes grows with the square of the length.
_LONGEST_COMPARED = 300


def cut(text: str | None, most: int) -> str | None:
    """
    Return a text that can be stored and whose JSON takes at most a number of bytes.

    :param text: what the server sent.
    :param most: the number of bytes; a character beyond ASCII takes six or more.
    """
    if text is None:
        return None
    is_whole = len(text) <= most
    text = _storable_text(text[:most])  # every character takes at least one byte
    if is_whole and len(json.dumps(text)) <= most:
        return text
    keep = len(text)
    while len(json.dumps(text[:keep])) > most - 3:
        keep = keep * 3 // 4
    return text[:keep] + "..."


def with_cut_texts(value: Any) -> Any:
    """
    Return plain JSON with its long texts cut.

    :param value: an error's details; a value that is not JSON is returned unchanged.
    """
    if isinstance(value, str):
        return cut(value, LONGEST_TEXT)
    if isinstance(value, Mapping):
        return {with_cut_texts(name): with_cut_texts(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_cut_texts(item) for item in value]
    return value


def storable(value: Any) -> Any:
    """
    Return plain JSON that every database of Airflow's can store.

    U+0000 and lone surrogates, such as a server leaves that cuts an emoji in two, become U+FFFD, in keys as well.
    NaN and the infinities become None, and so do integers of more than 64 bits: Airflow's processes cannot pass
    these on, and a triggerer that tries ends.

    :param value: what the server sent, or an error's details; a value that is not JSON is returned unchanged.
    """
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, Mapping):
        return {storable(name): storable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if _LEAST <= value <= _MOST else None
    return value


def did_you_mean(name: str, known: Iterable[str], *, is_quoted: bool = False) -> str:
    """
    Return "Did you mean X? " for the known name that is nearest, in any case; an empty text if none is near.

    :param name: the unknown name.
    :param known: the known names.
    :param is_quoted: whether to put it in quotes, as for names that users chose.
    """
    if len(name) > _LONGEST_COMPARED:
        return ""
    spelled = {candidate.casefold(): candidate for candidate in known if candidate}
    near = difflib.get_close_matches(name.casefold(), spelled, n=1, cutoff=0.5)
    if not near:
        return ""
    meant = spelled[near[0]]
    return f"Did you mean {meant!r}? " if is_quoted else f"Did you mean {meant}? "


def _storable_text(text: str) -> str:
    return _NOT_STORABLE.sub("\ufffd", text)
