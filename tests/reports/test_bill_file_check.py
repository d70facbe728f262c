"""A check in a task reads the file once, and keeps its result whatever happens to the report."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.bills import EciBillFileError
from eci_provider.reports.bill_file_check import BillFileCheck
from eci_provider.reports.errors import EciReportError
from tests.support.bill_files import MAPPING, FileInMemory, row, text

CONTENT = text(row(), row(account="2", charge="x"), row(account="3", charge="y"), row(account="4", meter=""))
COUNTS = {"rows": 4, "bills": 4, "errors": 2, "warnings": 1}


class LostFile(FileInMemory):
    """A file whose store is gone once some of it is read."""

    def open(self, mode: str) -> io.BytesIO:
        return _LostStream(super().open(mode).getvalue())


class _LostStream(io.BytesIO):
    def read1(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise ConnectionResetError("the store is gone")
        return super().read1(200)


def _check(file: Any, report: Path | None) -> BillFileCheck:
    return BillFileCheck(file, report=report, source="test", accounts=None)


@pytest.fixture
def mapping() -> ColumnMapping:
    return ColumnMapping.model_validate(MAPPING)


def test_the_file_is_opened_once_for_the_result_and_the_report(mapping: ColumnMapping, tmp_path: Path) -> None:
    file = FileInMemory("bills.csv", CONTENT.encode())

    result = _check(file, tmp_path / "report.csv").run(mapping)

    assert file.opened == 1
    assert {name: result.as_xcom()[name] for name in COUNTS} == COUNTS
    assert result.report == str(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(newline="") as written:
        assert [cells[1] for cells in csv.reader(written)] == ["Row", "3", "4", "5"]


def test_the_file_is_opened_once_if_the_report_cannot_be_written(mapping: ColumnMapping, tmp_path: Path) -> None:
    file = FileInMemory("bills.csv", CONTENT.encode())
    (tmp_path / "report.csv").mkdir()

    result = _check(file, tmp_path / "report.csv").run(mapping)

    assert file.opened == 1
    assert {name: result.as_xcom()[name] for name in COUNTS} == COUNTS
    assert result.as_xcom()["report"] is None
    assert isinstance(result.report_error, EciReportError)


@pytest.mark.parametrize("has_report", [False, True])
def test_a_file_that_cannot_be_read_is_not_an_error_of_the_report(
    has_report: bool, mapping: ColumnMapping, tmp_path: Path
) -> None:
    file = LostFile("bills.csv", CONTENT.encode())

    with pytest.raises(ConnectionResetError, match="the store is gone"):
        _check(file, tmp_path / "report.csv" if has_report else None).run(mapping)

    assert list(tmp_path.iterdir()) == []


def test_without_a_report_the_result_has_none(mapping: ColumnMapping) -> None:
    result = _check(FileInMemory("bills.csv", CONTENT.encode()), None).run(mapping)

    assert "report" not in result.as_xcom()


def test_errors_of_the_file_outweigh_those_of_the_report(mapping: ColumnMapping, tmp_path: Path) -> None:
    (tmp_path / "report.csv").mkdir()

    result = _check(FileInMemory("bills.csv", CONTENT.encode()), tmp_path / "report.csv").run(mapping)

    assert isinstance(result.error("fail"), EciBillFileError)
    assert "2 errors and 1 warnings (2 x number_unreadable; 1 x meter_empty)." in str(result.error("fail"))
    assert result.error("warn") is result.report_error
