"""A file goes out in parts, no bill in two of them, and joined they are the file again."""

from __future__ import annotations

import csv
import io
import os
from itertools import pairwise
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
    archive,
    location_digest,
    part_name,
    read_at_once,
    row,
    text,
    workbook,
)

CELLS = st.one_of(
    st.just(row()),
    st.just([""] * 3),
    st.just([]),
    st.builds(
        row,
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


def _read(content: bytes) -> list[list[str]]:
    """Read rows as Python's own reader does, the header and empty ones left out."""
    cells = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    return [found for found in cells if any(cell.strip() for cell in found)][1:]


def _bill(cells: list[str]) -> tuple[Any, ...]:
    account, start, _, vendor = [*cells, "", "", "", ""][:4]
    end = [*cells, "", "", ""][2].strip()
    start = {"1/1/2025": "01/01/2025"}.get(start.strip(), start.strip())
    return account.strip(), start, end, vendor.strip()


def _split(content: bytes, folder: str | Path, name: str = "bills.csv", **arguments: Any) -> list[Path]:
    file = Path(folder) / name
    file.write_bytes(content)
    parts = split_file(file, Path(folder) / "parts", **{"mapping": MAPPING, **arguments})
    return [Path(part) for part in parts]


@given(content=files(), rows_per_file=st.integers(1, 7), name=NAMES, at_once=AT_ONCE)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_joined_parts_are_the_file_and_no_bill_lies_in_two(
    content: bytes, rows_per_file: int, name: str, at_once: tuple[int, int]
) -> None:
    with TemporaryDirectory() as folder, read_at_once(*at_once):
        parts = _split(content, folder, name, rows_per_file=rows_per_file)
        join_parts(parts, Path(folder) / "joined.csv")

        assert (Path(folder) / "joined.csv").read_bytes() == content
        assert sorted(os.listdir(Path(folder) / "parts")) == [part.name for part in parts]
        rows = [_read(part.read_bytes()) for part in parts]
    for before, after in pairwise(rows):
        assert _bill(before[-1]) != _bill(after[0])
        # Parts are full: the next bill would not have fitted.
        begun = [cells for cells in after if _bill(cells) == _bill(after[0])]
        assert len(before) + len(begun) > rows_per_file
    for part in rows:
        assert len(part) <= rows_per_file or len({_bill(cells) for cells in part}) == 1


@given(content=files(), rows_per_file=st.integers(1, 7), at_once=AT_ONCE)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_sorted_parts_hold_every_row_and_bills_torn_apart_meet(
    content: bytes, rows_per_file: int, at_once: tuple[int, int]
) -> None:
    with TemporaryDirectory() as folder, read_at_once(*at_once):
        parts = _split(content, folder, rows_per_file=rows_per_file, sort=True)
        rows = [cells for part in parts for cells in _read(part.read_bytes())]

    assert sorted(rows) == sorted(_read(content))
    bills = [_bill(cells) for cells in rows]
    changes = [bill for bill, before in zip(bills, [None, *bills], strict=False) if bill != before]
    assert len(changes) == len(set(bills))
    for bill in set(bills):
        of_it = [cells for cells in rows if _bill(cells) == bill]
        assert of_it == [cells for cells in _read(content) if _bill(cells) == bill]


def test_the_documented_order_is_account_vendor_start_end(tmp_path: Path) -> None:
    wanted = [
        row(account="1", vendor="A", start="02/01/2024"),
        row(account="1", vendor="A", start="01/02/2025", end="01/03/2025"),
        row(account="1", vendor="A", start="1/2/2025", end="02/01/2025"),
        row(account="1", vendor="B", start="01/01/2020"),
        row(account="10", vendor="A"),
        row(account="2"),
    ]

    (part,) = _split(text(*reversed(wanted)).encode(), tmp_path, sort=True)

    assert _read(part.read_bytes()) == wanted


def test_the_real_bills_in_parts(tmp_path: Path) -> None:
    mapping = mapping_from_file(NYCHA, **NYCHA_NAMES)

    parts = split_file(NYCHA, tmp_path / "parts", rows_per_file=21, mapping=mapping)

    assert [Path(part).name for part in parts] == [part_name(NYCHA, number) for number in (1, 2, 3)]
    rows = [_read(Path(part).read_bytes()) for part in parts]
    # Rows 21 and 22 of the source are one bill.
    assert len(rows[0]) == 20
    assert [(before[-1][2:6] == after[0][2:6]) for before, after in pairwise(rows)] == [False, False]
    join_parts(parts, tmp_path / "joined.csv")
    assert (tmp_path / "joined.csv").read_bytes() == NYCHA.read_bytes()


def test_a_bill_longer_than_a_part_stays_whole(tmp_path: Path) -> None:
    rows = [row(account="0"), *[row(note=str(number)) for number in range(5)], row(account="2")]

    parts = _split(text(*rows).encode(), tmp_path, rows_per_file=2)

    assert [_read(part.read_bytes()) for part in parts] == [rows[:1], rows[1:6], rows[6:]]


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("length", [2, 70, 200])
def test_a_bill_that_was_begun_in_a_full_part_moves_to_the_next_one(
    length: int, sort: bool, tmp_path: Path
) -> None:
    rows = [row(account="0"), *[row(note=str(number)) for number in range(length)], row(account="2")]

    parts = _split(text(*rows).encode(), tmp_path, rows_per_file=length, sort=sort)

    assert [_read(part.read_bytes()) for part in parts] == [rows[:1], rows[1:-1], rows[-1:]]


def test_splitting_again_makes_the_same_parts_and_leaves_nothing_else(tmp_path: Path) -> None:
    content = text(*[row(account=str(number)) for number in range(9)]).encode()
    first = {part: part.read_bytes() for part in _split(content, tmp_path, rows_per_file=4)}

    again = {part: part.read_bytes() for part in _split(content, tmp_path, rows_per_file=4)}

    assert len(again) == 3
    assert list(again.items()) == list(first.items())
    assert sorted((tmp_path / "parts").iterdir()) == sorted(first)


@pytest.mark.parametrize("broken", [b'"bro"ken\n', b'"never closed\n1\n2\n', "Zürich\n".encode("latin-1")])
def test_a_file_broken_far_down_leaves_only_whole_parts(broken: bytes, tmp_path: Path) -> None:
    content = text(*[row(account=str(number)) for number in range(10)]).encode() + broken

    with pytest.raises(EciBillFileError, match=r"'bills.csv', row 12"):
        _split(content, tmp_path, rows_per_file=4)

    left = {part.name: len(_read(part.read_bytes())) for part in (tmp_path / "parts").iterdir()}
    assert left == {part_name(tmp_path / "bills.csv", number): 4 for number in (1, 2)}


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

    parts = _split(text(*rows, header=header).encode(), tmp_path, mapping=None, rows_per_file=1)

    assert [_read(part.read_bytes()) for part in parts] == [rows[:2], rows[2:]]


def test_each_file_in_a_zip_is_split_by_itself(tmp_path: Path) -> None:
    rows = [row(account=str(number)) for number in range(3)]
    content = text(*rows).encode()
    file = tmp_path / "all.zip"
    file.write_bytes(archive([("may/a.csv", content), ("june/a.csv", content), ("b.TXT", text().encode())]))

    parts = split_file(str(file), tmp_path / "parts", rows_per_file=2, mapping=MAPPING)

    begin = f"all-{location_digest(file)}"
    assert [(Path(part).name, len(_read(Path(part).read_bytes()))) for part in parts] == [
        (f"{begin}-01-a-0001.csv", 2),
        (f"{begin}-01-a-0002.csv", 1),
        (f"{begin}-02-a-0001.csv", 2),
        (f"{begin}-02-a-0002.csv", 1),
        (f"{begin}-03-b-0001.TXT", 0),
    ]


def test_files_of_one_name_share_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"north": row(account="1"), "south": row(account="2")}
    for folder, cells in rows.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "bills.csv").write_text(text(cells))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "newest").symlink_to("south")

    parts = [split_file(f"{folder}/bills.csv", "parts", mapping=MAPPING) for folder in rows]
    again = [
        split_file(way, "parts", mapping=MAPPING)
        for way in (tmp_path / "north" / "bills.csv", "./north/../newest/bills.csv")
    ]

    assert [[_read(Path(part).read_bytes()) for part in found] for found in parts] == [
        [[rows["north"]]],
        [[rows["south"]]],
    ]
    assert again == parts
    assert len(list((tmp_path / "parts").iterdir())) == 2


@pytest.mark.parametrize("name", ["b" * 251 + ".csv", "é" * 125 + ".csv"])
def test_a_file_whose_name_is_as_long_as_names_can_be_is_split(name: str, tmp_path: Path) -> None:
    rows = [row(account=str(number)) for number in range(3)]
    content = text(*rows).encode()
    (tmp_path / "all.zip").write_bytes(archive([(name, content), (name.replace(".csv", "x.csv"), content)]))

    parts = _split(content, tmp_path, name, rows_per_file=1)
    zipped = split_file(tmp_path / "all.zip", tmp_path / "zipped", mapping=MAPPING)

    assert [_read(part.read_bytes()) for part in parts] == [[cells] for cells in rows]
    end = f"{location_digest(tmp_path / name)}-0003.csv"
    assert parts[2].name == f"{name[: 200 // len(name[0].encode())]}-{end}"
    assert len(set(zipped)) == 2


def test_a_part_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    sync = os.fsync

    def fsync(file: int) -> None:
        sync(file)
        synced.append(os.fstat(file).st_ino)
        named = [entry.inode() for entry in os.scandir(tmp_path / "parts") if entry.name.endswith(".csv")]
        assert synced[-1] not in named

    monkeypatch.setattr(os, "fsync", fsync)

    parts = _split(text(row(account="1"), row(account="2")).encode(), tmp_path, rows_per_file=1)

    assert synced == [part.stat().st_ino for part in parts]


def _attach_memory() -> None:
    """Let Airflow open memory://, which stands for the object store that these tests have not."""
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

    assert [_read(ObjectStoragePath(part).read_bytes()) for part in parts] == [[rows[0]], [rows[1]]]
    assert local == [f"{tmp_path}/parts/{Path(part).name}" for part in parts]
    assert not {Path(part).name for part in other} & {Path(part).name for part in parts}
    assert ways[0] == ways[1]
    assert [_read(Path(part).read_bytes()) for part in local] == [[rows[0]], [rows[1]]]


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


def test_a_file_whose_columns_are_called_otherwise_is_not_split(tmp_path: Path) -> None:
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


def test_good_rows_are_what_these_tests_take_them_for() -> None:
    assert _bill(GOOD) == ("1001", "01/01/2025", "01/31/2025", "")
