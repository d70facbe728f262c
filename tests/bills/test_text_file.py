"""Text files are read row by row, in blocks of any size, and no byte is lost."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci_provider.bills.reading import tables
from eci_provider.bills.tables import Row
from tests.support.bill_files import (
    FileInMemory,
    read_at_once,
    rows_of,
    text,
)


@dataclass
class Whole:
    header: list[str]
    preamble: str
    rows: list[Row]

    @property
    def content(self) -> bytes:
        return (self.preamble + "".join(raw for _, _, raw in self.rows)).encode()


def _whole(content: bytes) -> Whole:
    (found,) = [
        Whole(table.header, table.preamble, list(table.rows())) for table in tables(FileInMemory("a.csv", content))
    ]
    return found


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["bills.csv", "bills.DAT", "bills.txt"])
def test_text_files_with_any_line_end_and_mark(name: str, line_end: str, mark: bytes) -> None:
    content = mark + text(["Å", 'say "so",\nhere'], ["b", ""], header=["A", "B"], line_end=line_end).encode()

    whole = _whole(content)

    assert whole.header == ["A", "B"]
    assert [(number, cells) for number, cells, _ in whole.rows] == [(2, ["Å", 'say "so",\nhere']), (3, ["b", ""])]
    assert whole.content == content
    assert rows_of(name, content) == {name: whole.rows}


@given(
    rows=st.lists(st.lists(st.text("aä,\"'\n\r; \ufeff", max_size=4), min_size=1, max_size=4), max_size=8),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    at_once=st.sampled_from([(1, 1), (5, 2), (32 * 1024, 96)]),
)
@settings(deadline=None, derandomize=True)
def test_no_byte_is_lost(rows: list[list[str]], line_end: str, at_once: tuple[int, int]) -> None:
    content = text(*rows, header=["A"], line_end=line_end, quoting=csv.QUOTE_ALL).encode()

    with read_at_once(*at_once):
        whole = _whole(content)

    assert whole.content == content
    wanted = [cells if any(cell.strip() for cell in cells) else [] for cells in rows]
    assert [cells for _, cells, _ in whole.rows] == wanted


def test_rows_of_only_commas_have_no_cells_and_may_be_above_the_header() -> None:
    whole = _whole(b",,\n\n A ,B,,\n , \n1,2\n")

    assert (whole.header, whole.preamble) == (["A", "B"], ",,\n\n A ,B,,\n")
    assert [(number, cells) for number, cells, _ in whole.rows] == [(4, []), (5, ["1", "2"])]
