"""Write a report: of kickouts, or of what a check of a bill file found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from eci_provider.api.kickouts.report import LONGEST_MESSAGE, LONGEST_NAME, MOST_TOLD
from eci_provider.core.errors import EciStoreError
from eci_provider.core.text import cut
from eci_provider.reports import grouping, xlsx_report
from eci_provider.reports.csv_report import LEADING, write_csv
from eci_provider.reports.errors import EciReportError
from eci_provider.reports.formats import check_apart, checked_format
from eci_provider.reports.grouping import GroupedRows, ReportRow, TooManyColumnsError
from eci_provider.reports.md_report import write_md
from eci_provider.reports.problems import ProblemRows
from eci_provider.reports.xlsx_report import write_xlsx
from eci_provider.storage.atomic import atomic_write
from eci_provider.storage.errors import EciWriteError

if TYPE_CHECKING:
    from eci_provider.bills.report import CheckReport
    from eci_provider.core.paths import AnyPath

_WRITERS: dict[str, Callable[[GroupedRows, str, str, BinaryIO], None]] = {
    "csv": write_csv,
    "xlsx": write_xlsx,
    "md": write_md,
}


class Report(Protocol):
    """Describe what can be written: rows, and what they are called."""

    #: What its rows are: ``Kickouts`` or ``Problems``.
    noun: str
    title: str

    def __iter__(self) -> Iterator[ReportRow]: ...

    def without_rows(self) -> list[str]:
        """Return, after an iteration, what is wrong without a row that has it."""


def write_report(report: Report | CheckReport, path: AnyPath, format: str | None = None) -> dict[str, Any]:
    """
    Write a report, in constant memory however many rows it has; it is seen whole or not at all.

    Its columns are ``File``, ``Row``, ``Column`` (the one at fault) and ``Message``, then the bill file's own ones
    by name; where there are several files, all columns of all of them. Rows are grouped by file and by what is
    wrong, the most frequent first, and within that in the order of the file.

    :param report: ``client.kickouts.report(...)`` or ``check_file(...)``.
    :param path: a local path, whose folders are made where they are missing; or a URL that Airflow's
        ObjectStoragePath opens, or such a path itself. What is there is replaced.
    :param format: ``csv``, ``xlsx`` or ``md``; without, what the path's extension says.
    :return: ``path``, ``format``, ``rows``, ``messages`` (at most ten of ``{"message", "rows"}``, most frequent
        first) and ``files`` (at most ten of ``{"file", "rows"}``).
    :raises EciValidationError: when the path's extension and the format do not go together, or the path is that of
        the bill file which is checked.
    :raises EciReportError: when it cannot be written.
    :raises EciError: when the report's rows cannot be read.
    """
    name = checked_format(path, format, source="write_report")
    check_apart(path, getattr(report, "file", None), source="write_report")
    source = _as_report(report)
    most = _most_columns(name)
    with _trouble(str(path), most), atomic_write(path) as stream, GroupedRows(most) as rows:
        rows.add_all(source)
        for kind in source.without_rows():
            rows.add_kind("", kind)
        rows.group()
        _WRITERS[name](rows, source.title, source.noun, stream)
        sums = _sums(rows)
    return {"path": str(path), "format": name, **sums}


def _most_columns(format: str) -> int:
    """Return how many columns of bill files there may be."""
    return xlsx_report.MOST_COLUMNS - len(LEADING) if format == "xlsx" else grouping.MOST_COLUMNS


def _as_report(report: Report | CheckReport) -> Report:
    # A check is told by what it lacks, since importing its class would load all of the checks.
    return cast("Report", report) if hasattr(report, "noun") else ProblemRows(report)


def _sums(rows: GroupedRows) -> dict[str, Any]:
    messages, files = rows.most_frequent(MOST_TOLD), rows.largest_files(MOST_TOLD)
    return {
        "rows": rows.rows,
        "messages": [{"message": cut(kind, LONGEST_MESSAGE), "rows": number} for kind, number in messages],
        "files": [{"file": cut(file, LONGEST_NAME), "rows": number} for file, number in files],
    }


@contextmanager
def _trouble(path: str, most_columns: int) -> Iterator[None]:
    try:
        yield
    except TooManyColumnsError:
        problem = f"the rows have more than {most_columns:,} columns, "
        if most_columns < grouping.MOST_COLUMNS:
            problem += "and a workbook has no room for them. Let the report end in .csv or .md."
        else:
            problem += "more than a report can have."
        raise EciReportError(problem, path=path) from None
    except (EciStoreError, EciWriteError) as error:
        unwritten = EciReportError(error.problem, path=path)
        unwritten.retry_helps = error.retry_helps
        raise unwritten from error
    except sqlite3.Error as error:
        problem = f"its rows found no room on disk while they were sorted ({error}). Make room, or set TMPDIR."
        raise EciReportError(problem, path=path) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EciReportError(f"it could not be written ({reason}).", path=path) from error
