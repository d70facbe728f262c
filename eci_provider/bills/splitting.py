"""The split of a bill file: EnergyCAP advises at most 5,000 rows a file (help centre, Advanced file format)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.bills.check_options import ADVISED_ROWS
from eci_provider.bills.errors import EciBillFileError
from eci_provider.bills.keys import BillKeys, KeyCells
from eci_provider.bills.layout import layout_for
from eci_provider.bills.mapping import column_mapping
from eci_provider.bills.part_names import named_tables
from eci_provider.bills.parts import PartWriter, Stretch
from eci_provider.bills.reading import tables
from eci_provider.bills.sorting import sorted_stretches
from eci_provider.bills.tables import Table
from eci_provider.core.checks import FILE, FOLDER, checked_path, whole_number
from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import AnyPath
from eci_provider.storage.atomic import atomic_write, open_folder
from eci_provider.storage.object_store import open_path


def split_file(
    file: AnyPath,
    destination: AnyPath,
    *,
    rows_per_file: int = ADVISED_ROWS,
    mapping: ColumnMapping | Mapping[str, Any] | None = None,
    sort: bool = False,
) -> list[str]:
    """
    Write a bill file's rows into parts, each with the header at its top.

    Consecutive rows of a bill are never separated; a bill longer than a part makes a longer part. Consecutive
    bills of an account stay together where they fit into one part. A part appears complete or not at all. The
    same file and arguments make the same parts with the same names (``bills-3f2a91c4-0001.csv``: the file's name,
    a digest of its location, a number); other files make parts with other names. Other files in the destination
    stay there, so use the returned paths. Memory is bounded.

    :param file: a CSV, DAT or TXT file, or a ZIP of them, which are split one by one: a local path, a URL that
        Airflow's ObjectStoragePath opens, or such a path.
    :param destination: the folder of the parts, likewise; it is made where it is missing.
    :param rows_per_file: how many rows a part has at most, without the header and empty rows.
    :param mapping: which column has which meaning, as :func:`~eci_provider.bills.mapping.column_mapping` takes it;
        without it the file is in Advanced format.
    :param sort: whether to sort the rows into the documented order first (account, vendor, start, end), which
        brings the rows of each bill together; empty rows are left out then. A file in which the order decides
        what a bill is, such as one with rebills, is refused.
    :return: the paths of the parts, in their order: import them in this order.
    :raises EciBillFileError: when the file cannot be read, is a workbook, or cannot be sorted without changing a
        bill; parts written before stay.
    :raises EciValidationError: when an argument is wrong.
    :raises EciWriteError: when a part cannot be written.
    """
    split = BillFileSplit(file, destination, rows_per_file=rows_per_file, sort=sort, source="split_file")
    return split.run(None if mapping is None else column_mapping(mapping, source="split_file"))


class BillFileSplit:
    """
    The split of a bill file.

    :param file: as for :func:`split_file`, and so are the following ones.
    :param destination: the folder of the parts.
    :param rows_per_file: how many rows a part has at most.
    :param sort: whether to sort the rows first.
    :param source: whose arguments they are, for messages.
    :raises EciValidationError: when one is wrong.
    """

    def __init__(
        self, file: AnyPath, destination: AnyPath, *, rows_per_file: int, sort: bool, source: str
    ) -> None:
        checked_path(file, name="file", description=FILE, source=source)
        checked_path(destination, name="destination", description=FOLDER, source=source)
        check_split_options(rows_per_file, sort, source=source)
        self._file, self._destination, self._source = file, destination, source
        self._rows_per_file, self._sort = rows_per_file, sort

    def run(self, mapping: ColumnMapping | None) -> list[str]:
        """
        Write the parts.

        :param mapping: which column has which meaning; None for Advanced format.
        :return: the paths of the parts, in their order.
        """
        file = open_path(self._file)
        folder = open_folder(self._destination, name="destination", description=FOLDER, source=self._source)
        parts: list[str] = []
        for names, table in named_tables(file):
            if table.is_workbook:
                problem = "a workbook cannot be split. Save its first sheet as 'CSV UTF-8' and split that."
                raise EciBillFileError(problem, file=table.name)
            layout = layout_for(table.header, mapping, file=table.name)
            keys = BillKeys(layout)
            stretches = sorted_stretches(table, keys, layout) if self._sort else _in_file_order(table, keys)
            with PartWriter(folder, names, table.preamble.encode(), self._rows_per_file) as writer:
                parts += writer.write(stretches)
        return parts


def check_split_options(rows_per_file: Any, sort: Any, *, source: str) -> None:
    """
    Refuse wrong options of a split.

    :param rows_per_file: how many rows a part has at most.
    :param sort: whether to sort; a text such as "False" would count as true.
    :param source: whose arguments they are, for the message.
    :raises EciValidationError: when one is wrong.
    """
    whole_number("rows_per_file", rows_per_file, 1, None, source=source)
    if not isinstance(sort, bool):
        raise EciValidationError([f"sort is {sort!r}: must be True or False"], source=source)


def join_parts(parts: Iterable[AnyPath], target: AnyPath) -> None:
    """
    Write the parts of a text file into one file again; it appears complete or not at all.

    :param parts: the parts of one file, in their order.
    :param target: the path of the file.
    :raises EciBillFileError: when a part cannot be read, or its header is not that of the first part.
    :raises EciValidationError: when the target names no file.
    :raises EciWriteError: when the file cannot be written.
    """
    checked_path(target, name="target", description="the file that the parts are joined to", source="join_parts")
    preamble = None
    with atomic_write(target) as file:
        for part in parts:
            for table in tables(open_path(part)):
                if preamble is None:
                    preamble = table.preamble
                    file.write(preamble.encode())
                if table.preamble != preamble:
                    raise EciBillFileError("its header is not that of the first part.", file=table.name)
                for _, _, texts in table.stretches():
                    file.write("".join(texts).encode())


def _in_file_order(table: Table, keys: BillKeys) -> Iterator[Stretch]:
    last: KeyCells = ()
    for _, cells, texts in table.stretches():
        above = ""
        if not all(cells):
            above, *texts = _joined_with_empty(cells, texts)
            cells = [found for found in cells if found]
        key_cells = keys.key_cells(cells)
        starts = keys.starts(key_cells, last)
        accounts = [
            index
            for index in starts
            if (key_cells[index - 1] if index else last or ("",))[0].strip() != key_cells[index][0].strip()
        ]
        yield Stretch(above, texts, starts, accounts)
        last = key_cells[-1] if key_cells else last


def _joined_with_empty(cells: list[list[str]], texts: list[str]) -> list[str]:
    """Return the text of the empty rows above all others, then the text of each row with the empty ones below."""
    joined = [""]
    for found, text in zip(cells, texts, strict=True):
        if found:
            joined.append(text)
        else:
            joined[-1] += text
    return joined
