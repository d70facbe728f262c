"""A sample of the crash matrix. ``make crash`` runs all cells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.cells import Cell, crash_cells
from tests.crash.matrix import every_cell
from tests.crash.regressions import REGRESSIONS

ROOT = Path(__file__).parents[2]
SAMPLE = 40
SEED = 20260105
LEAST_CELLS = 300


# It takes half a minute, but much longer on a busy machine.
@pytest.mark.timeout(300)
def test_a_sample_of_the_matrix_ends_as_expected(tmp_path: Path) -> None:
    # In a process of its own: this one has threads, and a fork of it could hang.
    report = tmp_path / "verdicts.json"
    command = [sys.executable, "-m", "tests.crash", "--sample", str(SAMPLE), "--seed", str(SEED)]

    done = subprocess.run(
        [*command, "--lanes", "2", "--log", "--json", str(report)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
    )

    assert report.exists(), done.stdout + done.stderr
    verdicts = json.loads(report.read_text())["verdicts"]
    assert len(verdicts) >= SAMPLE
    assert {verdict["cell"]: verdict["problems"] for verdict in verdicts if verdict["problems"]} == {}
    assert done.returncode == 0


def test_the_matrix_is_large_enough() -> None:
    crash, _ = every_cell()

    assert len(crash) >= LEAST_CELLS


def test_every_cell_that_once_failed_is_still_a_cell() -> None:
    assert {Cell.named(name) for name in REGRESSIONS} <= set(crash_cells())
