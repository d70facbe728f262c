"""Checks of plain values that functions, operators and sensors take."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Any

from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import OpenablePath, redact_path
from eci_provider.core.values import as_whole_number

#: The description of a bill file, for :func:`checked_path`.
FILE = "the bill file"
#: The same of the folder into which a file is split.
FOLDER = "the folder of the parts"
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")


def whole_number(name: str, value: Any, least: int, most: int | None, *, source: str) -> int:
    """
    Return a whole number within bounds.

    :param name: the argument's name.
    :param value: its value.
    :param least: the smallest that is allowed.
    :param most: the largest that is allowed; None for no bound.
    :param source: whose argument it is.
    :raises EciValidationError: if it is not a whole number within the bounds.
    """
    with suppress(ValueError):
        number = as_whole_number(value, from_text=False)
        if least <= number <= (number if most is None else most):
            return number
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise EciValidationError([f"{name} is {value!r}: must be a whole number {bounds}"], source=source)


def checked_path(path: object, *, name: str, description: str, source: str) -> str:
    """
    Return a path as text, checked.

    Python reads an empty path as the working directory, and a template that rendered to nothing is often the text
    "None"; without this check files would be written there.

    :param path: a local path, a URL, or Airflow's ObjectStoragePath.
    :param name: the argument's name.
    :param description: what it must name, such as ``the folder of the parts``.
    :param source: whose argument it is.
    :raises EciValidationError: if it is empty or blank, ``None`` or "None", a template that was not rendered, or
        not a path.
    """
    if not (path is None or isinstance(path, (str, os.PathLike, OpenablePath)) or hasattr(path, "protocol")):
        raise EciValidationError([f"{name} is {path!r}: must be a path or a URL"], source=source)
    text = "" if path is None else str(path)
    shown = redact_path(text)
    if text.strip() in ("", "None") or "\0" in text:
        raise EciValidationError([f"{name} is {shown!r}: must name {description}"], source=source)
    if _TEMPLATE.search(text):
        problem = f"{name} is {shown!r}: must name {description}, and is a template that was not rendered"
        raise EciValidationError([problem], source=source)
    return text
