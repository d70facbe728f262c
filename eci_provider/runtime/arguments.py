"""Read the arguments of tasks: literals when the DAG is parsed, everything once templates are rendered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from eci_provider.core.errors import EciValidationError
from eci_provider.core.values import plain
from eci_provider.runtime.readers import Reader, Reading

if TYPE_CHECKING:
    from eci_provider.api.models import RequestModel


_JINJA = re.compile(r"\{\{|\{%|\{#")
_PLAIN = (str, bytes, int, float, bool, type(None), date, timedelta)


def is_template(value: Any) -> bool:
    """
    Return whether a value is not known before the task runs.

    :param value: an argument: text with Jinja in it, a reference to another task's result, or a plain value.
    """
    if isinstance(value, str):
        return bool(_JINJA.search(value))
    if isinstance(value, Mapping):
        return any(is_template(item) for item in value.values())
    if isinstance(value, (list, tuple, set)):
        return any(is_template(item) for item in value)
    return not isinstance(value, _PLAIN) and hasattr(value, "iter_references")


def as_mapping(value: Any) -> Any:
    """
    Return a request model as a mapping that Airflow can render and serialize, and anything else as it is.

    :param value: an argument such as ``batch_settings``.
    """
    if hasattr(value, "wire"):
        return value.wire()
    # Airflow renders what is in a dict, and not in any other mapping.
    return dict(value) if isinstance(value, Mapping) and not isinstance(value, dict) else value


def make_plain(task: Any) -> None:
    """
    Turn what is a text or a number in substance into one in a task's arguments, also inside of others.

    Airflow renders a text by how it shows itself: a member of an enumeration by its name.

    :param task: the operator or sensor, when the DAG is parsed.
    """
    for name in task.template_fields:
        value = getattr(task, name)
        found = _plain_inside(value)
        if found is not value:
            setattr(task, name, found)


def _plain_inside(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, Mapping):
        return {key: _plain_inside(item) for key, item in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)(_plain_inside(item) for item in value)
    return value


def read_arguments(task: Any, readers: Mapping[str, Reader], *, source: str, is_rendered: bool) -> dict[str, Any]:
    """
    Return a task's arguments, each as its reader returns it.

    Once templates are rendered, nothing is a template any more: what still reads like one is a value.

    :param task: the operator or sensor, with its arguments as attributes.
    :param readers: the reader of each attribute.
    :param source: whose arguments they are, for messages.
    :param is_rendered: false when the DAG is parsed: arguments that are templates are left out then.
    :raises EciValidationError: naming each wrong argument.
    """
    if not is_rendered:
        make_plain(task)
    reading = Reading(source, is_rendered)
    template_fields = getattr(task, "template_fields", ())
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, read in readers.items():
        value = getattr(task, name)
        if not is_rendered and name in template_fields and is_template(value):
            continue
        try:
            values[name] = read(name, value, reading)
        except EciValidationError as error:
            problems += error.details["problems"]
    if problems:
        raise EciValidationError(problems, source=source)
    return values


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
