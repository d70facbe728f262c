"""Command line of the storm: ``python -m dev.storm``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.support.errors import StoppedError, ToolError
from dev.support.paths import HOMES
from dev.support.requirements import check_installed
from dev.support.screen import Screen, shown_path
from dev.support.signals import Stop


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one storm and print its table.

    :return: exit code: 0 if every bill was imported once and every run ended as expected; 1 if not; 2 if the storm
        could not take place; 128 plus the number of a signal that stopped it.
    """
    options = _parser().parse_args(arguments)
    stop = Stop()
    try:
        check_installed()
        return _run(options, stop)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 2
    except StoppedError as stopped:
        print(f"Stopped by {stopped.name}.", file=sys.stderr)
        return 128 + stopped.number


def _run(options: argparse.Namespace, stop: Stop) -> int:
    # Imported here: these modules need the packages that `check_installed` looks for.
    from dev.storm.plan import Habits, Plan, drawn_habits
    from dev.storm.report import table
    from dev.storm.running import run

    notes_shown = not options.without_notes
    habits = Habits() if options.without_habits else drawn_habits(options.seed, notes_shown=notes_shown)
    plan = Plan(
        seed=options.seed,
        runs=options.runs,
        files=options.files,
        seconds=60 * options.minutes,
        slots=options.slots,
        notes_shown=notes_shown,
        habits=habits,
    )
    screen = Screen()
    result = run(plan, options.home.resolve(), sleep=stop.sleep, screen=screen)
    screen.lines("", *table(plan, result))
    if result.wrong:
        screen.lines("", "Wrong:", *(f"- {text}" for text in result.wrong), "")
        screen.lines(f"All logs: {shown_path(options.home / 'logs')}")
    return 1 if result.wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dev.storm",
        description="Import bills with a whole Airflow into a sandbox that fails at random, kill processes of "
        "Airflow every few seconds, and count the bills.",
        epilog="ECI_STORM_DATABASE is the address of a PostgreSQL server, for SQLAlchemy. Without it, a temporary "
        "server is started.",
    )
    parser.add_argument(
        "--minutes", type=float, default=15.0, help="time with kills, in minutes (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of everything random (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=50, help="number of DAG runs (default: %(default)s)")
    parser.add_argument("--files", type=int, default=5, help="bill files per run (default: %(default)s)")
    parser.add_argument("--slots", type=int, default=6, help="tasks at the same time (default: %(default)s)")
    parser.add_argument("--without-notes", action="store_true", help="EnergyCAP does not show an import's note")
    parser.add_argument(
        "--without-habits",
        action="store_true",
        help="EnergyCAP has none of the habits that the seed chooses: reads that lag, a clock hours off, odd end "
        "dates, odd TotalPages, submits that a proxy doubles",
    )
    parser.add_argument(
        "--home", type=Path, default=HOMES / "storm", help="Airflow home of the storm (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
