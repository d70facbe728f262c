"""Run a storm: ``python -m dev.storm``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.demo.errors import DemoError, StoppedError
from dev.demo.requirements import check_installed
from dev.demo.screen import Screen, shown_path
from dev.demo.signals import Stop
from dev.storm.database import VARIABLE
from dev.storm.errors import StormError
from dev.storm.plan import Plan
from dev.storm.report import table
from dev.storm.running import HOME, run


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one storm and print its table.

    :return: 0 if every bill is there once, every run is in the state it deserves and nothing waits; 1 if not; 2
        if there was no storm.
    """
    options = _parser().parse_args(arguments)
    plan = Plan(
        seed=options.seed,
        runs=options.runs,
        files=options.files,
        seconds=60 * options.minutes,
        slots=options.slots,
        notes_shown=not options.without_notes,
    )
    screen, stop = Screen(), Stop()
    try:
        check_installed()
        found = run(plan, options.home.resolve(), sleep=stop.sleep, screen=screen)
    except (StormError, DemoError) as error:
        print(error, file=sys.stderr)
        return 2
    except StoppedError as stopped:
        print(f"Stopped by {stopped.name}.", file=sys.stderr)
        return 128 + stopped.number
    screen.lines("", *table(plan, found))
    if found.wrong:
        screen.lines("", "Wrong:", *(f"- {text}" for text in found.wrong), "")
        screen.lines(f"All logs: {shown_path(options.home / 'logs')}")
    return 0 if found.passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dev.storm",
        description="Import bills with a whole Airflow into a sandbox that fails at random, kill everything in "
        "Airflow every few seconds, and count the bills.",
        epilog=f"The database server is {VARIABLE}, an address for SQLAlchemy; without it a temporary one is "
        "started.",
    )
    parser.add_argument("--minutes", type=float, default=15.0, help="how long things are killed (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn (%(default)s)")
    parser.add_argument("--runs", type=int, default=50, help="DAG runs (%(default)s)")
    parser.add_argument("--files", type=int, default=5, help="bill files of each run (%(default)s)")
    parser.add_argument("--slots", type=int, default=6, help="tasks at the same time (%(default)s)")
    parser.add_argument("--without-notes", action="store_true", help="let EnergyCAP not show an import's note")
    parser.add_argument("--home", type=Path, default=HOME, help="Airflow home of the storm (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
