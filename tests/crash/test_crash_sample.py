"""A sample of the crash matrix; ``make crash`` plays all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.cells import Cell, crash_cells
from tests.crash.matrix import every_cell
from tests.crash.once_failed import ONCE_FAILED

ROOT = Path(__file__).parents[2]
SAMPLE = 40
SEED = 20260105
LEAST_CELLS = 300


# Half a minute; a machine with much else to do may take its time.
@pytest.mark.timeout(300)
def test_a_sample_of_the_matrix_ends_as_it_must(tmp_path: Path) -> None:
    # In a process of its own: threads run here, and what is forked beside threads can hang.
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
    assert {verdict["cell"]: verdict["complaints"] for verdict in verdicts if verdict["complaints"]} == {}
    assert done.returncode == 0


def test_the_matrix_is_large_enough() -> None:
    crash, _ = every_cell()

    assert len(crash) >= LEAST_CELLS


def test_every_cell_that_once_failed_is_still_a_cell() -> None:
    assert {Cell.named(name) for name in ONCE_FAILED} <= set(crash_cells())
