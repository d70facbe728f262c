"""Parts of the same file have the same names, and parts of other files have others."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.bills import split_file
from tests.support.bill_files import (
    MAPPING,
    archive,
    data_rows,
    location_digest,
    row,
    split_content,
    text,
)


def test_each_file_in_a_zip_is_split_by_itself(tmp_path: Path) -> None:
    rows = [row(account=str(number)) for number in range(3)]
    content = text(*rows).encode()
    file = tmp_path / "all.zip"
    file.write_bytes(archive([("may/a.csv", content), ("june/a.csv", content), ("b.TXT", text().encode())]))

    parts = split_file(str(file), tmp_path / "parts", rows_per_file=2, mapping=MAPPING)

    begin = f"all-{location_digest(file)}"
    assert [(Path(part).name, len(data_rows(Path(part).read_bytes()))) for part in parts] == [
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

    assert [[data_rows(Path(part).read_bytes()) for part in found] for found in parts] == [
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

    parts = split_content(content, tmp_path, name, rows_per_file=1)
    zipped = split_file(tmp_path / "all.zip", tmp_path / "zipped", mapping=MAPPING)

    assert [data_rows(part.read_bytes()) for part in parts] == [[cells] for cells in rows]
    end = f"{location_digest(tmp_path / name)}-0003.csv"
    assert parts[2].name == f"{name[: 200 // len(name[0].encode())]}-{end}"
    assert len(set(zipped)) == 2


def test_splitting_again_makes_the_same_parts_and_leaves_nothing_else(tmp_path: Path) -> None:
    content = text(*[row(account=str(number)) for number in range(9)]).encode()
    first = {part: part.read_bytes() for part in split_content(content, tmp_path, rows_per_file=4)}

    again = {part: part.read_bytes() for part in split_content(content, tmp_path, rows_per_file=4)}

    assert len(again) == 3
    assert list(again.items()) == list(first.items())
    assert sorted((tmp_path / "parts").iterdir()) == sorted(first)
