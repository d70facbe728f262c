"""An Excel workbook of text, written row by row; that needs no library."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from types import TracebackType
from typing import IO, BinaryIO, NamedTuple

#: Excel's limits (Excel specifications and limits): rows and columns of a sheet, and characters of a cell.
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
LONGEST_CELL = 32_767
#: How many characters of a title Excel prints.
_LONGEST_TITLE = 200
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

#: The styles of cells, by their place in `cellXfs`.
_PLAIN, _HEADER, _WRAPPED, _NUMBER = 1, 2, 3, 4
_TOP = '<alignment vertical="top"/>'
_WRAP = '<alignment vertical="top" wrapText="1"/>'
_RIGHT = '<alignment horizontal="right" vertical="top" indent="1"/>'
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="2">'
    '<font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFE8F3EC"/></patternFill></fill></fills>'
    '<borders count="2"><border/><border><left/><right/><top/><bottom style="thin"/></border></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="5"><xf/>'
    f'<xf applyAlignment="1">{_TOP}</xf>'
    '<xf fontId="1" fillId="2" borderId="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1">'
    f"{_WRAP}</xf>"
    f'<xf applyAlignment="1">{_WRAP}</xf>'
    f'<xf numFmtId="3" applyNumberFormat="1" applyAlignment="1">{_RIGHT}</xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)

#: How high a line is, in points, and how many lines of a row are shown at most.
_LINE = 15
_MOST_LINES = 10


class Column(NamedTuple):
    """
    A column of a sheet.

    :param name: what stands above it.
    :param width: how wide it is, in characters.
    :param wraps: whether its texts continue in a second line.
    """

    name: str
    width: float
    wraps: bool = False


class Workbook:
    """
    A workbook that is written sheet by sheet, each with a header that stays in view and filters its rows.

    Values are text, so that none is run as a formula and no leading zero of an account code is lost. In print a
    sheet is as wide as the page, with the header on each.

    :param stream: where to.
    :param title: what stands above each printed page.
    """

    def __init__(self, stream: BinaryIO, title: str) -> None:
        self._archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        self._title = _text(title[:_LONGEST_TITLE].replace("&", "&&"))
        self._names: list[str] = []

    def __enter__(self) -> Workbook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write_frame()
        self._archive.close()

    def add_sheets(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[str | int]]) -> None:
        """
        Write rows below a header, into as many sheets as they need.

        :param name: the name of the first sheet; further ones have a number.
        :param columns: the columns.
        :param rows: the values of each row, in the columns' order.
        """
        lines = iter(rows)
        head = _sheet_head(columns)
        number, more = 1, True
        while more:
            self._names.append(name if number == 1 else f"{name} {number}")
            with self._archive.open(f"xl/worksheets/sheet{len(self._names)}.xml", "w") as sheet:
                sheet.write(head)
                last, more = _write_rows(sheet, columns, lines)
                sheet.write(self._sheet_tail(len(columns), last))
            number += 1

    def _sheet_tail(self, columns: int, last: int) -> bytes:
        """Return the end of a sheet: its filter, how it is printed, and that texts of digits are meant."""
        cells = f"A1:{column_letters(columns)}{last}"
        return (
            f'</sheetData><autoFilter ref="{cells}"/>'
            '<pageMargins left="0.4" right="0.4" top="0.7" bottom="0.6" header="0.3" footer="0.3"/>'
            '<pageSetup orientation="landscape" fitToWidth="1" fitToHeight="0"/>'
            f"<headerFooter><oddHeader>&amp;L{self._title}</oddHeader><oddFooter>&amp;R&amp;P / &amp;N</oddFooter>"
            f'</headerFooter><ignoredErrors><ignoredError sqref="{cells}" numberStoredAsText="1"/></ignoredErrors>'
            "</worksheet>"
        ).encode()

    def _write_frame(self) -> None:
        """Write what makes sheets a workbook (ECMA-376, part 1)."""
        numbers = range(1, len(self._names) + 1)
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
            for number in numbers
        )
        names = list(zip(numbers, map(escape, self._names), strict=True))
        sheets = "".join(f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>' for number, name in names)
        headers = "".join(
            f'<definedName name="_xlnm.Print_Titles" localSheetId="{number - 1}">\'{name}\'!$1:$1</definedName>'
            for number, name in names
        )
        relations = [_relation(number, "worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
        relations.append(_relation(len(relations) + 1, "styles", "styles.xml"))
        self._add(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{overrides}</Types>',
        )
        self._add("_rels/.rels", _relations(_relation(1, "officeDocument", "xl/workbook.xml")))
        self._add(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><bookViews><workbookView/></bookViews>'
            f"<sheets>{sheets}</sheets><definedNames>{headers}</definedNames></workbook>",
        )
        self._add("xl/styles.xml", _STYLES)
        self._add("xl/_rels/workbook.xml.rels", _relations("".join(relations)))

    def _add(self, name: str, content: str) -> None:
        self._archive.writestr(name, _DECLARATION + content)


def _relation(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'


def _relations(inner: str) -> str:
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def column_letters(number: int) -> str:
    """
    Return the letters of a column, such as ``AA``.

    :param number: the column, counted from 1.
    """
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _sheet_head(columns: Sequence[Column]) -> bytes:
    """Return the start of a sheet, with its first row frozen and the widths of its columns."""
    widths = "".join(
        f'<col min="{number}" max="{number}" width="{column.width}" customWidth="1"/>'
        for number, column in enumerate(columns, start=1)
    )
    return (
        f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="{_LINE}"/><cols>{widths}</cols><sheetData>'
    ).encode()


def _write_rows(
    sheet: IO[bytes], columns: Sequence[Column], rows: Iterator[Sequence[str | int]]
) -> tuple[int, bool]:
    """Write a header and rows; return the last row's number, and whether the sheet was full before their end."""
    styles = [_WRAPPED if column.wraps else _PLAIN for column in columns]
    widths = [(place, column.width) for place, column in enumerate(columns) if column.wraps]
    every = [(place, column.width) for place, column in enumerate(columns)]
    waiting, number, size = [_row([column.name for column in columns], [_HEADER] * len(columns), every)], 1, 0
    length = len(waiting[0])
    for row in rows:
        text = _row(row, styles, widths)
        waiting.append(text)
        length += len(text)
        number += 1
        if length >= _FLUSH or number >= MOST_ROWS:
            size += sheet.write("".join(waiting).encode())
            waiting, length = [], 0
            if number >= MOST_ROWS or size >= _LARGEST_SHEET:
                return number, True
    sheet.write("".join(waiting).encode())
    return number, False


def _row(values: Sequence[str | int], styles: Iterable[int], widths: Iterable[tuple[int, float]]) -> str:
    """Return a row as XML, as high as its wrapped texts need, since not every program finds that out itself."""
    lines = max([_lines(str(values[place]), width) for place, width in widths], default=1)
    height = f' ht="{_LINE * min(lines, _MOST_LINES)}"' if lines > 1 else ""
    return f"<row{height}>{''.join(map(_cell, values, styles))}</row>"


def _lines(text: str, width: float) -> int:
    """Return about how many lines a text takes in a column: letters differ in width."""
    if len(text) < width and "\n" not in text:
        return 1
    return sum(1 + int(len(line) // width) for line in text[: _MOST_LINES * int(width)].split("\n"))


def _cell(value: str | int, style: int) -> str:
    if value == "":
        return "<c/>"
    if isinstance(value, int):
        return f'<c s="{_NUMBER}"><v>{value}</v></c>'
    # Most values are words and numbers.
    text = value if value.isalnum() and len(value) < _SHORT else _text(value)
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _text(value: str) -> str:
    """Return a text as XML, in Excel's dialect and within its limit."""
    if len(value) > _SHORT:
        # Excel counts a character beyond 16 bits as two.
        value = (
            value[:LONGEST_CELL].encode("utf-16-le", "replace")[: LONGEST_CELL * 2].decode("utf-16-le", "ignore")
        )
    value = _ESCAPED_IN_EXCEL.sub("_x005F_", _NOT_IN_XML.sub("\ufffd", value))
    return escape(value, quote=False)
