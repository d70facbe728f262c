"""The rows of a vendor's file, whatever its form: its content decides, since names often mislead."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count, islice
from shutil import copyfileobj
from typing import Any, BinaryIO, TypeAlias

from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.opening import LongLineError, line_blocks, opened_file
from eci_provider.bills.prepare.cells import Cell
from eci_provider.bills.prepare.workbooks import Workbook
from eci_provider.bills.recipe.model import Source
from eci_provider.core.paths import OpenablePath, redact_path
from eci_provider.core.spill import spill_file
from eci_provider.core.text import shown

#: A row: its number, counted from 1, and its cells.
NumberedRow: TypeAlias = "tuple[int, list[Cell]]"
#: Returns whether some rows have the header of the table.
HeaderTest: TypeAlias = Callable[[list[NumberedRow]], bool]
#: The delimiters that are tried where the recipe names none.
DELIMITERS = (",", ";", "\t", "|")
#: How many bytes and rows of a text file are read to find its encoding and its delimiter.
_HEAD, _HEAD_ROWS = 256 * 1024, 1100
#: How many characters are read at once.
_BLOCK = 64 * 1024
_BYTE_ORDER_MARK = "\ufeff"
_LONGEST_REASON = 200
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_GZIP, _WORKBOOKS = b"\x1f\x8b", (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


@dataclass
class Records:
    """
    All rows of a file's table, those above its header included.

    :param rows: the rows, which can be read once.
    :param encoding: the encoding of a text file.
    :param delimiter: its delimiter.
    :param sheet: the name of a workbook's sheet.
    """

    rows: Iterator[NumberedRow]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


@contextmanager
def open_records(path: OpenablePath, source: Source, has_header: HeaderTest) -> Iterator[Records]:
    """
    Open a file and read its rows.

    :param path: the file.
    :param source: how it is read.
    :param has_header: whether some rows have the header of the table.
    :raises EciBillFileError: when it cannot be read, or is ambiguous; also while its rows are read.
    """
    with _opened(path) as stream, _records(redact_path(path.name), stream, source, has_header) as records:
        yield records


def read_content(path: OpenablePath) -> tuple[bytes, bool]:
    """
    Return the start of a file's content, unpacked, and whether it is a workbook.

    :param path: the file.
    :raises EciBillFileError: when it cannot be opened, or is neither text nor a workbook.
    """
    name = redact_path(path.name)
    with _opened(path) as stream:
        head, _ = _unpacked(stream)
    is_workbook = head.startswith(_WORKBOOKS)
    if not is_workbook:
        _refuse_other_content(name, head)
    return head, is_workbook


@contextmanager
def open_workbook(path: OpenablePath) -> Iterator[Workbook]:
    """
    Open a workbook, whose sheets can be read one after the other.

    :param path: the file.
    :raises EciBillFileError: when it cannot be read.
    """
    with _opened(path) as stream, _workbook(redact_path(path.name), _unpacked(stream)[1]) as book:
        yield book


@contextmanager
def _workbook(name: str, content: BinaryIO) -> Iterator[Workbook]:
    with spill_file() as local:
        copyfileobj(content, local)
        local.seek(0)
        yield Workbook(name, local)


@contextmanager
def _opened(path: OpenablePath) -> Iterator[BinaryIO]:
    """Open a file; whatever is wrong with its packing, also later, is an error of ours."""
    with opened_file(path) as stream:
        try:
            yield stream
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise EciBillFileError(f"it cannot be unpacked ({error}).", file=redact_path(path.name)) from error


def _unpacked(stream: BinaryIO) -> tuple[bytes, Any]:
    """Return the start of a stream's content, and a stream of all of it."""
    head = _read_head(stream)
    content: Any = io.BufferedReader(_Replay(head, stream), 64 * 1024)
    if head.startswith(_GZIP):
        content = gzip.GzipFile(fileobj=content)
        head = _read_head(content)
        content = io.BufferedReader(_Replay(head, content), 64 * 1024)
    return head, content


@contextmanager
def _records(name: str, stream: BinaryIO, source: Source, has_header: HeaderTest) -> Iterator[Records]:
    head, content = _unpacked(stream)
    if not head.strip():
        raise EciBillFileError("it is empty.", file=name)
    if head.startswith(_WORKBOOKS):
        with _workbook(name, content) as book:
            sheet, rows = book.records(source.sheet)
            yield Records(rows, sheet=sheet)
        return
    _refuse_other_content(name, head)
    encoding = _encoding(name, head, source.encoding)
    delimiter = source.delimiter or _delimiter(name, head, encoding, source.quote, has_header)
    rows = _text_rows(name, content, encoding, delimiter, source.quote)
    yield Records(rows, encoding=encoding, delimiter=delimiter)


def _read_head(stream: Any) -> bytes:
    """Read the start of a stream, which may give fewer bytes at once than asked for."""
    head = b""
    while len(head) < _HEAD and (block := stream.read(_HEAD - len(head))):
        head += block
    return head


class _Replay(io.RawIOBase):
    """A stream whose start has been read: it gives that first, and then the rest."""

    def __init__(self, head: bytes, stream: Any) -> None:
        self._head, self._stream = memoryview(head), stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._head[: len(buffer)] if self._head else memoryview(self._stream.read(len(buffer)))
        self._head = self._head[len(block) :]
        buffer[: len(block)] = block
        return len(block)


def _refuse_other_content(name: str, head: bytes) -> None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:256].lower()
    if start.startswith(b"%pdf"):
        raise EciBillFileError("it is a PDF. Export the bills as CSV or as a workbook.", file=name)
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<table", b"<head", b"<meta")):
        problem = (
            "it is an HTML or XML page, whatever its name says. Open it in a spreadsheet program and save it as "
            "CSV or .xlsx, or look if the download was a page to sign in."
        )
        raise EciBillFileError(problem, file=name)


def marked_encoding(head: bytes) -> str | None:
    """
    Return the encoding that a byte order mark says; None without one.

    :param head: the first bytes of a file.
    """
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def unmarked_utf_16(head: bytes) -> str | None:
    """
    Return which UTF-16 a text without a byte order mark seems to be; None where it has no zero bytes.

    :param head: the first bytes of a file.
    """
    if b"\0" not in head[:4096]:
        return None
    return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"


def _encoding(name: str, head: bytes, wanted: str | None) -> str:
    marked = marked_encoding(head)
    if wanted is None:
        if marked is None and (side := unmarked_utf_16(head)):
            problem = (
                f"it is UTF-16 without a byte order mark, or no text. Set source.encoding, perhaps to {side!r}."
            )
            raise EciBillFileError(problem, file=name)
        return marked or "utf-8"
    name_of_wanted = codecs.lookup(wanted).name
    if marked is not None and not name_of_wanted.startswith(marked.removesuffix("-sig")):
        problem = f"its byte order mark says {marked}, and the recipe {wanted!r}. Correct source.encoding."
        raise EciBillFileError(problem, file=name)
    return marked or wanted


def _delimiter(name: str, head: bytes, encoding: str, quote: str | None, has_header: HeaderTest) -> str:
    """Return the only delimiter with which the header is found."""
    found = [
        delimiter
        for delimiter in DELIMITERS
        if has_header(head_rows(head, encoding=encoding, delimiter=delimiter, quote=quote))
    ]
    if len(found) > 1:
        shown_ones = ", ".join(map(repr, found))
        problem = f"its header is found with several delimiters ({shown_ones}). Set source.delimiter."
        raise EciBillFileError(problem, file=name)
    # Where none fits, the search for the header says with commas what is missing.
    return found[0] if found else ","


def head_rows(head: bytes, *, encoding: str, delimiter: str, quote: str | None) -> list[NumberedRow]:
    """
    Return the rows at the start of a text file, as far as they can be read.

    :param head: its first bytes.
    :param encoding: its encoding.
    :param delimiter: what separates its cells.
    :param quote: what encloses them.
    """
    rows: list[NumberedRow] = []
    try:
        text = io.TextIOWrapper(io.BytesIO(head), encoding=encoding, errors="replace", newline="")
        for row in enumerate(islice(_parsed(text, delimiter, quote), _HEAD_ROWS), start=1):
            rows.append(row)
    except (csv.Error, LongLineError):
        pass
    return rows


def _unmarked(lines: list[str]) -> list[str]:
    """Return lines without byte order marks, which files that were joined have in the middle."""
    if all(map(str.isascii, lines)):
        return lines
    return [line.removeprefix(_BYTE_ORDER_MARK) for line in lines]


def _parsed(text: io.TextIOWrapper, delimiter: str, quote: str | None) -> Iterator[list[Cell]]:
    quoting: Any = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    lines = chain.from_iterable(map(_unmarked, line_blocks(text, _BLOCK)))
    # Strict, so that a quote out of place is an error and not somehow read.
    return csv.reader(lines, delimiter=delimiter, quotechar=quote, quoting=quoting, strict=True)


def _text_rows(
    name: str, stream: BinaryIO, encoding: str, delimiter: str, quote: str | None
) -> Iterator[NumberedRow]:
    numbers = count(1)
    try:
        text = io.TextIOWrapper(stream, encoding=encoding, newline="")
        yield from zip(numbers, _parsed(text, delimiter, quote), strict=False)
    except UnicodeError as error:
        raise EciBillFileError(_undecodable(error, encoding), file=name, row=next(numbers) - 1) from None
    except csv.Error as error:
        problem = f"it cannot be read as a table from here on ({error}). Look for a quote that is out of place."
        raise EciBillFileError(problem, file=name, row=next(numbers) - 1) from None
    except LongLineError:
        raise EciBillFileError("it is too long to be a bill.", file=name, row=next(numbers) - 1) from None


def _undecodable(error: UnicodeError, encoding: str) -> str:
    problem = f"it is not {encoding}, here or in the rows below. Set source.encoding"
    content = getattr(error, "object", b"")
    likely = likely_encoding(content) if isinstance(content, bytes) else None
    return (
        f"{problem}; {likely!r} would read it, and you know what its letters should be."
        if likely
        else f"{problem}."
    )


def likely_encoding(content: bytes) -> str | None:
    """
    Return which encoding some bytes are likely in; None where nothing is known.

    :param content: the bytes.
    """
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return None
    best = from_bytes(content[:_HEAD]).best()
    return None if best is None else shown(best.encoding, _LONGEST_REASON)
