"""Keep texts of unknown length within bounds, and what cannot be kept out of them."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

#: The most bytes of JSON that a text of the server takes where it is kept: in XCom, in a trigger's event.
LONGEST_TEXT = 1000

#: What JSON can spell and PostgreSQL's JSONB refuses, in which Airflow keeps XComs and events.
_NOT_KEPT = re.compile("[\x00\ud800-\udfff]")
#: The least and the greatest whole number that is kept.
_LEAST, _MOST = -(2**63), 2**63 - 1


def cut(text: str | None, most: int) -> str | None:
    """
    Return a text that can be kept and whose JSON takes at most so many bytes.

    :param text: what the server sent.
    :param most: bytes; a character beyond ASCII takes six or more.
    """
    if text is None:
        return None
    is_whole = len(text) <= most
    text = _kept(text[:most])  # every character takes a byte at least
    if is_whole and len(json.dumps(text)) <= most:
        return text
    keep = len(text)
    while len(json.dumps(text[:keep])) > most - 3:
        keep = keep * 3 // 4
    return text[:keep] + "..."


def with_cut_texts(value: Any) -> Any:
    """
    Return plain JSON with its long texts cut.

    :param value: an error's details; what is no JSON is returned as it is.
    """
    if isinstance(value, str):
        return cut(value, LONGEST_TEXT)
    if isinstance(value, Mapping):
        return {with_cut_texts(name): with_cut_texts(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_cut_texts(item) for item in value]
    return value


def keepable(value: Any) -> Any:
    """
    Return plain JSON as any database of Airflow's can keep it.

    U+0000 and halves of a surrogate pair, such as a server leaves that cuts an emoji in two, become U+FFFD, in
    keys as well; numbers that are none become None, and so do whole ones of more than 64 bits: PostgreSQL could
    keep them, but Airflow's processes cannot hand them on, and a triggerer that tries ends.

    :param value: what the server sent, or an error's details; what is no JSON is returned as it is.
    """
    if isinstance(value, str):
        return _kept(value)
    if isinstance(value, Mapping):
        return {keepable(name): keepable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [keepable(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if _LEAST <= value <= _MOST else None
    return value


def did_you_mean(name: str, known: Iterable[str], *, is_quoted: bool = False) -> str:
    """
    Return a question that names what was probably meant, ending in a space; empty where nothing is near.

    :param name: a name that is not known.
    :param known: the names that are.
    :param is_quoted: whether to show it in quotes, as for names that users chose.
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if not near:
        return ""
    return f"Did you mean {near[0]!r}? " if is_quoted else f"Did you mean {near[0]}? "


def _kept(text: str) -> str:
    return _NOT_KEPT.sub("\ufffd", text)
