"""The checks of a report's arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import redact_path, same_place
from eci_provider.reports.formats import checked_format


def check_report(path: Any, format: Any = None, *, name: str = "path", source: str, file: Any = None) -> None:
    """
    Refuse a wrong path or format of a report.

    :param path: where the report is written.
    :param format: the format; None for what the path's extension says.
    :param name: the name of the argument with the path, for messages.
    :param source: whose arguments they are, for messages.
    :param file: the bill file, which the report must not replace; None if there is none.
    :raises EciValidationError: when one is wrong, or they do not go together.
    """
    checked_format(path, format, source=source, name=name)
    check_apart(path, [file], source=source, name=name)


def check_kickout_report(
    kickout_report: Any, *, source: str, file: Any = None, wait_for_completion: Any = True
) -> None:
    """
    Refuse arguments of an operator that do not go together with a report of its import's kickouts.

    :param kickout_report: where the report is written; None for no report, or if it is not known yet.
    :param source: whose arguments they are, for messages.
    :param file: the bill file, which the report must not replace; None if there is none.
    :param wait_for_completion: whether the operator waits for the end of its import.
    :raises EciValidationError: naming the wrong argument.
    """
    if kickout_report is None:
        return
    check_report(kickout_report, name="kickout_report", source=source, file=file)
    if not wait_for_completion:
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
