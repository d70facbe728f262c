"""The first sheet of a workbook, the one the importer reads, as rows of text."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from shutil import copyfileobj
from typing import Any, BinaryIO, Final

from eci_provider.bills.dates import written_date
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.tables import Row
from eci_provider.core.spill import spill_file
from eci_provider.core.text import cut

WORKBOOK = ".xlsx"
#: How many rows a workbook's sheet has at most.
_MOST_ROWS = 1_048_576
_BLOCK = 256 * 1024
#: How many bytes of JSON a message has for what openpyxl says.
_LONGEST_REASON = 200
_FORMULA = re.compile(rb"<(?:\w{1,20}:)?f[\s/>]")


class _NoResult(str):
    __slots__ = ()


#: The empty cell of a formula without a stored result, told by its identity.
NO_RESULT: Final[str] = _NoResult()


def workbook_rows(name: str, stream: BinaryIO, date_format: str) -> Iterator[Row]:
    """
    Iterate over the rows of a workbook's first sheet, those left out that hold nothing at all.

    :param name: the file's name.
    :param stream: its content.
    :param date_format: how dates are written.
    :return: the rows; the cell of a formula that has no result is :data:`NO_RESULT`.
    :raises EciBillFileError: when it cannot be read, or openpyxl is not there to read it.
    """
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        problem = "reading Excel files needs openpyxl: pip install 'airflow-provider-eci[xlsx]'."
        raise EciBillFileError(problem, file=name) from None
    # openpyxl jumps about in the file, which neither a ZIP's members nor every object store do well.
    with spill_file() as local:
        copyfileobj(stream, local)
        number = 0
        try:
            for number, values in enumerate(_values(local), start=1):
                if number > _MOST_ROWS:
                    # One row that claims to stand far down would let millions of empty ones be made above it.
                    problem = f"it claims to have more than {_MOST_ROWS:,} rows, which no workbook can have."
                    raise EciBillFileError(problem, file=name)
                # Rows that are not in the sheet have no cells, and there may be a million of them.
                if values:
                    cells = [_text(value, date_format) for value in values]
                    yield number, cells if any(cells) else [], ""
        except EciBillFileError:
            raise
        except Exception as error:
            # openpyxl raises whatever the ZIP, what unpacks it and the XML in it raise, in any row.
            reason = cut(f"{type(error).__name__}: {error}", _LONGEST_REASON)
            problem = f"it cannot be read as an Excel workbook ({reason}). Save it anew as .xlsx."
            raise EciBillFileError(problem, file=name, row=number + 1 if number else None) from error


def _values(file: Any) -> Iterator[Sequence[Any]]:
    """Iterate over the values of a workbook's first sheet."""
    sheet = _sheet(file, data_only=True)
    if not _has_formulas(file):
        yield from sheet.iter_rows(values_only=True)
        return
    # openpyxl gives either formulas or their results: where there are any, the sheet is read twice side by side.
    for cells, written in zip(sheet.iter_rows(), _sheet(file, data_only=False).iter_rows(), strict=False):
        yield [
            NO_RESULT if found.data_type == "f" and _is_empty(cell) else cell.value
            for cell, found in zip(cells, written, strict=False)
        ]


def _sheet(file: Any, *, data_only: bool) -> Any:
    import openpyxl

    sheet = openpyxl.load_workbook(file, read_only=True, data_only=data_only).worksheets[0]
    # The size a sheet claims may be wrong, and openpyxl would believe it.
    sheet.reset_dimensions()
    return sheet


def _is_empty(cell: Any) -> bool:
    """Tell whether a cell holds nothing at all; the result of a formula may be a text without letters."""
    return cell.value is None and cell.data_type != "str"


def _has_formulas(file: Any) -> bool:
    """Tell whether there is a formula in any sheet, which takes little beside reading one."""
    # What is damaged is told when the sheet itself is read, row by row.
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
