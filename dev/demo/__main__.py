"""Command line of the demo: ``python -m dev.demo``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.support.errors import StoppedError, ToolError
from dev.support.requirements import check_installed
from dev.support.signals import Stop


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the demo.

    :return: exit code: 0 if bills, money and batch are as they must be, else 1; 128 plus the number of a signal
        that stopped it.
    """
    stop = Stop()
    options = _parser().parse_args(arguments)
    try:
        check_installed()
        _run(options, stop)
        sys.stdout.flush()
    except ToolError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except StoppedError as stopped:
        print(f"\nStopped by {stopped.name}; nothing is left running.", file=sys.stderr)
        return 128 + stopped.number
    except BrokenPipeError:
        # The reader of the output has ended. Without this, Python would print an error when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:  # such as a full disk, or a folder without write permission
        print(f"\nThe demo cannot continue: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace, stop: Stop) -> None:
    # Imported here: these modules need the packages that `check_installed` looks for.
    from dev.demo import analyst, one_run, ui

    if options.correct:
        analyst.correct_running(options.home or ui.HOME)
    elif options.ui:
        ui.run_ui(options.home or ui.HOME, stop)
    else:
        one_run.run_once(options.home or one_run.HOME, stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dev.demo",
        description="Send real bills from a CSV file through Airflow into an EnergyCAP look-alike on this "
        "machine, and print the result.",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--ui", action="store_true", help="do it in Airflow's web interface, until Ctrl+C")
    mode.add_argument(
        "--correct", action="store_true", help="correct what the import of a running --ui kicked out"
    )
    parser.add_argument(
        "--home",
        type=lambda text: Path(text).resolve(),
        metavar="FOLDER",
        help="folder for Airflow's files (default: .airflow/demo or .airflow/ui in the checkout)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
