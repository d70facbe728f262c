"""
Readers of arguments, one a kind: each returns a value as the work takes it, and refuses by name what is none.

A text that a template rendered is read as the number or the switch that it shows. Where a DAG's author writes one
for a number or a switch, it is refused, as it is more likely a slip.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from eci_provider.core.checks import checked_path
from eci_provider.core.checks import whole_number as checked_whole_number
from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import OpenablePath
from eci_provider.core.paths import as_text as path_as_text
from eci_provider.core.values import as_seconds, as_switch, as_text, as_whole_number, plain

#: The longest span in seconds: a year.
LONGEST_SPAN = 366 * 86400.0
#: The choices of ``on_kickouts``.
ON_KICKOUTS = ("fail", "warn", "skip")

_LONGEST_SHOWN = 300
_SHARE = re.compile(r"0?\.[0-9]{1,15}")


@dataclass(frozen=True)
class Reading:
    """
    Whose arguments are read, and when.

    :param source: whose they are, for messages, such as ``OpenBatchOperator 'open_batch'``.
    :param is_rendered: whether Airflow has rendered their templates; otherwise the DAG is parsed.
    """

    source: str
    is_rendered: bool

    def refusal(self, name: str, value: Any, problem: str) -> EciValidationError:
        """
        Return the error for a value.

        :param name: the argument.
        :param value: its value.
        :param problem: what it must be, such as ``must be a text``.
        """
        return EciValidationError([f"{name} is {_excerpt(value)}: {problem}"], source=self.source)


def _excerpt(value: Any) -> str:
    """Return how a value is written, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


#: Returns the value of an argument, which it is given with its name.
Reader: TypeAlias = Callable[[str, Any, Reading], Any]


def is_left_out(value: Any) -> bool:
    """
    Return whether an argument is left out, or is a template that rendered to nothing.

    :param value: an argument.
    """
    return value is None or (isinstance(value, str) and plain(value).strip() in ("", "None"))


def without_none_texts(value: Any) -> Any:
    """
    Return a value with None for each text "None", to which a template renders that has no value.

    :param value: an argument, also with others inside; a file's header stays as it is.
    """
    value = plain(value)
    if isinstance(value, str):
        return None if value.strip() == "None" else value
    if isinstance(value, Mapping):
        return {key: item if key == "header" else without_none_texts(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_none_texts(item) for item in value]
    return value


def optional(read: Reader) -> Reader:
    """
    Return a reader that returns None for what is left out.

    :param read: the reader of every other value.
    """

    def read_optional(name: str, value: Any, reading: Reading) -> Any:
        return None if is_left_out(value) else read(name, value, reading)

    return read_optional


def renamed(name: str, read: Reader) -> Reader:
    """
    Return a reader that knows its argument by another name than the task's attribute.

    :param name: the argument.
    :param read: its reader.
    """
    return lambda _, value, reading: read(name, value, reading)


def anything(name: str, value: Any, reading: Reading) -> Any:
    """Return a value that the work itself checks."""
    return without_none_texts(value)


def switch(name: str, value: Any, reading: Reading) -> bool:
    """Return True or False."""
    try:
        return as_switch(value, from_text=reading.is_rendered)
    except ValueError as error:
        raise reading.refusal(name, value, str(error)) from None


def whole_number(least: int, most: int | None = None) -> Reader:
    """
    Return a reader of whole numbers.

    :param least: the smallest that is allowed.
    :param most: the largest; None for no bound.
    """

    def read_whole_number(name: str, value: Any, reading: Reading) -> int:
        number = value
        with suppress(ValueError):
            number = as_whole_number(value, from_text=reading.is_rendered)
        return checked_whole_number(name, number, least, most, source=reading.source)

    return read_whole_number


def seconds(name: str, value: Any, reading: Reading) -> float:
    """Return a span of time in seconds, above 0 and at most a year."""
    return positive_seconds(name, value, source=reading.source)


def choice(choices: Sequence[str]) -> Reader:
    """
    Return a reader of one of some words.

    :param choices: the words.
    """

    def read_choice(name: str, value: Any, reading: Reading) -> str:
        found = plain(value)
        if isinstance(found, str) and found in choices:
            return found
        raise reading.refusal(name, value, f"must be one of {', '.join(repr(each) for each in choices)}")

    return read_choice


def connection_id(name: str, value: Any, reading: Reading) -> str:
    """Return the id of an Airflow connection."""
    found = plain(value)
    if isinstance(found, str) and not is_left_out(found):
        return found
    raise reading.refusal(name, value, "must be the id of an Airflow connection")


def text(name: str, value: Any, reading: Reading) -> str:
    """Return a text."""
    try:
        return as_text(value)
    except ValueError as error:
        raise reading.refusal(name, value, str(error)) from None


def texts(problem: str) -> Reader:
    """
    Return a reader of a list of texts; a lone text would be read letter by letter.

    :param problem: what it must be, for the message.
    """

    def read_texts(name: str, value: Any, reading: Reading) -> list[str]:
        listed = [] if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) else map(plain, value)
        found = [item if isinstance(item, str) and not is_left_out(item) else None for item in listed]
        if (not found and not isinstance(value, (list, tuple))) or None in found:
            raise reading.refusal(name, value, problem)
        return [item for item in found if item is not None]

    return read_texts


#: Reads ``success_statuses`` and ``file_names``.
statuses = texts("must be a list of texts, none of them empty")
file_names = texts("must be a list of names, as they are in the ZIP that was imported")


def file(name: str, value: Any, reading: Reading) -> Any:
    """Return the path or the URL of a file to read."""
    value = path_as_text(plain(value))
    is_path = isinstance(value, (str, os.PathLike, OpenablePath)) or hasattr(value, "protocol")
    if is_left_out(value) or not is_path:
        raise reading.refusal(name, value, "must be a path or a URL")
    return value


def path(description: str) -> Reader:
    """
    Return a reader of a path or a URL.

    :param description: what it must name, such as ``the bill file``.
    """

    def read_path(name: str, value: Any, reading: Reading) -> Any:
        value = path_as_text(plain(value))
        checked_path(value, name=name, description=description, source=reading.source)
        return value

    return read_path


def mapping_or_path(description: str) -> Reader:
    """
    Return a reader of a dict, or of the path or the URL of a file that holds one.

    :param description: what it must name, such as ``a recipe``.
    """
    read_path = path(description)

    def read_mapping_or_path(name: str, value: Any, reading: Reading) -> Any:
        # Not without_none_texts: a text "None" in a dict may be a word of a bill file.
        return dict(value) if isinstance(value, Mapping) else read_path(name, value, reading)

    return read_mapping_or_path


def task_guid(name: str, value: Any, reading: Reading) -> str:
    """Return the GUID of an import, in lower case."""
    # Late, since the models are not loaded for a DAG that has no GUID.
    from eci_provider.api.tasks import checked_guid

    return checked_guid(value, source=reading.source, name=name)


def batch_id(name: str, value: Any, reading: Reading) -> int:
    """Return the number of a batch."""
    # Late, as for a GUID.
    from eci_provider.api.batches import checked_batch_id

    return checked_batch_id(value, source=reading.source, name=name)


def kickout_limit(name: str, value: Any, reading: Reading) -> float:
    """Return up to how many rows kickouts are only a warning, as an int; or which share, as a float below 1."""
    number = _limit(plain(value))
    if number is None:
        allowed = "must be a whole number of rows, or a share from 0 to below 1, such as 0.02"
        raise reading.refusal(name, value, allowed)
    return number


def _limit(value: Any) -> float | None:
    if isinstance(value, str) and _SHARE.fullmatch(value.strip()):
        return float(value)
    with suppress(ValueError):
        number = as_whole_number(value)
        # The text of a signed number is refused, as it always was.
        return number if number >= 0 and not (isinstance(value, str) and value.strip()[0] in "+-") else None
    with suppress(ValueError):
        share = as_seconds(value)
        return share if 0 <= share < 1 and not isinstance(value, timedelta) else None
    return None


def span(name: str, value: Any, *, source: str) -> float:
    """
    Return a duration in seconds, which may be 0.

    :param name: the argument.
    :param value: a number of seconds or a timedelta.
    :param source: whose argument it is, for the message.
    :raises EciValidationError: if it is something else.
    """
    with suppress(ValueError):
        if (found := as_seconds(value)) >= 0:
            return found
    raise Reading(source, is_rendered=False).refusal(name, value, "must be a number of seconds or a timedelta")


def positive_seconds(name: str, value: Any, *, source: str) -> float:
    """
    Return a duration in seconds.

    :param name: the argument.
    :param value: a number of seconds or a timedelta, above 0 and at most a year.
    :param source: whose argument it is, for the message.
    :raises EciValidationError: if it is something else.
    """
    with suppress(ValueError):
        found = as_seconds(value)
        if 0 < found <= LONGEST_SPAN:
            return found
    problem = f"{name} is {value!r}: must be a number of seconds or a timedelta, above 0 and at most a year"
    raise EciValidationError([problem], source=source)
