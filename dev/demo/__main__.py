"""Choose what to run, and turn how it ends into an exit code."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.demo.errors import DemoError, StoppedError
from dev.demo.signals import Stop


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the demo.

    :return: 0 when bills, money and batch came out right; 1 when not; 128 and the signal's number when stopped.
    """
    stop = Stop()
    options = _parser().parse_args(arguments)
    try:
        _run(options, stop)
        sys.stdout.flush()
    except DemoError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except StoppedError as stopped:
        print(f"\nStopped by {stopped.name}; nothing is left running.", file=sys.stderr)
        return 128 + stopped.number
    except BrokenPipeError:
        # Whoever read the output is gone. Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:  # no room on the disk, say, or a folder that is not ours to write to
        print(f"\nThe demo cannot go on: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace, stop: Stop) -> None:
    from dev.demo.requirements import check_installed

    check_installed()
    # Only now: all of these need what has just been checked.
    if options.correct:
        from dev.demo import analyst, ui

        analyst.correct_running(options.home or ui.HOME)
    elif options.ui:
        from dev.demo import ui

        ui.run_ui(options.home or ui.HOME, stop)
    else:
        from dev.demo import one_run

        one_run.run_once(options.home or one_run.HOME, stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dev.demo",
        description="Send real bills from a CSV file through Airflow into an EnergyCAP look-alike on this "
        "machine, and show what became of them.",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--ui", action="store_true", help="the same in Airflow's web interface, until Ctrl+C")
    mode.add_argument("--correct", action="store_true", help="correct what a running --ui has kicked out")
    parser.add_argument(
        "--home",
        type=lambda text: Path(text).resolve(),
        metavar="FOLDER",
        help="a folder for Airflow's files (default: .airflow/demo or .airflow/ui in the checkout)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
