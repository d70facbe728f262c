"""The rows of a workbook's first sheet, which is the one that the importer reads."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from shutil import copyfileobj
from typing import Any, BinaryIO, Final, cast

from eci_provider.bills.dates import written_date
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.file_kind import other_kind_of
from eci_provider.bills.tables import Row
from eci_provider.core.spill import spill_file
from eci_provider.core.text import shown

WORKBOOK = ".xlsx"
#: How many rows a workbook's sheet has at most.
_MOST_ROWS = 1_048_576
_BLOCK = 256 * 1024
#: How many bytes of JSON a message has for what openpyxl says.
_LONGEST_REASON = 200
_FORMULA = re.compile(rb"<(?:\w{1,20}:)?f[\s/>]")


class _NoResult(str):
    __slots__ = ()


#: The empty cell of a formula without a stored result; compare by identity.
NO_RESULT: Final[str] = _NoResult()


def workbook_rows(name: str, stream: BinaryIO, date_format: str, sheets: list[str] | None = None) -> Iterator[Row]:
    """
    Iterate over the rows of a workbook's first sheet that are in the file.

    :param name: the file's name.
    :param stream: its content.
    :param date_format: how dates are written.
    :param sheets: the names of its sheets are added here; the first one is read.
    :return: the rows; the cell of a formula without a stored result is :data:`NO_RESULT`.
    :raises EciBillFileError: when it cannot be read, or openpyxl is not installed.
    """
    load_workbook = _load_workbook(name)
    # openpyxl seeks in the file, which is slow or impossible in a ZIP and in some object stores.
    with spill_file() as local:
        copyfileobj(stream, local)
        if problem := other_kind_of(local):
            raise EciBillFileError(problem, file=name)
        number = 0
        try:
            rows = _values(local, load_workbook, sheets, with_formulas=has_formulas(local))
            for number, values in enumerate(rows, start=1):
                if number > _MOST_ROWS:
                    # A row with a huge number would make openpyxl create millions of empty rows above it.
                    problem = f"it claims to have more than {_MOST_ROWS:,} rows, which is the limit of Excel."
                    raise EciBillFileError(problem, file=name)
                # Rows that are not in the file have no cells, and there may be a million of them.
                if values:
                    cells = [_text(value, date_format) for value in values]
                    yield number, cells if any(cells) else [], ""
        except EciBillFileError:
            raise
        except Exception as error:
            # openpyxl raises whatever zipfile, zlib and the XML parser raise, in any row.
            reason = f" ({shown(str(error), _LONGEST_REASON)})" if "<" not in str(error) else ""
            problem = f"it cannot be read as an Excel workbook{reason}. Save it again as .xlsx."
            raise EciBillFileError(problem, file=name, row=number + 1 if number else None) from error


def _load_workbook(name: str) -> Callable[..., Any]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        problem = "an Excel file needs openpyxl. Install it: pip install 'airflow-provider-eci[xlsx]'."
        raise EciBillFileError(problem, file=name) from None
    return cast("Callable[..., Any]", load_workbook)


def sheet_values(name: str, stream: BinaryIO, title: str, *, with_formulas: bool) -> Iterator[Sequence[Any]]:
    """
    Iterate over the rows of a workbook's sheet as typed values, in memory that does not grow with the sheet.

    :param name: the file's name.
    :param stream: its content, which can be searched.
    :param title: the sheet's name.
    :param with_formulas: what :func:`has_formulas` returns for it.
    :return: the rows; a formula without a stored result is :data:`NO_RESULT`.
    :raises EciBillFileError: when openpyxl is not installed.
    """
    return _values(stream, _load_workbook(name), None, title, with_formulas=with_formulas)


def _values(
    file: Any,
    load_workbook: Callable[..., Any],
    sheets: list[str] | None,
    title: str | None = None,
    *,
    with_formulas: bool,
) -> Iterator[Sequence[Any]]:
    """Iterate over the values of a workbook's sheet, the first one without a title."""
    book = load_workbook(file, read_only=True, data_only=True)
    if sheets is not None:
        sheets += [found.title for found in book.worksheets]
    sheet = _sheet(book, title)
    if not with_formulas:
        yield from sheet.iter_rows(values_only=True)
        return
    # openpyxl gives either formulas or their results, so a sheet with formulas is read twice, side by side.
    formulas = _sheet(load_workbook(file, read_only=True), title)
    for cells, written in zip(sheet.iter_rows(), formulas.iter_rows(), strict=False):
        yield [
            NO_RESULT if found.data_type == "f" and _is_empty(cell) else cell.value
            for cell, found in zip(cells, written, strict=False)
        ]


def _sheet(book: Any, title: str | None) -> Any:
    """Return a workbook's sheet, the first one without a title."""
    sheet = book.worksheets[0] if title is None else book[title]
    # openpyxl would rely on the size that the sheet claims, which may be wrong.
    sheet.reset_dimensions()
    return sheet


def _is_empty(cell: Any) -> bool:
    """Return whether a cell has no value; an empty text is one, as the result of a formula."""
    return cell.value is None and cell.data_type != "str"


def has_formulas(file: Any) -> bool:
    """Return whether any sheet has a formula; searching for one takes little time beside reading the sheet."""
    # Damage is reported when the sheet itself is read, row by row.
    with suppress(Exception), zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                with archive.open(name) as sheet:
                    left = b""
                    while block := sheet.read(_BLOCK):
                        if _FORMULA.search(left + block):
                            return True
                        left = block[-32:]
    return False


def _text(value: Any, date_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, _NoResult):
        return value
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return written_date(value, date_format)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
