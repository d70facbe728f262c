"""Each file in a ZIP is read."""

from __future__ import annotations

import pytest

from eci_provider.bills.errors import EciBillFileError
from tests.support.bill_files import (
    archive,
    rows_of,
    workbook,
)


def test_a_zip_gives_each_file_in_it() -> None:
    content = archive([("one.csv", b"A\n1\n"), ("folder/two.xlsx", workbook(["B"], ["2"])), ("three.txt", b"C\n")])

    found = rows_of("all.zip", content)

    assert {name: [cells for _, cells, _ in rows] for name, rows in found.items()} == {
        "one.csv": [["1"]],
        "folder/two.xlsx": [["2"]],
        "three.txt": [],
    }


def test_a_damaged_zip_is_reported_with_the_row() -> None:
    content = bytearray(archive([("a.csv", b"A\n" + b"".join(b"%d,\n" % number for number in range(99_999)))]))
    content[len(content) // 2] ^= 0xFF

    with pytest.raises(EciBillFileError, match=r"'a.csv', row \d+: it cannot be unpacked"):
        rows_of("bills.zip", bytes(content))
