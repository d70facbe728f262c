"""The first sheet of a workbook, the one the importer reads, as rows of text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from shutil import copyfileobj
from typing import TYPE_CHECKING, Any, BinaryIO

from eci_provider.bills.dates import written_date
from eci_provider.bills.errors import EciBillFileError

if TYPE_CHECKING:
    from eci_provider.bills.reading import Row

#: How many rows a workbook's sheet has at most.
_MOST_ROWS = 1_048_576


def workbook_rows(name: str, stream: BinaryIO, date_format: str) -> Iterator[Row]:
    """
    Iterate over the rows of a workbook's first sheet, those left out that hold nothing at all.

    :param name: the file's name.
    :param stream: its content.
    :param date_format: how dates are written.
    :raises EciBillFileError: when it cannot be read, or openpyxl is not there to read it.
    """
    try:
        import openpyxl
    except ImportError:
        problem = "reading Excel files needs openpyxl: pip install 'airflow-provider-eci[xlsx]'."
        raise EciBillFileError(problem, file=name) from None
    # openpyxl jumps about in the file, which neither a ZIP's members nor every object store do well.
    with tempfile.TemporaryFile() as local:
        copyfileobj(stream, local)
        number = 0
        try:
            book = openpyxl.load_workbook(local, read_only=True, data_only=True)
            sheet = book.worksheets[0]
            # The size a sheet claims may be wrong, and openpyxl would believe it.
            sheet.reset_dimensions()
            for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
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
            problem = f"it cannot be read as an Excel workbook ({type(error).__name__}). Save it anew as .xlsx."
            raise EciBillFileError(problem, file=name, row=number + 1 if number else None) from error


def _text(value: Any, date_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return written_date(value, date_format)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
