"""The rows of a workbook's sheet, in any of the forms that calamine reads: xlsx, xlsm, xlsb, xls, ods."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.prepare.cells import UNCALCULATED, Cell
from eci_provider.bills.workbook import NO_RESULT, has_formulas, sheet_values
from eci_provider.core.text import did_you_mean, shown

_LONGEST_REASON = 200
_MOST_NAMED = 20
#: From this size of its sheets on, unpacked, a workbook is streamed.
_LARGE = 128 * 1024 * 1024
#: How many rows a sheet has at most.
_MOST_ROWS = 1_048_576


class Workbook:
    """
    A workbook, in any of the forms that calamine reads.

    :param name: the file's name.
    :param stream: its content, which can be searched.
    :raises EciBillFileError: when it cannot be read.
    """

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self._name, self._stream = name, stream
        with _readable(name):
            self._book = _calamine(name).CalamineWorkbook.from_filelike(stream)
            #: The names of its sheets.
            self.sheets = list(self._book.sheet_names)
            size = _xml_size(stream)
            # calamine has a whole sheet in memory, and does not tell a formula without a stored result from an
            # empty cell; openpyxl streams, and does.
            self._with_formulas = size > 0 and has_formulas(stream)
            self._is_streamed = size > _LARGE or self._with_formulas

    def records(self, sheet: str | int | None) -> tuple[str, Iterator[tuple[int, list[Cell]]]]:
        """
        Return a sheet's name and its rows.

        :param sheet: the sheet's name, or its number from 1; None for the only one.
        :raises EciBillFileError: when it cannot be read, or the sheet is not known.
        """
        chosen = _chosen(self._name, self.sheets, sheet)
        if self._is_streamed:
            values = sheet_values(self._name, self._stream, chosen, with_formulas=self._with_formulas)
            return chosen, _streamed(self._name, values)
        with _readable(self._name):
            return chosen, _rows(self._book.get_sheet_by_name(chosen))


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Raise whatever calamine's parsers raise for a damaged file as an error of ours."""
    try:
        yield
    except EciBillFileError:
        raise
    except Exception as error:
        if isinstance(error, _calamine(name).PasswordError):
            problem = "it is protected by a password. Save it without one."
            raise EciBillFileError(problem, file=name) from None
        reason = shown(f"{type(error).__name__}: {error}", _LONGEST_REASON)
        problem = (
            f"it cannot be read as a workbook ({reason}). Save it again, or unpack it if it is a ZIP of files."
        )
        raise EciBillFileError(problem, file=name) from None


def _calamine(name: str) -> Any:
    try:
        import python_calamine
    except ImportError:
        problem = "a workbook needs python-calamine. Install it: pip install 'airflow-provider-eci[xlsx]'."
        raise EciBillFileError(problem, file=name) from None
    return python_calamine


def _chosen(name: str, names: list[str], sheet: str | int | None) -> str:
    listed = ", ".join(map(repr, names[:_MOST_NAMED]))
    if sheet is None:
        if len(names) == 1:
            return names[0]
        problem = f"it has {len(names)} sheets: {listed}. Set source.sheet to the one with the bills."
        raise EciBillFileError(problem, file=name)
    if isinstance(sheet, int):
        if sheet <= len(names):
            return names[sheet - 1]
        raise EciBillFileError(f"it has no sheet {sheet}, only {len(names)}: {listed}.", file=name)
    if sheet in names:
        return sheet
    hint = did_you_mean(sheet, names, is_quoted=True)
    raise EciBillFileError(f"it has no sheet {sheet!r}.{hint} It has {listed}.", file=name)


def _xml_size(stream: BinaryIO) -> int:
    """Return how many bytes the sheets of a workbook have, unpacked, if they are the XML that openpyxl reads."""
    if not zipfile.is_zipfile(stream):
        return 0
    with zipfile.ZipFile(stream) as archive:
        sheets = [member for member in archive.infolist() if member.filename.startswith("xl/worksheets/")]
    is_xml = not any(member.filename.endswith(".bin") for member in sheets)
    return sum(member.file_size for member in sheets) if is_xml else 0


def _streamed(name: str, rows: Iterator[Sequence[Any]]) -> Iterator[tuple[int, list[Cell]]]:
    number = 0
    try:
        for number, values in enumerate(rows, start=1):
            if number > _MOST_ROWS:
                raise EciBillFileError(f"it claims to have more than {_MOST_ROWS:,} rows.", file=name)
            yield number, [UNCALCULATED if value is NO_RESULT else value for value in values]
    except EciBillFileError:
        raise
    except Exception as error:
        # openpyxl raises whatever zipfile, zlib and the XML parser raise, in any row.
        reason = shown(f"{type(error).__name__}: {error}", _LONGEST_REASON)
        problem = f"it cannot be read as a workbook ({reason}). Save it again."
        raise EciBillFileError(problem, file=name, row=number + 1) from None


def _rows(sheet: Any) -> Iterator[tuple[int, list[Cell]]]:
    # Cells of time spans and errors arrive as texts or timedeltas, and are judged where they are used.
    return ((number, list(cells)) for number, cells in enumerate(sheet.iter_rows(), start=1))
