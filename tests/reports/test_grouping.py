"""Rows in groups, whose number and columns are bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.reports import EciReportError, grouping, write_report
from tests.support.report_rows import MIXED, Rows, read_csv


def test_more_columns_than_a_report_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST_COLUMNS", 3)
    with pytest.raises(EciReportError, match=r"more than 3 columns, more than a report can have\."):
        write_report(MIXED, tmp_path / "report.csv")
    assert list(tmp_path.iterdir()) == []


def test_many_messages_and_headers_are_told_apart_when_they_are_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "_CACHED_KINDS", 2)
    rows = [("a.csv", f"message {number % 5}", [(f"C{number % 70}", str(number))]) for number in range(350)]
    done = write_report(Rows(*rows), tmp_path / "report.csv")
    assert [item["rows"] for item in done["messages"]] == [70] * 5
    _, *lines = read_csv(tmp_path / "report.csv")
    assert sorted(int("".join(line[4:])) for line in lines) == list(range(350))
    assert all(line[4:].count("") == 69 for line in lines)
