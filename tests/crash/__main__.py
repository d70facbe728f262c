"""Play the crash matrix: ``python -m tests.crash``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import tests.conftest  # noqa: F401  (an Airflow home of its own, before Airflow is imported)
from tests.crash.cells import Cell
from tests.crash.matrix import Verdict, as_json, every_cell, play_all, sample, table

LEAST_CELLS = 300


def main() -> int:
    """Play what is asked for; return 1 where a cell did not end as it must."""
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
    for verdict in play_all(cells, min(options.lanes, len(cells))):
        verdicts.append(verdict)
        _tell(verdict, options.log)
        if len(verdicts) % 500 == 0:
            print(f"{len(verdicts)} of {len(cells)} cells played", file=sys.stderr, flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(as_json(cells, verdicts)))
    wrong = sum(bool(verdict.complaints) for verdict in verdicts) + len(cells) - len(verdicts)
    print(table(cells, verdicts))
    print(
        f"\n{len(cells)} cells played of {len(crash)} with a crash or a clear and {len(control)} without, "
        f"{wrong} wrong, {time.monotonic() - began:.0f} s"
    )
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="Kill tasks everywhere, and count.")
    parser.add_argument("--sample", type=int, default=0, help="so many cells, and those that ever failed")
    parser.add_argument("--seed", type=int, default=1, help="which sample (%(default)s)")
    parser.add_argument("--only", default="", help="cells whose name holds this text")
    parser.add_argument("--cell", action="append", help="this cell, by its name")
    parser.add_argument("--lanes", type=int, default=min(4, os.cpu_count() or 1), help="how many at once")
    parser.add_argument("--json", help="file for the verdicts")
    parser.add_argument("--log", action="store_true", help="show what the processes of wrong cells wrote")
    return parser


def _tell(verdict: Verdict, log: bool) -> None:
    if verdict.complaints:
        print(f"WRONG {verdict.cell}" + "".join(f"\n      {text}" for text in verdict.complaints), flush=True)
        if log:
            print(verdict.log, flush=True)


if __name__ == "__main__":
    sys.exit(main())
