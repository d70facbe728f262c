"""The checks of a report's arguments: of literals when the DAG is parsed, of all once templates are rendered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import redact_path, same_place
from eci_provider.reports.formats import checked_format
from eci_provider.runtime.arguments import is_left_out, is_template


def check_report(path: Any, format: Any = None, *, name: str = "path", source: str, file: Any = None) -> None:
    """
    Refuse a wrong path or format of a report; templates are left for later.

    :param path: where the report is written.
    :param format: the format; None for what the path's extension says.
    :param name: the name of the argument with the path, for messages.
    :param source: whose arguments they are, for messages.
    :param file: the bill file, which the report must not replace; None if there is none.
    :raises EciValidationError: when one is wrong, or they do not go together.
    """
    if is_template(format):
        format = None
    if not is_template(path):
        checked_format(path, format, source=source, name=name)
        check_apart(path, [file], source=source, name=name)
    elif format is not None:
        checked_format(f"report.{format}", format, source=source, name=name)


def check_kickout_report(
    kickout_report: Any,
    *,
    source: str,
    file: Any = None,
    file_names: Any = None,
    wait_for_completion: Any = True,
) -> None:
    """
    Refuse wrong arguments of an operator that may report the kickouts of its import; templates are left for later.

    :param kickout_report: where the report is written; None or a template that rendered to nothing for no report.
    :param source: whose arguments they are, for messages.
    :param file: the bill file, which the report must not replace; None if there is none.
    :param file_names: the names of the files in the ZIP that was imported, if the operator has that argument.
    :param wait_for_completion: whether the operator waits for the end of its import.
    :raises EciValidationError: naming the wrong argument.
    """
    if not is_template(file_names):
        checked_names(file_names, source=source)
    if is_left_out(kickout_report):
        return
    check_report(kickout_report, name="kickout_report", source=source, file=file)
    if not wait_for_completion and not is_template(kickout_report):
        problem = (
            f"wait_for_completion is False, and kickout_report is {redact_path(kickout_report)!r}: which rows are "
            "kicked out is known when the import has ended; leave either out, or let KickoutReportOperator write "
            "it then"
        )
        raise EciValidationError([problem], source=source)


def check_apart(path: object, files: Iterable[object], *, source: str, name: str = "path") -> None:
    """
    Refuse a report that would replace a file it is about.

    :param path: where the report is written.
    :param files: paths or URLs; None is ignored.
    :param source: whose arguments they are, for messages.
    :param name: the name of the argument with the report's path.
    :raises EciValidationError: when the report would be written to one of them.
    """
    for file in files:
        if file is not None and same_place(str(path), str(file)):
            problem = (
                f"{name} is {redact_path(path)!r}, where the bill file lies: the report would replace it. "
                "Name another place"
            )
            raise EciValidationError([problem], source=source)


def checked_names(names: Any, *, source: str) -> list[str] | None:
    """
    Return names of files as a list.

    :param names: a list of texts, or None.
    :param source: whose argument they are, for messages.
    :raises EciValidationError: when they are something else; a lone text would be read letter by letter.
    """
    if names is None:
        return None
    listed = None if isinstance(names, str) or not isinstance(names, Sequence) else list(names)
    if listed is None or not all(isinstance(name, str) and name.strip() for name in listed):
        problem = f"file_names is {names!r}: must be a list of names, as they are in the ZIP that was imported"
        raise EciValidationError([problem], source=source)
    return listed
