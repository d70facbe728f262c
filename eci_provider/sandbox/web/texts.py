"""Texts on a page: foreign ones made harmless to read, times and durations as people read them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, quote_plus

from markupsafe import Markup

MASK = "••••••••"
# A shorter key may be a word of a text.
SHORTEST_KEY = 8
_SHOWN = frozenset("\n\t\u200c\u200d")  # line breaks, and the joiners that some scripts and emoji need
_CONTROL_PICTURES = 0x2400
_hidden: ContextVar[tuple[str, ...]] = ContextVar("hidden", default=())


@contextmanager
def hiding(keys: Sequence[str]) -> Iterator[None]:
    """Mask keys in all texts that are shown inside the block, also where they are part of an address."""
    forms = {form for key in keys if len(key) >= SHORTEST_KEY for form in _forms(key)}
    token = _hidden.set(tuple(sorted(forms, key=len, reverse=True)))
    try:
        yield
    finally:
        _hidden.reset(token)


def _forms(key: str) -> tuple[str, ...]:
    return key, quote(key, safe=""), quote(key), quote_plus(key)


def shown(value: Any) -> Any:
    """
    Return a value as a page shows it: None as nothing, a text with its secrets masked and its control characters
    visible. Every value passes here before it is escaped; HTML of the templates stays as it is.
    """
    if value is None:
        return ""
    if isinstance(value, Markup):
        return value
    return visible(masked(str(value)))


def masked(text: str) -> str:
    """Return a text without the keys that :func:`hiding` names."""
    for key in _hidden.get():
        text = text.replace(key, MASK)
    return text


def visible(text: str) -> str:
    """Return a text in which characters that control a screen, or the direction of writing, can be seen."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in _SHOWN or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    code = ord(character)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def moment(seconds: float | None) -> Markup:
    """Return a time, in UTC, as an element of the page."""
    if seconds is None:
        return Markup("")
    at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    return Markup('<time datetime="{}"><span class="day">{}</span> {}</time>').format(
        at.isoformat(timespec="milliseconds"), f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}"
    )


def duration(seconds: float) -> str:
    """Return how long something took, such as "2 min 5 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{round(seconds, 1):g} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def counted(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun, such as "1 row" and "1,204 rows"."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


_NUMBER = re.compile(r"[-+(]?[$€£]?\d[\d,. ]{0,30}[)%]?", re.ASCII)


def are_numbers(cells: Iterable[str]) -> bool:
    """Return whether cells hold numbers, and nothing else but blanks."""
    given = [cell.strip() for cell in cells if cell.strip()]
    return bool(given) and all(_NUMBER.fullmatch(cell) for cell in given)


def spelled(name: str) -> str:
    """Return a field's name as words: "Statement date" for ``statementDate``."""
    words = re.sub(r"[A-Z]", lambda found: " " + found[0].lower(), name)
    return words[:1].upper() + words[1:]


def money(amount: float) -> str:
    """Return an amount with two decimals."""
    return f"{amount:,.2f}"
