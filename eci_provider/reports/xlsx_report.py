"""A report as an Excel workbook, written row by row; a workbook of text needs no library."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from html import escape
from types import TracebackType
from typing import IO, BinaryIO

from eci_provider.api.kickouts.reasons import NOT_KNOWN, correct_in
from eci_provider.api.kickouts.report import KickoutReport
from eci_provider.reports.grouping import GroupedRows, TooManyColumnsError
from eci_provider.reports.rows import LEADING, UNNAMED

#: Excel's limits (Excel specifications and limits): rows and columns of a sheet, and characters of a cell.
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
LONGEST_CELL = 32_767
# A sheet of more bytes would need another kind of ZIP file, which not every program reads.
_LARGEST_SHEET = 1024 * 1024 * 1024
#: How many characters of a sheet wait before they are written.
_FLUSH = 128 * 1024
#: A text of so many characters is within the limit however they are counted.
_SHORT = LONGEST_CELL // 2
# What Excel takes for a character's number.
_ESCAPED_IN_EXCEL = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
# What XML 1.0 cannot hold.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def write(rows: GroupedRows, title: str, noun: str, stream: BinaryIO) -> None:
    """
    Write a sheet "Summary", and one with all rows; beyond Excel's limit they continue in a further sheet.

    Values are text, so that none is run as a formula and no leading zero of an account code is lost.

    :param rows: the rows, grouped.
    :param title: what it is a report of; not written.
    :param noun: what its rows are, the name of their sheet.
    :param stream: where to; open for reading too.
    :raises TooManyColumnsError: when the rows have more columns than a sheet.
    """
    columns = rows.columns()
    most = MOST_COLUMNS - len(LEADING)
    if len(columns) > most:
        problem = f"the rows have more than {most:,} columns, and a workbook has no room for them."
        raise TooManyColumnsError(f"{problem} Let the report end in .csv or .md.")
    with _Workbook(stream) as book:
        places = noun == KickoutReport.noun and any(correct_in(group.kind) != NOT_KNOWN for group in rows.groups())
        head = ["File", "Message", "Rows", *(["Correct in"] if places else [])]
        book.add_sheets("Summary", head, _summary(rows, has_places=places), [40, 80, 12, 24])
        header = [*LEADING, *(name or UNNAMED for name in columns.values())]
        book.add_sheets(noun, header, _rows(rows, list(columns)), [30, 8, 20, 60, *[16] * len(columns)])


def _summary(rows: GroupedRows, *, has_places: bool) -> Iterator[list[str | int]]:
    """Iterate over the groups, with where each is corrected if that is known of any."""
    for group in rows.groups():
        yield [group.file, group.kind, group.rows, *([correct_in(group.kind)] if has_places else [])]


def _rows(rows: GroupedRows, columns: list[int]) -> Iterator[list[str | int]]:
    for group, entry in rows.entries():
        value = entry.cells.get
        yield [group.file, entry.row, entry.column, entry.message, *[value(column, "") for column in columns]]


class _Workbook:
    """
    A workbook that is written sheet by sheet.

    :param stream: where to.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        self._names: list[str] = []

    def __enter__(self) -> _Workbook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write_frame()
        self._archive.close()

    def add_sheets(
        self, name: str, header: list[str], rows: Iterable[list[str | int]], widths: Iterable[float]
    ) -> None:
        """Write rows below a header, into as many sheets as they need."""
        lines = iter(rows)
        head = _sheet_head(widths)
        number, more = 1, True
        while more:
            self._names.append(name if number == 1 else f"{name} {number}")
            with self._archive.open(f"xl/worksheets/sheet{len(self._names)}.xml", "w") as sheet:
                sheet.write(head)
                more = _write_rows(sheet, header, lines)
                sheet.write(b"</sheetData></worksheet>")
            number += 1

    def _write_frame(self) -> None:
        """Write what makes sheets a workbook (ECMA-376, part 1)."""
        numbers = range(1, len(self._names) + 1)
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
            for number in numbers
        )
        sheets = "".join(
            f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
            for number, name in zip(numbers, self._names, strict=True)
        )
        relations = "".join(_relation(number, "worksheet", f"worksheets/sheet{number}.xml") for number in numbers)
        self._add(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{overrides}</Types>',
        )
        self._add("_rels/.rels", _relations(_relation(1, "officeDocument", "xl/workbook.xml")))
        self._add(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><bookViews><workbookView/></bookViews>'
            f"<sheets>{sheets}</sheets></workbook>",
        )
        self._add("xl/_rels/workbook.xml.rels", _relations(relations))

    def _add(self, name: str, content: str) -> None:
        self._archive.writestr(name, _DECLARATION + content)


def _relation(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'


def _relations(inner: str) -> str:
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _sheet_head(widths: Iterable[float]) -> bytes:
    """Return the start of a sheet, with its first row frozen and the widths of its columns."""
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, start=1)
    )
    return (
        f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{columns}</cols><sheetData>"
    ).encode()


def _write_rows(sheet: IO[bytes], header: list[str], rows: Iterable[list[str | int]]) -> bool:
    """Write a header and rows, and return whether the sheet was full before their end."""
    waiting, number, size = [_row(header)], 1, 0
    length = len(waiting[0])
    for row in rows:
        text = _row(row)
        waiting.append(text)
        length += len(text)
        number += 1
        if length >= _FLUSH or number >= MOST_ROWS:
            size += sheet.write("".join(waiting).encode())
            waiting, length = [], 0
            if number >= MOST_ROWS or size >= _LARGEST_SHEET:
                return True
    sheet.write("".join(waiting).encode())
    return False


def _row(values: Iterable[str | int]) -> str:
    return f"<row>{''.join([_cell(value) for value in values])}</row>"


def _cell(value: str | int) -> str:
    if value == "":
        return "<c/>"
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    # Most values are words and numbers.
    text = value if value.isalnum() and len(value) < _SHORT else _text(value)
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _text(value: str) -> str:
    """Return a text as XML, in Excel's dialect and within its limit."""
    if len(value) > _SHORT:
        # Excel counts a character beyond 16 bits as two.
        value = (
            value[:LONGEST_CELL].encode("utf-16-le", "replace")[: LONGEST_CELL * 2].decode("utf-16-le", "ignore")
        )
    value = _ESCAPED_IN_EXCEL.sub("_x005F_", _NOT_IN_XML.sub("\ufffd", value))
    return escape(value, quote=False)
