"""A bill is compared with all others, whichever file of a ZIP they are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bill_files import (
    archive,
    check_content,
    row,
    text,
)


def _found_in_zip(folder: Path, *files: list[list[str]]) -> list[tuple[str, str, int | None, str]]:
    """Check a ZIP of files, and return what is found, and in which of them."""
    names = [f"{folder_of}/bills.csv" for folder_of in "abc"]
    content = archive([(name, text(*rows).encode()) for name, rows in zip(names, files, strict=False)])
    return [
        (problem.rule.code, problem.file, problem.row, problem.message)
        for problem in check_content(folder, content, "bills.zip")
    ]


@pytest.mark.parametrize(
    ("second", "code", "words"),
    [
        (row(meter="M2"), "bill_torn", "It belongs to the bill of {}; other rows lie between."),
        (row(), "bill_rebilled", "It replaces the bill of {}: same account, dates and meters."),
    ],
)
def test_a_bill_may_be_in_two_files_of_a_zip(second: list[str], code: str, words: str, tmp_path: Path) -> None:
    found = _found_in_zip(tmp_path, [row(account="0"), row()], [row(account="2")], [second, row(account="3")])

    words = words.format("row 3 of 'a/bills.csv', another file")
    assert found == [(code, "c/bills.csv", 2, words)]


def test_a_bill_torn_within_a_file_of_a_zip_is_reported_without_naming_a_file(tmp_path: Path) -> None:
    found = _found_in_zip(tmp_path, [row()], [row(account="2"), row(account="3"), row(account="2", meter="M2")])

    assert [place[:3] for place in found] == [("out_of_order", "b/bills.csv", 4), ("bill_torn", "b/bills.csv", 4)]
    assert found[1][3] == "It belongs to the bill of row 2; other rows lie between."


def test_files_of_a_zip_may_come_in_any_order_but_periods_of_a_meter_may_not_overlap(tmp_path: Path) -> None:
    later = row(start="01/31/2025", end="02/28/2025")
    overlapping = row(start="02/27/2025", end="03/27/2025")

    assert _found_in_zip(tmp_path, [later], [row()]) == []
    found = _found_in_zip(tmp_path, [later], [overlapping])
    assert [place[:3] for place in found] == [("period_overlap", "b/bills.csv", 2)]
