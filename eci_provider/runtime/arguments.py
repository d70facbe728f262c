"""Check an operator's arguments: literals when the DAG is parsed, everything once templates are rendered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from eci_provider.api.errors import EciValidationError

if TYPE_CHECKING:
    from eci_provider.api.models import RequestModel

_Model = TypeVar("_Model", bound="RequestModel")
#: What kicked-out rows may make of a task.
ON_KICKOUTS = ("fail", "warn", "skip")

_SHARE = re.compile(r"0?\.\d+")
_JINJA = re.compile(r"\{\{|\{%|\{#")
#: The longest time that anything may be waited for, in seconds: a year.
LONGEST_SPAN = 366 * 86400.0
_PLAIN = (str, bytes, int, float, bool, type(None), date, timedelta)


def is_left_out(value: Any) -> bool:
    """
    Tell whether an argument is left out, or a template that rendered to nothing.

    :param value: an argument.
    """
    return value is None or str(value).strip() in ("", "None")


def is_template(value: Any) -> bool:
    """
    Tell whether a value is not known before the task runs.

    :param value: an argument: text with Jinja in it, a reference to another task's result, or a plain value.
    """
    if isinstance(value, str):
        return bool(_JINJA.search(value))
    if isinstance(value, Mapping):
        return any(is_template(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(is_template(item) for item in value)
    return not isinstance(value, _PLAIN) and hasattr(value, "iter_references")


def check_literals(model: type[RequestModel], values: Mapping[str, Any], *, source: str) -> None:
    """
    Refuse what is wrong already when the DAG is parsed.

    :param model: the request model.
    :param values: the operator's arguments; what is a template is left for later.
    :param source: whose arguments they are, for the message.
    :raises EciValidationError: when a literal is wrong.
    """
    from pydantic import ValidationError

    from eci_provider.api.models import sentences

    if any(is_template(value) and not isinstance(value, (str, Mapping, list, tuple)) for value in values.values()):
        values = {name: value for name, value in values.items() if not hasattr(value, "iter_references")}
        deferred = True
    else:
        deferred = False
    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        details = [
            detail
            for detail in error.errors(include_url=False)
            if not is_template(detail["input"]) and not (deferred and detail["type"] == "missing")
        ]
        problems = sentences(model, details)
        if problems:
            raise EciValidationError(problems, source=source) from None


def check_choice(name: str, value: Any, choices: Sequence[str], *, source: str) -> None:
    """
    Refuse a value that is none of the choices, unless it is a template.

    :raises EciValidationError: when it is none; the message names them all.
    """
    if value not in choices and not is_template(value):
        wanted = ", ".join(repr(choice) for choice in choices)
        raise EciValidationError([f"{name} is {value!r}: must be one of {wanted}"], source=source)


def positive_seconds(name: str, value: Any, *, source: str) -> float:
    """
    Return a span of time in seconds, or refuse what is none.

    :param value: a number of seconds or a timedelta, above nothing and at most a year.
    :raises EciValidationError: when it is something else.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= LONGEST_SPAN:
        problem = f"{name} is {value!r}: must be a number of seconds or a timedelta, above 0 and at most a year"
        raise EciValidationError([problem], source=source)
    return float(seconds)


def check_statuses(value: Any, *, source: str) -> None:
    """
    Refuse ``success_statuses`` that are no list of texts; a lone text would be read letter by letter.

    :raises EciValidationError: when they are something else.
    """
    if value is None or (is_template(value) and not isinstance(value, (list, tuple))):
        return
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) and item.strip() for item in value):
        problem = f"success_statuses is {value!r}: must be a list of texts, none of them empty"
        raise EciValidationError([problem], source=source)


def allowed_kickouts(value: Any, *, source: str) -> float | None:
    """
    Return ``max_kickouts`` as a number: whole for rows, a float for a share; None for none.

    :param value: a number, or the text that a template was rendered to; a template itself gives None.
    :raises EciValidationError: when it is neither a number of rows nor a share.
    """
    if is_template(value) or is_left_out(value):
        return None
    number = value
    if isinstance(value, str):
        text = value.strip()
        number = int(text) if text.isdecimal() else float(text) if _SHARE.fullmatch(text) else None
    is_rows = isinstance(number, int) and not isinstance(number, bool) and number >= 0
    if not is_rows and not (isinstance(number, float) and 0 <= number < 1):
        allowed = "a whole number of rows, or a share from 0 to below 1, such as 0.02"
        problem = f"max_kickouts is {value!r}: must be {allowed}"
        raise EciValidationError([problem], source=source)
    return cast("float", number)
