"""However many kickouts there are, and whatever their messages, a report of them takes little memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.kickout_report import FORMATS, measured, serving

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
