"""The rows of a workbook's sheet, in any of the forms that calamine reads: xlsx, xlsm, xlsb, xls, ods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.prepare.cells import Cell
from eci_provider.core.text import did_you_mean, shown

_LONGEST_REASON = 200
_MOST_NAMED = 20


def workbook_records(
    name: str, stream: BinaryIO, sheet: str | int | None
) -> tuple[str, Iterator[tuple[int, list[Cell]]]]:
    """
    Return a sheet's name and its rows.

    :param name: the file's name.
    :param stream: its content, which can be searched.
    :param sheet: the sheet's name, or its number from 1; None for the only one.
    :raises EciBillFileError: when it cannot be read, or the sheet is not known.
    """
    calamine = _calamine(name)
    try:
        book = calamine.CalamineWorkbook.from_filelike(stream)
        names = list(book.sheet_names)
        chosen = _chosen(name, names, sheet)
        found = book.get_sheet_by_name(chosen)
    except EciBillFileError:
        raise
    except calamine.PasswordError:
        problem = "it is protected by a password. Save it without one."
        raise EciBillFileError(problem, file=name) from None
    except Exception as error:
        # A damaged file makes calamine raise whatever its parsers raise.
        reason = shown(f"{type(error).__name__}: {error}", _LONGEST_REASON)
        problem = (
            f"it cannot be read as a workbook ({reason}). Save it again, or unpack it if it is a ZIP of files."
        )
        raise EciBillFileError(problem, file=name) from None
    return chosen, _rows(found)


def sheet_names(name: str, stream: BinaryIO) -> list[str]:
    """
    Return the names of a workbook's sheets.

    :param name: the file's name.
    :param stream: its content, which can be searched.
    :raises EciBillFileError: when it cannot be read.
    """
    calamine = _calamine(name)
    try:
        return list(calamine.CalamineWorkbook.from_filelike(stream).sheet_names)
    except Exception as error:
        reason = shown(f"{type(error).__name__}: {error}", _LONGEST_REASON)
        raise EciBillFileError(f"it cannot be read as a workbook ({reason}).", file=name) from None


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


def _rows(sheet: Any) -> Iterator[tuple[int, list[Cell]]]:
    # Cells of time spans and errors arrive as texts or timedeltas, and are judged where they are used.
    return ((number, list(cells)) for number, cells in enumerate(sheet.iter_rows(), start=1))
