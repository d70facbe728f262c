"""Which format a report has: the one that is asked for, or the one that its path's extension says."""

from __future__ import annotations

from pathlib import PurePosixPath

from eci_provider.api.errors import EciValidationError
from eci_provider.core.checks import checked_path
from eci_provider.core.paths import redact_path, same_place

#: Formats by the extension of a report's path.
FORMATS = ("csv", "xlsx", "md")
_EXTENSIONS = {f".{name}": name for name in FORMATS} | {".markdown": "md"}


def checked_format(path: object, format: str | None, *, source: str, name: str = "path") -> str:
    """
    Return a report's format, or refuse a path or a format that is none.

    :param path: where it is written.
    :param format: ``csv``, ``xlsx`` or ``md``; None for what the path's extension says.
    :param source: whose arguments they are, for the message.
    :param name: what the argument with the path is called.
    :raises EciValidationError: when the format is unknown, or the extension is that of another one.
    """
    extension = PurePosixPath(checked_report_path(path, source=source, name=name)).suffix.lower()
    told = _EXTENSIONS.get(extension)
    wanted = ", ".join(repr(name) for name in FORMATS)
    if format is None:
        if told is None:
            problem = (
                f"{name} is {redact_path(path)!r}: must end in .csv, .xlsx or .md, "
                f"or format must be one of {wanted}"
            )
            raise EciValidationError([problem], source=source)
        return told
    if format not in FORMATS:
        raise EciValidationError([f"format is {format!r}: must be one of {wanted}"], source=source)
    if told is not None and told != format:
        problem = (
            f"format is {format!r}, but {name} is {redact_path(path)!r}: let it end in .{format}, "
            "or leave format out"
        )
        raise EciValidationError([problem], source=source)
    return format


def checked_report_path(path: object, *, source: str, name: str = "path") -> str:
    """
    Return a path's text, or refuse what cannot be the path of a report.

    :param path: a local path, or a URL that Airflow's ObjectStoragePath opens.
    :param source: whose argument it is, for the message.
    :param name: what the argument is called.
    :raises EciValidationError: when it names no file: empty, "None", a template, or with a slash at its end.
    """
    what = "the file that the report is written to"
    text = checked_path(path, name=name, what=what, source=source)
    if text.endswith("/"):
        raise EciValidationError([f"{name} is {redact_path(text)!r}: must name {what}"], source=source)
    return text


def check_apart(path: object, file: object, *, source: str, name: str = "path") -> None:
    """
    Refuse a report that would replace the bill file it is about.

    :param path: where the report is written.
    :param file: the bill file, a path or a URL; None where there is none.
    :param source: whose arguments they are, for the message.
    :param name: what the argument with the report's path is called.
    :raises EciValidationError: when both are the same place.
    """
    if file is not None and same_place(str(path), str(file)):
        problem = (
            f"{name} is {redact_path(path)!r}, where the bill file lies: the report would replace it. "
            "Name another place"
        )
        raise EciValidationError([problem], source=source)
