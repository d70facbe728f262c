"""The check of where a file is to be written, before anything is written."""

from __future__ import annotations

import os
import re

from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import redact_path

_TEMPLATE = re.compile(r"\{\{|\{%|\{#")


def checked_destination(path: object, *, name: str, what: str, source: str) -> str:
    """
    Return the text of a destination, or refuse what cannot be one.

    An empty path is the working directory to Python, and a template that rendered to nothing is often the text
    "None": without this check files would be written there.

    :param path: a local path, a URL, or Airflow's ObjectStoragePath.
    :param name: the name of the argument.
    :param what: what it must name, such as ``the folder of the parts``.
    :param source: whose argument it is.
    :raises EciValidationError: when it is empty or blank, ``None`` or "None", a template that was not rendered, or
        no path at all.
    """
    if not (path is None or isinstance(path, (str, os.PathLike)) or hasattr(path, "protocol")):
        raise EciValidationError([f"{name} is {path!r}: must be a path or a URL"], source=source)
    text = "" if path is None else str(path)
    shown = redact_path(text)
    if text.strip() in ("", "None") or "\0" in text:
        raise EciValidationError([f"{name} is {shown!r}: must name {what}"], source=source)
    if _TEMPLATE.search(text):
        problem = f"{name} is {shown!r}: must name {what}, and is a template that was not rendered"
        raise EciValidationError([problem], source=source)
    return text
