"""Parts are full, and a bill that does not fit moves to the next one as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eci_provider.bills import EciBillFileError
from tests.support.bill_files import (
    data_rows,
    part_name,
    row,
    split_content,
    text,
)


def test_a_bill_longer_than_a_part_stays_whole(tmp_path: Path) -> None:
    rows = [row(account="0"), *[row(note=str(number)) for number in range(5)], row(account="2")]

    parts = split_content(text(*rows).encode(), tmp_path, rows_per_file=2)

    assert [data_rows(part.read_bytes()) for part in parts] == [rows[:1], rows[1:6], rows[6:]]


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("length", [2, 70, 200])
def test_a_bill_that_was_begun_in_a_full_part_moves_to_the_next_one(
    length: int, sort: bool, tmp_path: Path
) -> None:
    rows = [row(account="0"), *[row(note=str(number)) for number in range(length)], row(account="2")]

    parts = split_content(text(*rows).encode(), tmp_path, rows_per_file=length, sort=sort)

    assert [data_rows(part.read_bytes()) for part in parts] == [rows[:1], rows[1:-1], rows[-1:]]


@pytest.mark.parametrize("broken", [b'"bro"ken\n', b'"never closed\n1\n2\n', "Zürich\n".encode("latin-1")])
def test_a_file_broken_far_down_leaves_only_whole_parts(broken: bytes, tmp_path: Path) -> None:
    content = text(*[row(account=str(number)) for number in range(10)]).encode() + broken

    with pytest.raises(EciBillFileError, match=r"'bills.csv', row 12"):
        split_content(content, tmp_path, rows_per_file=4)

    left = {part.name: len(data_rows(part.read_bytes())) for part in (tmp_path / "parts").iterdir()}
    assert left == {part_name(tmp_path / "bills.csv", number): 4 for number in (1, 2)}


def test_a_part_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    sync = os.fsync

    def fsync(file: int) -> None:
        sync(file)
        synced.append(os.fstat(file).st_ino)
        named = [entry.inode() for entry in os.scandir(tmp_path / "parts") if entry.name.endswith(".csv")]
        assert synced[-1] not in named

    monkeypatch.setattr(os, "fsync", fsync)

    parts = split_content(text(row(account="1"), row(account="2")).encode(), tmp_path, rows_per_file=1)

    assert synced == [part.stat().st_ino for part in parts]
