"""Command line of the crash matrix: ``python -m tests.crash``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import tests.conftest  # noqa: F401  (it sets an Airflow home before Airflow is imported)
from tests.crash.cells import Cell
from tests.crash.matrix import Verdict, as_json, every_cell, run_all, sample, table

LEAST_CELLS = 300


def main() -> int:
    """
    Run cells.

    :return: exit code: 0 if all cells ended as expected, else 1.
    """
    options = _parser().parse_args()
    crash, control = every_cell()
    assert len(crash) >= LEAST_CELLS
    if options.cell:
        cells = [Cell.named(name) for name in options.cell]
    elif options.sample:
        cells = sample(options.sample, options.seed)
    else:
        cells = [cell for cell in [*control, *crash] if options.only in str(cell)]
    began = time.monotonic()
    verdicts = []
    for verdict in run_all(cells, min(options.lanes, len(cells))):
        verdicts.append(verdict)
        _print(verdict, options.log)
        if len(verdicts) % 500 == 0:
            print(f"{len(verdicts)} of {len(cells)} cells run", file=sys.stderr, flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(as_json(cells, verdicts)))
    wrong = sum(bool(verdict.problems) for verdict in verdicts) + len(cells) - len(verdicts)
    print(table(cells, verdicts))
    print(
        f"\n{len(cells)} cells run of {len(crash)} with a crash or a clear and {len(control)} without, "
        f"{wrong} wrong, {time.monotonic() - began:.0f} s"
    )
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash",
        description="Kill tasks at every point, let Airflow continue, and count what is in EnergyCAP.",
    )
    parser.add_argument(
        "--sample", type=int, default=0, help="run a random sample of this size, and all cells that failed once"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default: %(default)s)")
    parser.add_argument("--only", default="", help="run the cells whose name contains this text")
    parser.add_argument("--cell", action="append", help="run the cell with this name; may be repeated")
    parser.add_argument(
        "--lanes", type=int, default=min(4, os.cpu_count() or 1), help="number of cells at the same time"
    )
    parser.add_argument("--json", help="file for the verdicts")
    parser.add_argument("--log", action="store_true", help="print the output of cells that are wrong")
    return parser


def _print(verdict: Verdict, log: bool) -> None:
    if verdict.problems:
        print(f"WRONG {verdict.cell}" + "".join(f"\n      {text}" for text in verdict.problems), flush=True)
        if log:
            print(verdict.log, flush=True)


if __name__ == "__main__":
    sys.exit(main())
