"""However many kickouts there are, and whatever their messages, a report of them takes little memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.benchmarks.kickout_report import FORMATS, measured, serving
from eci_provider.api.kickouts.report import KickoutReport, KickoutRow
from eci_provider.api.transport.streamed_json import members
from eci_provider.reports import write_report
from tests.support.report_rows import Rows

ROWS = 200_000


@pytest.fixture
def server(name: str) -> Iterator[str]:
    """Serve kickouts; for one format each has a message of its own, which takes the most memory."""
    with serving(ROWS, own=name == "csv") as url:
        yield url


@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", FORMATS)
def test_a_report_of_200_000_kickouts_takes_less_than_32_mib(name: str, server: str, tmp_path: Path) -> None:
    path = tmp_path / f"report.{name}"
    rows, _, memory = measured(server, path)

    assert rows == ROWS
    assert memory < 32
    if name != "xlsx":
        with path.open() as file:
            assert sum("A-0" in line for line in file) == ROWS


@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", ["csv"])
def test_telling_them_by_a_name_that_has_half_of_them_takes_no_more(server: str, tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    rows, _, memory = measured(server, path, "half.csv")

    assert rows == ROWS
    assert memory < 32
    with path.open() as file:
        next(file)
        files = [line.partition(",")[0] for line in file]
    assert (files.count("half.csv"), files.count("bills.csv")) == (ROWS // 2, ROWS // 2)


# Rows of which a few are much


class WideRows(Rows):
    """Forty rows of 1,500 cells."""

    def __iter__(self) -> Iterator[KickoutRow]:
        for number in range(40):
            cells = [(f"C{column}", f"{number}.{column}") for column in range(1500)]
            yield KickoutRow("a.csv", "no", cells)


class LongCells:
    """EnergyCAP with two hundred rows that have a long cell each, and a message that is only a part of a cell."""

    def read(self, _: str | None, leaf: str, take: Callable[[Iterator[Any]], Any]) -> Any:
        return take(members(iter([b'{"kickoutMessages": ["no"]}'] if leaf == "summary" else self._rows())))

    def _rows(self) -> Iterator[bytes]:
        yield b'{"fields": [{"id": 1, "name": "Note"}], "data": [[]'
        for number in range(200):
            yield f", {json.dumps([{'fieldId': 1, 'value': f'no {number} ' + 'x' * 50_000}])}".encode()
        yield b"]}"


def _peak(action: Callable[[], object]) -> float:
    """Return how many MiB Python's objects took at most while an action went on."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1] / 1024 / 1024
    finally:
        tracemalloc.stop()


def test_wide_rows_of_a_workbook_do_not_wait_by_the_hundred(tmp_path: Path) -> None:
    assert _peak(lambda: write_report(WideRows(), tmp_path / "report.xlsx")) < 6


def test_long_cells_are_neither_remembered_nor_kept_by_the_hundred() -> None:
    report = KickoutReport(LongCells().read, "guid")
    assert _peak(lambda: [None for _ in report]) < 4
    assert report.digest() == [{"message": "no", "rows": 200}]
