"""Check the arguments of operators: literals when the DAG is parsed, everything after rendering."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from eci_provider.api.errors import EciValidationError

if TYPE_CHECKING:
    from eci_provider.api.models import RequestModel

_Model = TypeVar("_Model", bound="RequestModel")
#: The choices of ``on_kickouts``.
ON_KICKOUTS = ("fail", "warn", "skip")

_SHARE = re.compile(r"0?\.\d+")
_JINJA = re.compile(r"\{\{|\{%|\{#")
#: The longest wait in seconds: a year.
LONGEST_SPAN = 366 * 86400.0
_PLAIN = (str, bytes, int, float, bool, type(None), date, timedelta)


def is_left_out(value: Any) -> bool:
    """
    Return whether an argument is left out, or is a template that rendered to nothing.

    :param value: an argument.
    """
    return value is None or str(value).strip() in ("", "None")


def is_template(value: Any) -> bool:
    """
    Return whether a value is not known before the task runs.

    :param value: an argument: text with Jinja in it, a reference to another task's result, or a plain value.
    """
    if isinstance(value, str):
        return bool(_JINJA.search(value))
    if isinstance(value, Mapping):
        return any(is_template(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(is_template(item) for item in value)
    return not isinstance(value, _PLAIN) and hasattr(value, "iter_references")


def as_mapping(value: Any) -> Any:
    """
    Return a request model as a mapping that Airflow can render and serialize, and anything else as it is.

    :param value: an argument such as ``batch_settings``.
    """
    return value if isinstance(value, (str, Mapping)) or not hasattr(value, "wire") else value.wire()


def check_literals(model: type[RequestModel], values: Mapping[str, Any], *, source: str) -> None:
    """
    Refuse wrong literals when the DAG is parsed; templates are checked after rendering.

    :param model: the request model.
    :param values: the operator's arguments.
    :param source: whose arguments they are, for the message.
    :raises EciValidationError: if a literal is wrong.
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
    Refuse a value that is not one of the choices, unless it is a template.

    :param name: the argument.
    :param value: its value.
    :param choices: the allowed values.
    :param source: whose argument it is, for the message.
    :raises EciValidationError: if it is not one of them; the message names them all.
    """
    if value not in choices and not is_template(value):
        wanted = ", ".join(repr(choice) for choice in choices)
        raise EciValidationError([f"{name} is {value!r}: must be one of {wanted}"], source=source)


def positive_seconds(name: str, value: Any, *, source: str) -> float:
    """
    Return a duration in seconds.

    :param name: the argument.
    :param value: a number of seconds or a timedelta, above 0 and at most a year.
    :param source: whose argument it is, for the message.
    :raises EciValidationError: if it is something else.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= LONGEST_SPAN:
        problem = f"{name} is {value!r}: must be a number of seconds or a timedelta, above 0 and at most a year"
        raise EciValidationError([problem], source=source)
    return float(seconds)


def check_statuses(value: Any, *, source: str) -> None:
    """
    Refuse ``success_statuses`` that are not a list of texts; a single text would be read letter by letter.

    :param value: the argument.
    :param source: whose argument it is, for the message.
    :raises EciValidationError: if they are something else.
    """
    if value is None or (is_template(value) and not isinstance(value, (list, tuple))):
        return
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) and item.strip() for item in value):
        problem = f"success_statuses is {value!r}: must be a list of texts, none of them empty"
        raise EciValidationError([problem], source=source)


def allowed_kickouts(value: Any, *, source: str) -> float | None:
    """
    Return ``max_kickouts`` as a number: an int for rows, a float for a share; None if left out.

    :param value: a number, or the text that a template was rendered to; a template itself gives None.
    :param source: whose argument it is, for the message.
    :raises EciValidationError: if it is neither a number of rows nor a share.
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
