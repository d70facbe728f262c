"""The table in one file of a bill file: its header, and its rows, which can be read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import TypeAlias

from eci_provider.bills.errors import EciBillFileError

#: How many columns a header may name: as many as a spreadsheet has, and a report can hold.
MOST_COLUMNS = 16_384

#: A row: its number, its cells, its text. The number counts from 1, header and empty rows included, as in a
#: spreadsheet program. An empty row has no cells, since the importer skips it. The text ends with the line end and
#: is, in UTF-8, the bytes of the file; a row of a workbook has none. A plain tuple, since there are millions.
Row: TypeAlias = "tuple[int, list[str], str]"
#: Consecutive rows, which are faster to process together: the number of the first, the cells of each, the text of
#: each.
Rows: TypeAlias = "tuple[int, list[list[str]], list[str]]"


class Table:
    """
    The table of a CSV file, or of a workbook's first sheet.

    :param name: the file's name; inside a ZIP the name there.
    :param is_workbook: whether it comes from a workbook, whose rows have no text.
    :param records: all its rows, those above the header included.
    :param sheets: the names of a workbook's sheets, of which the first is read; known once a row is.
    :raises EciBillFileError: when it has no header, or one that is too wide.
    """

    def __init__(self, name: str, is_workbook: bool, records: Iterator[Rows], sheets: Sequence[str] = ()) -> None:
        self.name = name
        self._sheets = sheets
        self.is_workbook = is_workbook
        #: The names of its columns: the first row that is not empty, without the empty cells at its end.
        self.header: list[str] = []
        #: The text up to the end of the header, with the byte order mark if there is one.
        self.preamble = ""
        self._records = chain([self._read_header(records)], records)

    def _read_header(self, records: Iterator[Rows]) -> Rows:
        """Read up to the header, and return the rows below it that were read with it."""
        for number, cells, texts in records:
            at = next((at for at, found in enumerate(cells) if found), None)
            self.preamble += "".join(texts if at is None else texts[: at + 1])
            if at is None:
                continue
            self.header = [cell.strip() for cell in cells[at]]
            while not self.header[-1]:
                self.header.pop()
            if len(self.header) > MOST_COLUMNS:
                problem = (
                    f"its header names {len(self.header):,} columns, and no spreadsheet has more than "
                    f"{MOST_COLUMNS:,}."
                )
                raise EciBillFileError(problem, file=self.name, row=number + at)
            return number + at + 1, cells[at + 1 :], texts[at + 1 :]
        raise EciBillFileError(f"it has no header row.{self.sheet_note}", file=self.name)

    @property
    def sheet_note(self) -> str:
        """Return a sentence that says which sheet was read, with a space before it; empty for a text file."""
        if not self._sheets:
            return ""
        others = f", the first of {len(self._sheets)}" if len(self._sheets) > 1 else ""
        return f" The sheet {self._sheets[0]!r}{others} was read."

    def stretches(self) -> Iterator[Rows]:
        """Iterate over the rows below the header, empty ones included, many at a time."""
        return self._records

    def rows(self) -> Iterator[Row]:
        """Iterate over the same rows one by one."""
        return chain.from_iterable(zip(count(number), cells, texts) for number, cells, texts in self._records)
