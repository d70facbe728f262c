"""A kickout report for a task: its arguments, the writing, and what the log and XCom tell of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciValidationError
from eci_provider.core.paths import redact_path
from eci_provider.core.text import LONGEST_TEXT, cut
from eci_provider.reports.formats import check_apart, checked_format, checked_report_path
from eci_provider.runtime.arguments import is_template

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.core.paths import AnyPath

log = logging.getLogger(__name__)


def check_report_arguments(path: Any, format: Any = None, *, source: str, file: Any = None) -> None:
    """
    Refuse a wrong path or format, as far as they are no templates; asked again once they are rendered.

    :param path: where the report is written.
    :param format: ``csv``, ``xlsx`` or ``md``; None for what the path's extension says.
    :param source: whose arguments they are, for the message.
    :param file: the bill file, which the report must not replace; None where there is none.
    :raises EciValidationError: when one is wrong, or they do not go together.
    """
    if is_template(format):
        format = None
    if not is_template(path):
        checked_report_path(path, source=source)
        checked_format(path, format, source=source)
        if not is_template(file):
            check_apart(path, file, source=source)
    elif format is not None:
        checked_format(f"report.{format}", format, source=source)


def checked_names(names: Any, *, source: str) -> list[str] | None:
    """
    Return names of files as a list, or refuse what is none.

    :param names: a list of texts, or None.
    :param source: whose argument they are, for the message.
    :raises EciValidationError: when they are something else; a lone text would be read letter by letter.
    """
    if names is None:
        return None
    listed = None if isinstance(names, str) or not isinstance(names, Sequence) else list(names)
    if listed is None or not all(isinstance(name, str) and name.strip() for name in listed):
        problem = f"file_names is {names!r}: must be a list of names, as they stand in the ZIP that was imported"
        raise EciValidationError([problem], source=source)
    return listed


def kickout_report(
    client: EciClient,
    task_guid: str,
    path: AnyPath,
    *,
    format: str | None = None,
    file_names: Sequence[str] | None = None,
    missing_ok: bool = False,
) -> dict[str, Any]:
    """
    Write the report of an import that has ended, and log what is in it.

    :param client: the client.
    :param task_guid: the import.
    :param path: where to, as for :func:`~eci_provider.reports.writing.write_report`.
    :param format: ``csv``, ``xlsx`` or ``md``; without, what the path's extension says.
    :param file_names: the names of the files in the ZIP that was imported: rows are told by them.
    :param missing_ok: whether the import may be one without kickouts, of which EnergyCAP may know none (404); its
        report has no rows.
    :return: ``task_guid``, ``path``, ``format``, ``rows`` (None where EnergyCAP gives messages, but no rows),
        ``messages`` (at most ten of ``{"message", "rows"}``, most frequent first; a row that has several counts
        for each) and ``files`` (at most ten of ``{"file", "rows"}``): plain JSON under 16 KiB.
    :raises EciValidationError: when the path's extension and the format do not go together.
    :raises EciReportError: when it cannot be written.
    :raises EciError: when EnergyCAP does not tell.
    """
    from eci_provider.reports import write_report

    report = client.kickouts.report(task_guid, file_names, missing_ok=missing_ok)
    written = write_report(report, path, format)
    result = {
        "task_guid": task_guid,
        "path": written["path"],
        "format": written["format"],
        "rows": report.rows,
        "messages": report.digest(),
        "files": report.files(),
    }
    _tell(result, missing_ok)
    return result


def names_or_none(find: Callable[[], Sequence[str] | None]) -> Sequence[str] | None:
    """
    Return the names of the files that were imported, or None where they cannot be found, and log why.

    Without them a report has all its rows, too: nothing that finding them raises may cost more than the names.

    :param find: finds them.
    """
    try:
        return find()
    except Exception as error:
        reason = cut(f"{type(error).__name__}: {error}", LONGEST_TEXT)
        log.warning("The kickout report does not tell rows by file. %s", reason)
        return None


def _tell(result: dict[str, Any], may_be_without: bool) -> None:
    """Log a digest: how many rows, the ten most frequent messages, and where all of them are."""
    if result["rows"] == 0:
        if may_be_without:
            told = "Import %s has no kickouts; the report at %s has no rows."
        else:
            told = "EnergyCAP tells no kicked-out rows of import %s; the report at %s has no rows."
        log.log(
            logging.INFO if may_be_without else logging.WARNING,
            told,
            result["task_guid"],
            redact_path(result["path"]),
        )
        return
    rows = "an unknown number of" if result["rows"] is None else f"{result['rows']:,}"
    reasons = "".join(f"\n  {item['rows']:>8,} x {item['message']}" for item in result["messages"])
    log.info(
        "Import %s: %s rows kicked out, see %s.%s", result["task_guid"], rows, redact_path(result["path"]), reasons
    )
