"""Texts of unknown length and content, made visible, short and safe to store; and suggestions for a wrong name."""

from __future__ import annotations

import difflib
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, overload

#: The most bytes of JSON that a text of the server takes in XCom and in a trigger's event.
LONGEST_TEXT = 1000
#: Enough for any code, which has at most 255 characters.
LONGEST_CODE = 4000

#: How many characters a code has at most.
_LONGEST_CODE = 255

#: What JSON can hold and PostgreSQL's JSONB, in which Airflow stores XComs and events, refuses.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
#: The smallest and the largest whole number that is stored.
_LEAST, _MOST = -(2**63), 2**63 - 1
#: The longest name that is compared with others; the time that takes grows with the square of the length.
_LONGEST_COMPARED = 300


@overload
def shown(text: str, most: int = ...) -> str: ...


@overload
def shown(text: None, most: int = ...) -> None: ...


@overload
def shown(text: str | None, most: int = ...) -> str | None: ...


def shown(text: str | None, most: int = LONGEST_TEXT) -> str | None:
    r"""
    Return a text of EnergyCAP or of a file as logs, errors, results, events and links show it.

    Every such text goes through this function on its way there: it becomes :func:`printable`, and is cut then. The
    API key was masked before, when the answer arrived, so that no part of it is left at an edge.

    :param text: the text; one that was shown before stays as it is.
    :param most: how many bytes its JSON takes at most; a character beyond ASCII takes six or more.
    """
    if text is None:
        return None
    return cut(printable(_storable_text(text[: most + 1])), most)  # every character takes at least one byte


def printable(text: str, *, keep: str = "") -> str:
    r"""
    Return a text with its unprintable characters spelled as in Python, such as ``\n`` or ``\x1b``.

    So it forges no line of a log, moves no cursor of a terminal, and hides nothing from its reader.

    :param text: the text.
    :param keep: unprintable characters that stay.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in keep else repr(letter)[1:-1] for letter in text)


def cell_text(text: str) -> str:
    r"""
    Return a text of EnergyCAP or of a file as a cell of a report has it.

    Line ends, tabs and blanks of every width stay, as they are in bill files; other control characters and those
    that hide or reorder text are spelled as by :func:`printable`.

    :param text: the text, of any length.
    """
    if text.isprintable():
        return text
    return "".join([repr(letter)[1:-1] if _is_hidden(letter) else letter for letter in text])


def _is_hidden(letter: str) -> bool:
    return letter not in "\t\r\n" and unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp")


def code_or_none(text: str | None) -> str | None:
    """
    Return a code of EnergyCAP, such as a user's or a batch's; None if the text can be none.

    A damaged code must not pass for somebody else's. A code is printable and has at most 255 characters.

    :param text: what the server sent.
    """
    return text if text and len(text) <= _LONGEST_CODE and text.isprintable() else None


def with_shown_texts(value: Any) -> Any:
    """
    Return plain JSON that can be stored, with all its texts as :func:`shown` returns them.

    :param value: what the server sent; a value that is not JSON is returned unchanged.
    """
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {with_shown_texts(name): with_shown_texts(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_shown_texts(item) for item in value]
    return storable(value)


def cut(text: str, most: int) -> str:
    """
    Return a text of ours that can be stored and whose JSON takes at most a number of bytes.

    :param text: the text, such as an error's message; texts of others in it were :func:`shown` before.
    :param most: the number of bytes; a character beyond ASCII takes six or more.
    """
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
