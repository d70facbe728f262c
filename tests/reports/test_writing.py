"""What writing a report returns, and what it raises."""

from __future__ import annotations

import errno
import os
import sqlite3
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from eci_provider.api.kickouts.report import KickoutRow
from eci_provider.reports import EciReportError, write_report
from tests.support.odd_values import HIDDEN
from tests.support.report_rows import MIXED, Rows, read_csv, read_xlsx, without_unknown
from tests.support.stores import StorePath


def test_the_sums_are_returned(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    assert write_report(MIXED, str(path), "csv") == {
        "path": str(path),
        "format": "csv",
        "rows": 8,
        "messages": [{"message": "rare", "rows": 4}, {"message": "common", "rows": 4}],
        "files": [{"file": "a.csv", "rows": 5}, {"file": "b.csv", "rows": 3}],
    }


def test_a_report_without_rows_is_one(tmp_path: Path) -> None:
    for name in ("csv", "xlsx", "md"):
        done = write_report(Rows(), tmp_path / f"report.{name}")
        assert (done["rows"], done["messages"], done["files"]) == (0, [], [])
    assert read_csv(tmp_path / "report.csv") == [["File", "Row", "Column", "Message"]]
    assert read_xlsx(tmp_path / "report.xlsx")["Kickouts"] == [["File", "Message"]]
    assert (tmp_path / "report.md").read_text() == "# Kickouts of import 1\n\nKickouts: 0\n"


def test_messages_without_rows_stand_in_the_summary(tmp_path: Path) -> None:
    write_report(Rows(without_rows=["never"]), tmp_path / "report.xlsx")
    write_report(Rows(without_rows=["never"]), tmp_path / "report.md")
    assert read_xlsx(tmp_path / "report.xlsx")["Summary"][1:] == [["", "never", 0]]
    assert "|  | never | 0 |\n" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize("name", ["report.csv", "report.xlsx", "report.md"])
@pytest.mark.parametrize(("value", "visible"), HIDDEN.items(), ids=ascii)
def test_what_hides_or_reorders_text_is_visible_in_every_place(
    value: str, visible: str, name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    write_report(Rows((value, value, [(value, value)]), without_rows=[f"{value}?"]), path)
    if name == "report.md":
        unseen = {letter for letter in value if unicodedata.category(letter) in ("Cc", "Cf", "Zl")} - {"\n", "\t"}
        assert unseen.isdisjoint(path.read_text())
        return
    if name == "report.csv":
        header, row = without_unknown(read_csv(path))
    else:
        (header, row), summary = read_xlsx(path)["Kickouts"], read_xlsx(path)["Summary"]
        assert [visible, visible, 1] in summary
    assert (header[2], row[0], row[1], row[2]) == (visible,) * 4


# What can go wrong

OLD = "what was there before"


class BrokenRows(Rows):
    """Rows that break off."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def __iter__(self) -> Iterator[KickoutRow]:
        yield from MIXED
        raise self._error


@pytest.mark.parametrize("name", ["report.csv", "report.xlsx", "report.md"])
@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()], ids=repr)
def test_what_breaks_off_leaves_what_was_there(name: str, error: BaseException, tmp_path: Path) -> None:
    (tmp_path / name).write_text(OLD)
    with pytest.raises(type(error)):
        write_report(BrokenRows(error), tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == OLD


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), r"it could not be written \(No space left on device\)"),
        (
            sqlite3.OperationalError("disk is full"),
            r"no room on disk to sort its rows \(disk is full\)\. Make room",
        ),
    ],
)
def test_a_full_disk_is_an_error_of_the_report(error: Exception, problem: str, tmp_path: Path) -> None:
    with pytest.raises(EciReportError, match=problem) as caught:
        write_report(BrokenRows(error), tmp_path / "report.csv")
    assert caught.value.retry_helps
    assert os.listdir(tmp_path) == []


def test_a_path_that_cannot_be_written_is_an_error_of_the_report(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(OLD)
    with pytest.raises(
        EciReportError, match=r"^Report '.*file/report\.csv': it could not be written \("
    ) as caught:
        write_report(MIXED, tmp_path / "file" / "report.csv")
    assert caught.value.retry_helps
    assert caught.value.details["path"] == str(tmp_path / "file" / "report.csv")


def test_a_store_that_cannot_be_opened_is_an_error_of_the_report() -> None:
    rows = BrokenRows(AssertionError("rows were read"))
    with pytest.raises(EciReportError, match=r"Install apache-airflow-providers-amazon\[s3fs\] where") as caught:
        write_report(rows, "s3://bucket/report.csv")
    assert not caught.value.retry_helps
    with pytest.raises(EciReportError, match=r"its store cannot be opened \(ConnectionError: gone\)") as caught:
        write_report(rows, StorePath(ConnectionError("gone"), "/bucket/report.csv"), "csv")
    assert caught.value.retry_helps
    assert "secret" not in f"{caught.value} {caught.value.details}"
