"""The formats of a report, by the extension of its path."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal, TypeAlias, get_args

from eci_provider.core.checks import checked_path
from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import redact_path

#: The formats of a report, each named after its extension: ``csv`` is written by ``csv_report.write``, and so on.
#: To add a format, write a module with a function ``write`` like the others', and add the name here.
FormatName: TypeAlias = Literal["csv", "xlsx", "md"]
FORMATS: tuple[FormatName, ...] = get_args(FormatName)

_OTHER_EXTENSIONS: dict[str, FormatName] = {".markdown": "md"}
_BY_EXTENSION: dict[str, FormatName] = {**{f".{name}": name for name in FORMATS}, **_OTHER_EXTENSIONS}


def checked_format(path: object, format: object, *, source: str, name: str = "path") -> FormatName:
    """
    Return the format of a report.

    :param path: where it is written.
    :param format: one of :data:`FORMATS`; None for what the path's extension says.
    :param source: whose arguments they are, for messages.
    :param name: the name of the argument with the path.
    :raises EciValidationError: when the path names no file, the format is unknown, or the extension is that of
        another format.
    """
    description = "the file that the report is written to"
    text = checked_path(path, name=name, description=description, source=source)
    shown = redact_path(path)
    if text.endswith("/"):
        raise EciValidationError([f"{name} is {shown!r}: must name {description}"], source=source)
    by_extension = _BY_EXTENSION.get(PurePosixPath(text).suffix.lower())
    if format is None:
        if by_extension is None:
            problem = f"{name} is {shown!r}: must end in {_listed('.')}, or format must be one of {_choices()}"
            raise EciValidationError([problem], source=source)
        return by_extension
    known = next((known for known in FORMATS if known == format), None)
    if known is None:
        raise EciValidationError([f"format is {format!r}: must be one of {_choices()}"], source=source)
    if by_extension not in (None, known):
        problem = f"format is {format!r}, but {name} is {shown!r}: let it end in .{format}, or leave format out"
        raise EciValidationError([problem], source=source)
    return known


def _choices() -> str:
    return ", ".join(repr(name) for name in FORMATS)


def _listed(prefix: str) -> str:
    *names, last = (f"{prefix}{name}" for name in FORMATS)
    return f"{', '.join(names)} or {last}"
