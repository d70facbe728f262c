"""A bill file as the importer reads it: one table, or several in a ZIP."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import BinaryIO

from eci_provider.api.upload import READABLE_EXTENSIONS
from eci_provider.bills.archive import ARCHIVE, UNPACKING_ERRORS, Unreadable, suffix_of, unpacked_files
from eci_provider.bills.dates import ADVANCED_DATE_FORMAT
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.opening import opened_file
from eci_provider.bills.tables import Table
from eci_provider.bills.text_file import text_rows
from eci_provider.bills.workbook import WORKBOOK, workbook_rows
from eci_provider.core.checks import FILE, checked_path
from eci_provider.core.paths import AnyPath, OpenablePath, redact_path
from eci_provider.storage.object_store import open_path


def tables(
    file: OpenablePath,
    *,
    date_format: str = ADVANCED_DATE_FORMAT,
    unreadable: Unreadable | None = None,
) -> Generator[Table, None, None]:
    """
    Iterate over the tables of a bill file: one, or that of each file in a ZIP, in their order.

    The file is opened once. Memory is constant, except for the shared texts of a workbook.

    :param file: the file, as :func:`~eci_provider.storage.object_store.open_path` returns it; its extension
        decides how it is read, as in the importer.
    :param date_format: how dates of a workbook, which have no text, are written.
    :param unreadable: called for a file in a ZIP that cannot be read; the others are read. Without it the first
        such file is an error.
    :raises EciBillFileError: when it is missing or cannot be read, perhaps only far down in it.
    """
    with _opened(file) as stream:
        if suffix_of(file.name) == ARCHIVE:
            yield from _archive_tables(file.name, stream, date_format, unreadable or _refuse)
        else:
            yield _table(file.name, stream, date_format)


def header_of(file: AnyPath) -> list[str]:
    """
    Return the names of a bill file's columns; for a ZIP, those of its first file.

    :param file: a local path, a URL that Airflow's ObjectStoragePath opens, or such a path.
    :raises EciBillFileError: when it cannot be read.
    :raises EciValidationError: when it names no file.
    """
    checked_path(file, name="file", description=FILE, source="header_of")
    with closing(tables(open_path(file))) as found:
        return next(found).header


def _opened(path: OpenablePath) -> BinaryIO:
    if suffix_of(path.name) not in READABLE_EXTENSIONS:
        wanted = ", ".join(READABLE_EXTENSIONS)
        problem = f"its name must end in one of {wanted}; the importer reads no other."
        raise EciBillFileError(problem, file=redact_path(path))
    return opened_file(path)


def _table(name: str, stream: BinaryIO, date_format: str) -> Table:
    if suffix_of(name) == WORKBOOK:
        sheets: list[str] = []
        rows = workbook_rows(name, stream, date_format, sheets)
        return Table(name, True, ((number, [cells], [text]) for number, cells, text in rows), sheets)
    return Table(name, False, text_rows(name, stream))


def _refuse(error: EciBillFileError) -> None:
    raise error


def _archive_tables(name: str, stream: BinaryIO, date_format: str, unreadable: Unreadable) -> Iterator[Table]:
    for member, unpacked in unpacked_files(name, stream, unreadable):
        try:
            table = _table(member, unpacked, date_format)
        except EciBillFileError as error:
            unreadable(error)
        except UNPACKING_ERRORS as error:
            unreadable(EciBillFileError(f"it cannot be unpacked ({error}).", file=member))
        else:
            yield table
