"""A bill file in parts: EnergyCAP advises at most 5,000 rows a file (help centre, Advanced file format)."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from shutil import copyfileobj
from typing import TYPE_CHECKING, Any, TypeAlias

from eci_provider.bills.check_options import ADVISED_ROWS
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.keys import BillKey, BillKeys, KeyCells
from eci_provider.bills.layout import layout_for
from eci_provider.bills.mapping import column_mapping
from eci_provider.bills.part_names import named_tables
from eci_provider.bills.reading import tables
from eci_provider.bills.row_sort import sorted_rows
from eci_provider.bills.tables import Table
from eci_provider.core.checks import whole_number
from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import AnyPath
from eci_provider.storage.atomic import Draft, atomic_write, open_draft, open_folder
from eci_provider.storage.destination import checked_destination

if TYPE_CHECKING:
    from eci_provider.api.column_mapping import ColumnMapping
    from eci_provider.api.upload import BillFile

#: How many sorted rows are written at once.
_SORTED_ROWS = 64


def split_file(
    file: BillFile,
    destination: AnyPath,
    *,
    rows_per_file: int = ADVISED_ROWS,
    mapping: ColumnMapping | Mapping[str, Any] | None = None,
    sort: bool = False,
) -> list[str]:
    """
    Write a bill file's rows into parts, the header at the top of each, and return where they lie.

    Neighbouring rows of one bill never part: a bill longer than a part makes a longer part. Each part appears
    whole or not at all. The same file and arguments make the same parts with the same names
    (``bills-3f2a91c4-0001.csv``, ...: the file's name, a digest of where it lies, a number), and no two files the
    same names. What else lies in the destination stays there, so go by what is returned. Memory is bounded.

    :param file: a CSV, DAT or TXT file, or a ZIP of these, which are split one by one; as for
        :func:`~eci_provider.bills.reading.tables`.
    :param destination: the folder: a local path, a URL that Airflow's ObjectStoragePath opens, or such a path.
    :param rows_per_file: how many rows a part holds at most, header and empty rows not counted.
    :param mapping: which column is what, as :func:`~eci_provider.bills.mapping.column_mapping` takes it; without
        one the file is in Advanced format.
    :param sort: whether to bring rows into the documented order first (account, vendor, start, end), so that rows
        of one bill meet wherever they stood; empty rows are left out then.
    :return: the parts' paths, in their order.
    :raises EciBillFileError: when the file cannot be read, or is a workbook. Parts written before stay.
    :raises EciValidationError: when an argument is wrong.
    """
    check_splitting(rows_per_file, sort, source="split_file")
    known = None if mapping is None else column_mapping(mapping, source="split_file")
    folder = open_folder(destination, name="destination", what="the folder of the parts", source="split_file")
    parts: list[str] = []
    for names, table in named_tables(file):
        if table.is_workbook:
            problem = "a workbook cannot be split. Save its first sheet as 'CSV UTF-8' and split that."
            raise EciBillFileError(problem, file=table.name)
        keys = BillKeys(layout_for(table.header, known, file=table.name))
        stretches = _sorted(table, keys) if sort else _as_they_are(table, keys)
        with _Parts(folder, names, table.preamble.encode(), rows_per_file) as writer:
            writer.write(stretches)
            parts += writer.finish()
    return parts


def check_splitting(rows_per_file: Any, sort: Any, *, source: str) -> None:
    """
    Refuse wrong arguments of a split.

    :param rows_per_file: how many rows a part holds.
    :param sort: whether to sort; a text such as ``"False"`` would be taken for true.
    :param source: whose arguments they are, for the message.
    :raises EciValidationError: when one is wrong.
    """
    whole_number("rows_per_file", rows_per_file, 1, None, source=source)
    if not isinstance(sort, bool):
        raise EciValidationError([f"sort is {sort!r}: must be True or False"], source=source)


def join_parts(parts: Iterable[BillFile], target: AnyPath) -> None:
    """
    Write the parts of a text file as one file again; it appears whole or not at all.

    :param parts: the parts of one file, in their order.
    :param target: where to write it.
    :raises EciBillFileError: when a part cannot be read or its header is not that of the first one.
    :raises EciValidationError: when the target names no file.
    """
    checked_destination(target, name="target", what="the file that the parts are joined to", source="join_parts")
    preamble = None
    with atomic_write(target) as file:
        for part in parts:
            for table in tables(part):
                if preamble is None:
                    preamble = table.preamble
                    file.write(preamble.encode())
                if table.preamble != preamble:
                    raise EciBillFileError("its header is not that of the first part.", file=table.name)
                for _, _, texts in table.stretches():
                    file.write("".join(texts).encode())


# Rows that follow each other: the text of empty ones that stay with the bill before; the text of each row, that of
# empty ones behind it included; and at which of these a bill starts.
_Stretch: TypeAlias = "tuple[str, list[str], list[int]]"


def _as_they_are(table: Table, keys: BillKeys) -> Iterator[_Stretch]:
    last: KeyCells = ()
    for _, cells, texts in table.stretches():
        ahead = ""
        if not all(cells):
            ahead, *texts = _with_empty_ones(cells, texts)
            cells = [found for found in cells if found]
        key_cells = keys.key_cells(cells)
        yield ahead, texts, keys.starts(key_cells, last)
        last = key_cells[-1] if key_cells else last


def _with_empty_ones(cells: list[list[str]], texts: list[str]) -> list[str]:
    """Return the text of the empty rows above all others, and the text of each other one with those below it."""
    joined = [""]
    for found, text in zip(cells, texts, strict=True):
        if found:
            joined.append(text)
        else:
            joined[-1] += text
    return joined


def _sorted(table: Table, keys: BillKeys) -> Iterator[_Stretch]:
    """Iterate likewise over the rows in the documented order, empty ones left out."""
    header = table.preamble
    line_end = header[len(header.rstrip("\r\n")) :]
    # Only the file's last row may lack a line end; wherever it goes, another may follow.
    ended = (
        (keys.key_of(cells), raw if raw.endswith(("\n", "\r")) else raw + line_end)
        for _, cells, raw in table.rows()
        if cells
    )
    ordered = sorted_rows(ended)
    last: BillKey | None = None
    while some := list(islice(ordered, _SORTED_ROWS)):
        starts = []
        for place, (key, _) in enumerate(some):
            if key != last:
                starts.append(place)
                last = key
        yield "", [raw for _, raw in some], starts


class _Parts:
    """
    Write rows into parts.

    A row is written before it is known how long its bill is; where the part gets too long, the bill that was begun
    in it moves to the next part. So no bill needs to fit into memory.
    """

    def __init__(self, folder: Any, names: Iterator[str], preamble: bytes, rows_per_file: int) -> None:
        self._folder, self._names, self._preamble, self._limit = folder, names, preamble, rows_per_file
        self._published: list[str] = []
        self._stack = ExitStack()
        # How many rows are in the part, and how many of them, in how many bytes, before its last bill.
        self._rows = self._rows_before = 0
        self._bytes_before = len(preamble)
        self._begin_part()

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, stretches: Iterable[_Stretch]) -> None:
        """Write rows; empty ones stay with the bill before them."""
        for ahead, texts, starts in stretches:
            self._file.write(ahead.encode())
            done = self._write_full_parts(texts, starts)
            if starts and starts[-1] >= done:
                self._add(texts[done : starts[-1]])
                self._begin_bill()
                done = starts[-1]
            self._add(texts[done:])

    def finish(self) -> list[str]:
        """Publish the last part, and return where all of them lie."""
        self._published.append(self._draft.publish())
        return self._published

    def _write_full_parts(self, texts: list[str], starts: list[int]) -> int:
        """Write rows while there are more than fit into the part, and return how many were written."""
        done = 0
        while self._rows + len(texts) - done > self._limit:
            # The first row that finds no room, and the bill that it belongs to.
            crowded = done + max(self._limit - self._rows, 0)
            following = bisect(starts, crowded)
            start = starts[following - 1] if following else -1
            if start > done or (start == done and self._rows):
                end = start
            elif self._rows_before:
                self._next_part()
                continue
            elif following < len(starts):
                # The bill is alone in the part, and longer than one.
                end = starts[following]
            else:
                break
            self._add(texts[done:end])
            self._begin_bill()
            self._next_part()
            done = end
        return done

    def _add(self, texts: list[str]) -> None:
        self._file.write("".join(texts).encode())
        self._rows += len(texts)

    def _begin_bill(self) -> None:
        self._rows_before, self._bytes_before = self._rows, self._file.tell()

    def _begin_part(self) -> None:
        self._draft: Draft = self._stack.enter_context(open_draft(self._folder / next(self._names)))
        self._file = self._draft.stream
        self._file.write(self._preamble)

    def _next_part(self) -> None:
        """Publish the part up to where its last bill starts, and begin the next one with that bill."""
        full, done = self._draft, self._stack
        self._stack = ExitStack()
        with done:
            self._begin_part()
            full.stream.seek(self._bytes_before)
            copyfileobj(full.stream, self._file)
            full.stream.truncate(self._bytes_before)
            self._published.append(full.publish())
        self._rows -= self._rows_before
        self._rows_before, self._bytes_before = 0, len(self._preamble)
