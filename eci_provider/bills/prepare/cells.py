"""Cells: a text of a text file, or a typed value of a workbook."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any, TypeAlias

from eci_provider.bills.prepare.faults import RowError

#: A cell: a text, or in a workbook a number, a date, a time, true or false.
Cell: TypeAlias = Any


class Uncalculated:
    """The cell of a formula without a stored result."""

    def __str__(self) -> str:
        return "(a formula that was never calculated)"


UNCALCULATED = Uncalculated()
#: From here on Excel has rounded a whole number.
_ROUNDED = 10**15
_SCIENTIFIC = re.compile(r"\d(?:\.\d{1,20})?[eE]\+\d{1,3}", re.ASCII)
_LONGEST_SHOWN = 60


def cell_text(cell: Cell) -> str:
    """
    Return a cell as text, without spaces around it.

    :param cell: the cell.
    """
    if isinstance(cell, str):
        return cell.strip()
    if cell is None:
        return ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e22 else repr(cell)
    if isinstance(cell, datetime) and cell.time() == time.min:
        return cell.date().isoformat()
    if isinstance(cell, (date, time)):
        return cell.isoformat(*(" " for _ in range(isinstance(cell, datetime))))
    return str(cell)


def code_text(cell: Cell, column: object) -> str:
    """
    Return a cell that holds a code.

    :param cell: the cell.
    :param column: its column, for messages.
    :raises RowError: when a spreadsheet program has changed the code.
    """
    if isinstance(cell, str):
        text = cell.strip()
        if "+" in text and _SCIENTIFIC.fullmatch(text):
            problem = f"{text!r} is how Excel shows a long number, whose digits are lost. Export the file again."
            raise RowError("code_scientific", problem, column)
        return text
    check_calculated(cell, column)
    if isinstance(cell, (int, float)) and not isinstance(cell, bool) and abs(cell) >= _ROUNDED:
        problem = "a number of 16 or more digits, of which Excel keeps 15. Export the column as text."
        raise RowError("code_rounded", problem, column)
    if isinstance(cell, (date, time, timedelta)):
        problem = (
            f"{excerpt(cell)} is a date, and a code is expected. Format the column as text, and enter it again."
        )
        raise RowError("code_is_date", problem, column)
    return cell_text(cell)


def check_calculated(cell: Cell, column: object) -> None:
    """
    Refuse the cell of a formula without a stored result.

    :param cell: the cell.
    :param column: its column, for the message.
    :raises RowError: when it is one.
    """
    if cell is UNCALCULATED:
        problem = "its formula was never calculated. Open the workbook in a spreadsheet program and save it."
        raise RowError("formula_without_value", problem, column)


def excerpt(cell: Cell) -> str:
    """
    Return a cell for a message, in quotes, cut where it is long.

    :param cell: the cell.
    """
    text = cell_text(cell)
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...")
