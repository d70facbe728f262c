"""
Read a value of one kind, whoever made it: Python, numpy, pandas, Decimal, an enumeration, a subclass of str.

Each kind has one reader, for every argument, request and option. A reader refuses what is not of its kind with a
ValueError that says what it must be.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,30}")
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?")
_SWITCHES = {"true": True, "false": False}


def plain(value: Any) -> Any:
    """
    Return a value as one of Python's own classes, where it is one of these in substance; any other as it is.

    :param value: such as a scalar of numpy, a member of an enumeration, a UUID, a lazy object, a subclass of str.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        # Not str() for a subclass, which may show something else than it holds.
        return str.__str__(value) if issubclass(type(value), str) else str(value)
    if isinstance(value, (bool, type(None))):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, UUID):
        return str(value)
    return _scalar(value) if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0 else value


def _scalar(value: Any) -> Any:
    """Return a scalar of numpy as Python has it."""
    found = value.item()
    # Of a time in nanoseconds only a number would be left.
    return value if value.dtype.kind in "mM" and isinstance(found, int) else found


def _is_ordinary(value: Decimal) -> bool:
    """Return whether a number can be written out: neither NaN nor infinite, and no number of a million digits."""
    return value.is_finite() and value.adjusted() < 30 and int(value.as_tuple().exponent) > -30


def as_text(value: Any) -> str:
    """
    Return a text.

    :param value: a text, or an exact number, since codes often look like one; but no float, of which nobody knows
        how it was written.
    :raises ValueError: if it is something else.
    """
    value = plain(value)
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal) and _is_ordinary(value):
        return format(value, "f")
    raise ValueError("must be a text")


def as_whole_number(value: Any, *, from_text: bool = True) -> int:
    """
    Return a whole number.

    :param value: a whole number, of any class but float.
    :param from_text: whether a text of digits is one, too.
    :raises ValueError: if it is something else.
    """
    value = plain(value)
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal) and _is_ordinary(value) and value == int(value):
        return int(value)
    if from_text and isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value.strip()):
        return int(value)
    raise ValueError("must be a whole number")


def as_switch(value: Any, *, from_text: bool = True) -> bool:
    """
    Return True or False.

    :param value: True or False; neither a number nor any other value that Python takes for one of them.
    :param from_text: whether "true" and "false" are taken, too, in any case.
    :raises ValueError: if it is something else.
    """
    value = plain(value)
    if isinstance(value, bool):
        return value
    if from_text and isinstance(value, str) and value.strip().lower() in _SWITCHES:
        return _SWITCHES[value.strip().lower()]
    raise ValueError("must be True or False")


def as_seconds(value: Any, *, from_text: bool = False) -> float:
    """
    Return a span of time in seconds.

    :param value: a finite number of seconds, or a timedelta.
    :param from_text: whether the text of a number is taken, too.
    :raises ValueError: if it is something else.
    """
    value = plain(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    is_number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    is_number_text = from_text and isinstance(value, str) and _NUMBER.fullmatch(value.strip())
    if is_number or is_number_text:
        with suppress(OverflowError):
            seconds = float(value)
            if math.isfinite(seconds):
                return seconds
    raise ValueError("must be a number of seconds or a timedelta")


def as_iso_date(value: Any) -> Any:
    """
    Return a date or a time in ISO 8601; any other value as it is.

    :param value: a date or a datetime, also pendulum's, pandas' and numpy's.
    """
    value = plain(value)
    # pandas' missing time is a datetime, and not equal to itself.
    return value.isoformat() if isinstance(value, (date, datetime)) and value == value else value
