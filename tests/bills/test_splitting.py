"""A file is split into parts, no bill is in two of them, and joined they are the file again."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from itertools import pairwise, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci_provider.api.errors import EciValidationError
from eci_provider.bills import EciBillFileError, join_parts, mapping_from_file, split_file
from tests.support.bill_files import (
    GOOD,
    HEADER,
    MAPPING,
    NYCHA,
    NYCHA_NAMES,
    data_rows,
    part_name,
    read_at_once,
    row,
    split_content,
    text,
    workbook,
)

CELLS = st.one_of(
    st.just(row()),
    st.just([""] * 3),
    st.just([]),
    st.builds(
        row,
        meter=st.text("0123456789", min_size=9, max_size=9),
        account=st.sampled_from(["1001", "1002", " 1001", 'Zürich, "5"', "1\n2"]),
        start=st.sampled_from(["01/01/2025", "1/1/2025", "01/02/2025", "never"]),
        vendor=st.sampled_from(["", "V"]),
        note=st.sampled_from(["", "a\r\nb", 'a "quoted", b', "é" * 50]),
    ),
    st.lists(st.text('a1",\n\r é', max_size=3), max_size=10),
)

NAMES = st.sampled_from(["bills.csv", "bills.DAT", "bills.txt"])

#: How many characters and how many lines are read at once: bills and rows go on in the next ones, then.
AT_ONCE = st.sampled_from([(1, 1), (7, 1), (50, 2), (300, 3), (32 * 1024, 96)])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    ends = draw(st.sampled_from([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]]))
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]))
    rows = [HEADER, *draw(st.lists(CELLS, max_size=30))]
    written = "".join(text(header=cells, line_end=draw(st.sampled_from(ends)), quoting=quoting) for cells in rows)
    if draw(st.booleans()):
        written = written.rstrip("\r\n")
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + draw(st.sampled_from([b"", b",,\n"])) + written.encode()


def _bill(cells: list[str]) -> tuple[Any, ...]:
    account, start, _, vendor = [*cells, "", "", "", ""][:4]
    end = [*cells, "", "", ""][2].strip()
    start = {"1/1/2025": "01/01/2025"}.get(start.strip(), start.strip())
    return account.strip(), start, end, vendor.strip()


def _account(cells: list[str]) -> str:
    return str(_bill(cells)[0])


def _like_the_first(rows: list[list[str]], key: Callable[[list[str]], Any]) -> int:
    """Return how many of the first rows have the same key."""
    return len([*takewhile(lambda cells: key(cells) == key(rows[0]), rows)])


@given(content=files(), rows_per_file=st.integers(1, 7), name=NAMES, at_once=AT_ONCE)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_joined_parts_are_the_file_and_no_bill_is_in_two(
    content: bytes, rows_per_file: int, name: str, at_once: tuple[int, int]
) -> None:
    with TemporaryDirectory() as folder, read_at_once(*at_once):
        parts = split_content(content, folder, name, rows_per_file=rows_per_file)
        join_parts(parts, Path(folder) / "joined.csv")

        assert (Path(folder) / "joined.csv").read_bytes() == content
        assert sorted(os.listdir(Path(folder) / "parts")) == [part.name for part in parts]
        rows = [data_rows(part.read_bytes()) for part in parts]
    for number, (before, after) in enumerate(pairwise(rows), start=1):
        assert _bill(before[-1]) != _bill(after[0])
        # Parts are full: the next account would not have fitted, or the next bill of an account that fits into
        # none.
        is_same_account = _bill(before[-1])[0] == _bill(after[0])[0]
        following = [cells for part in rows[number:] for cells in part]
        begun = _like_the_first(following, _bill if is_same_account else _account)
        assert len(before) + begun > rows_per_file
    for before, after in pairwise(rows):
        if _account(before[-1]) == _account(after[0]):
            # An account is in two parts only if it fits into none.
            above, below = _like_the_first(before[::-1], _account), _like_the_first(after, _account)
            assert above + below > rows_per_file
    for part in rows:
        assert len(part) <= rows_per_file or len({_bill(cells) for cells in part}) == 1


def _refused(error: EciBillFileError) -> None:
    """Expect that a file was refused since its order says what its bills are."""
    assert "cannot be sorted" in error.problem


@given(content=files(), rows_per_file=st.integers(1, 7), at_once=AT_ONCE)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_sorted_parts_have_every_row_and_each_bill_is_together(
    content: bytes, rows_per_file: int, at_once: tuple[int, int]
) -> None:
    with TemporaryDirectory() as folder, read_at_once(*at_once):
        try:
            parts = split_content(content, folder, rows_per_file=rows_per_file, sort=True)
        except EciBillFileError as error:
            _refused(error)
            return
        rows = [cells for part in parts for cells in data_rows(part.read_bytes())]

    assert sorted(rows) == sorted(data_rows(content))
    bills = [_bill(cells) for cells in rows]
    changes = [bill for bill, before in zip(bills, [None, *bills], strict=False) if bill != before]
    assert len(changes) == len(set(bills))
    for bill in set(bills):
        of_it = [cells for cells in rows if _bill(cells) == bill]
        assert of_it == [cells for cells in data_rows(content) if _bill(cells) == bill]


def test_the_documented_order_is_account_vendor_start_end(tmp_path: Path) -> None:
    wanted = [
        row(account="1", vendor="A", start="02/01/2024"),
        row(account="1", vendor="A", start="01/02/2025", end="01/03/2025"),
        row(account="1", vendor="A", start="1/2/2025", end="02/01/2025"),
        row(account="1", vendor="B", start="01/01/2020"),
        row(account="10", vendor="A"),
        row(account="2"),
    ]

    (part,) = split_content(text(*reversed(wanted)).encode(), tmp_path, sort=True)

    assert data_rows(part.read_bytes()) == wanted


def test_the_real_bills_in_parts(tmp_path: Path) -> None:
    mapping = mapping_from_file(NYCHA, **NYCHA_NAMES)

    parts = split_file(NYCHA, tmp_path / "parts", rows_per_file=21, mapping=mapping)

    assert [Path(part).name for part in parts] == [part_name(NYCHA, number) for number in (1, 2, 3, 4)]
    rows = [data_rows(Path(part).read_bytes()) for part in parts]
    # The rows of building "10.0 - BLD 09" fit into no part, so they fill one, and the others follow.
    assert [len(found) for found in rows] == [20, 2, 20, 17]
    assert [(before[-1][2:6] == after[0][2:6]) for before, after in pairwise(rows)] == [False, False, False]
    join_parts(parts, tmp_path / "joined.csv")
    assert (tmp_path / "joined.csv").read_bytes() == NYCHA.read_bytes()


def test_without_a_mapping_the_file_is_advanced(tmp_path: Path) -> None:
    header = [
        "Account code",
        "Start Date",
        "End Date",
        "A/C/E",
        "Metercode",
        "*Vendor",
        "USE:KWH:Energy",
        "VENDORCODE",
    ]
    rows = [["1", "20250101", "20250131", "A", meter, meter, "5", vendor] for meter, vendor in ("1V", "2V", "3W")]

    parts = split_content(text(*rows, header=header).encode(), tmp_path, mapping=None, rows_per_file=1)

    assert [data_rows(part.read_bytes()) for part in parts] == [rows[:2], rows[2:]]


def _attach_memory() -> None:
    """Let Airflow open memory://, which these tests use as object store."""
    from fsspec.implementations.memory import MemoryFileSystem

    try:
        from airflow.sdk.io.store import attach
    except ImportError:
        from airflow.io.store import attach
    attach("memory", fs=MemoryFileSystem())


def test_an_object_store_may_be_on_both_sides(tmp_path: Path) -> None:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    _attach_memory()
    source, target = ObjectStoragePath("memory://in/bills.csv"), ObjectStoragePath("memory://out/parts")
    rows = [row(account="1"), row(account="2")]
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(text(*rows).encode())

    parts = split_file(source, target, rows_per_file=1, mapping=MAPPING)
    local = split_file(source, ObjectStoragePath(f"file://{tmp_path}/parts"), rows_per_file=1, mapping=MAPPING)
    namesake = ObjectStoragePath("memory://in/south/bills.csv")
    namesake.parent.mkdir(parents=True, exist_ok=True)
    namesake.write_bytes(text(*rows).encode())
    other = split_file(namesake, target, mapping=MAPPING)
    (tmp_path / "bills.csv").write_bytes(text(*rows).encode())
    ways = [
        split_file(way, tmp_path / "here", mapping=MAPPING)
        for way in (ObjectStoragePath(f"file://{tmp_path}/bills.csv"), tmp_path / "bills.csv")
    ]

    assert [data_rows(ObjectStoragePath(part).read_bytes()) for part in parts] == [[rows[0]], [rows[1]]]
    assert local == [f"{tmp_path}/parts/{Path(part).name}" for part in parts]
    assert not {Path(part).name for part in other} & {Path(part).name for part in parts}
    assert ways[0] == ways[1]
    assert [data_rows(Path(part).read_bytes()) for part in local] == [[rows[0]], [rows[1]]]


@pytest.mark.parametrize("rows_per_file", [0, -1, True, "5000", 2.5])
def test_a_part_has_a_row_at_least(rows_per_file: Any, tmp_path: Path) -> None:
    with pytest.raises(EciValidationError, match="rows_per_file"):
        split_file(NYCHA, tmp_path / "parts", rows_per_file=rows_per_file)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sort", ["False", None, 1])
def test_whether_to_sort_is_true_or_false(sort: Any, tmp_path: Path) -> None:
    with pytest.raises(EciValidationError, match=r"sort is .*: must be True or False"):
        split_file(NYCHA, tmp_path / "parts", sort=sort)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xlsx", workbook(["Account"], ["1"]), "a workbook cannot be split"),
        ("a.csv", text(header=["Account", "Start", "End"]).encode(), "column 8 is mapped"),
    ],
)
def test_what_cannot_be_split_is_refused(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(content)

    with pytest.raises(EciBillFileError, match=words):
        split_file(file, tmp_path / "parts", mapping=MAPPING)


def test_a_file_whose_columns_have_other_names_is_not_split(tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    content = NYCHA.read_text().replace("KWH Charges,", "KW Charges,", 1)
    file.write_text(content)

    with pytest.raises(EciBillFileError, match="must be 'KWH Charges' and is 'KW Charges'"):
        split_file(file, tmp_path / "parts", mapping={**NYCHA_NAMES, "sample_file": NYCHA})

    assert list((tmp_path / "parts").iterdir()) == []


def test_parts_of_different_files_are_not_joined(tmp_path: Path) -> None:
    for name, header in (("a.csv", "A\n1\n"), ("b.csv", "B\n1\n")):
        (tmp_path / name).write_text(header)

    with pytest.raises(EciBillFileError, match=r"'b.csv'.*header"):
        join_parts([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "joined.csv")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_a_good_row_makes_the_bill_that_these_tests_expect() -> None:
    assert _bill(GOOD) == ("1001", "01/01/2025", "01/31/2025", "")
