"""Writing a report: of kickouts, or of what a check of a bill file found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from eci_provider.api.kickouts.report import LONGEST_MESSAGE, LONGEST_NAME, MOST_LISTED
from eci_provider.bills.report import CheckReport
from eci_provider.core.errors import EciStoreError
from eci_provider.core.paths import AnyPath
from eci_provider.core.text import shown
from eci_provider.reports.arguments import check_apart
from eci_provider.reports.errors import EciReportError
from eci_provider.reports.formats import FormatName, checked_format
from eci_provider.reports.grouping import GroupedRows, TooManyColumnsError
from eci_provider.reports.problems import ProblemRows
from eci_provider.reports.rows import Report
from eci_provider.storage.atomic import atomic_write
from eci_provider.storage.errors import EciWriteError


def write_report(report: Report | CheckReport, path: AnyPath, format: FormatName | None = None) -> dict[str, Any]:
    """
    Write a report, whole or not at all, in constant memory however many rows it has.

    Its columns are ``File``, ``Row``, ``Column`` (the one at fault) and ``Message``, then those of the bill file
    by name; of several files, all columns of all of them. Where no row of it has a ``Row`` or a ``Column``, as in
    reports of kickouts, only a csv has that column. Rows are grouped by file and by what is wrong, the most
    frequent first, and keep the order of the file within a group.

    :param report: ``client.kickouts.report(...)`` or ``check_file(...)``.
    :param path: a local path, whose folders are made where they are missing; or a URL that Airflow's
        ObjectStoragePath opens, or such a path itself. What is there is replaced.
    :param format: ``csv``, ``xlsx`` or ``md``; if left out, what the path's extension says.
    :return: ``path``, ``format``, ``rows``, ``messages`` (at most ten of ``{"message", "rows"}``, most frequent
        first) and ``files`` (at most ten of ``{"file", "rows"}``).
    :raises EciValidationError: when the path names no file, its extension and the format do not go together, or
        the path is that of the bill file which is checked.
    :raises EciReportError: when it cannot be written.
    :raises EciError: when the report's rows cannot be read.
    """
    name = checked_format(path, format, source="write_report")
    if isinstance(report, CheckReport):
        report = ProblemRows(report, file=report.file)
    if isinstance(report, ProblemRows):
        check_apart(path, [report.file], source="write_report")
    with _report_errors(path), atomic_write(path) as stream, GroupedRows() as rows:
        rows.add_all(report)
        for kind in report.without_rows():
            rows.add_kind("", kind)
        rows.group()
        import_module(f"eci_provider.reports.{name}_report").write(rows, report.title, report.noun, stream)
        sums = _sums(rows)
    return {"path": str(path), "format": name, **sums}


def _sums(rows: GroupedRows) -> dict[str, Any]:
    messages, files = rows.most_frequent(MOST_LISTED), rows.largest_files(MOST_LISTED)
    return {
        "rows": rows.rows,
        "messages": [{"message": shown(kind, LONGEST_MESSAGE), "rows": number} for kind, number in messages],
        "files": [{"file": shown(file, LONGEST_NAME), "rows": number} for file, number in files],
    }


@contextmanager
def _report_errors(path: AnyPath) -> Iterator[None]:
    """Raise what goes wrong with the file as an error of the report."""
    try:
        yield
    except TooManyColumnsError as error:
        raise EciReportError(str(error), path=path) from None
    except (EciStoreError, EciWriteError) as error:
        unwritten = EciReportError(error.problem, path=path)
        unwritten.retry_helps = error.retry_helps
        raise unwritten from error
    except sqlite3.Error as error:
        problem = f"no room on disk to sort its rows ({error}). Make room, or set TMPDIR."
        raise EciReportError(problem, path=path) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EciReportError(f"it could not be written ({reason}).", path=path) from error
