"""Bill files from the command line: ``python -m eci_provider.bills check FILE``, ``prepare``, ``recipe``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from eci_provider.bills.check_options import ADVISED_ROWS, LONGEST_PERIOD
from eci_provider.bills.checking import check_file
from eci_provider.bills.prepare.command import add_prepare
from eci_provider.bills.proposal.command import add_recipe
from eci_provider.bills.rules import RULES
from eci_provider.core.errors import EciError, EciValidationError
from eci_provider.core.text import printable

#: What an error of a command begins with.
_FAILURES = {
    "check": "The check could not be made.",
    "prepare": "Nothing was written.",
    "recipe": "No recipe can be proposed.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param arguments: the arguments of the command line.
    :return: 0 without errors, 1 with errors, 2 if the work could not be done; 141, as for any command, if the
        reader of the output closed it.
    """
    try:
        code = _run(_parser().parse_args(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # Otherwise the interpreter would fail at its end, on the rest of the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    return code


def _run(options: argparse.Namespace) -> int:
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal or a pipe may not be able to show every letter of a bill.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        files = options.file if isinstance(options.file, list) else [options.file]
        for file in files:
            _refuse_url(file)
        code: int = options.run(options)
    except BrokenPipeError:
        raise
    except (EciError, OSError) as error:
        what = _FAILURES[options.command]
        print(f"{what} {printable(str(error))}", file=sys.stderr)
        return 2
    return code


def _check(options: argparse.Namespace) -> int:
    report = check_file(
        options.file,
        mapping=_json(options.mapping) if options.mapping else None,
        accounts=_codes(options.accounts),
        meters=_codes(options.meters),
        longest_period=options.longest_period,
        most_rows=options.most_rows,
        rules_off=options.off,
        fail_on=options.fail_on,
        min_rows=options.min_rows,
        min_bills=options.min_bills,
    )
    for problem in report:
        print(problem)
    print(
        f"{printable(', '.join(options.file))}: {report.rows:,} rows, {report.bills:,} bills, "
        f"{report.errors:,} errors, {report.warnings:,} warnings"
    )
    return 1 if report.errors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m eci_provider.bills", description="Check and prepare bill files."
    )
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    check = commands.add_parser(
        "check",
        help="check a bill file before you send it to EnergyCAP",
        description="Print what is wrong with a bill file, one problem a line. The exit code is 0 without errors, "
        "1 with errors, and 2 if the check could not be made.",
        epilog="Rules: " + ", ".join(RULES),
    )
    _add_arguments(check)
    check.set_defaults(run=_check)
    add_prepare(commands)
    add_recipe(commands)
    return parser


def _add_arguments(check: argparse.ArgumentParser) -> None:
    check.add_argument(
        "file",
        metavar="FILE",
        nargs="+",
        help="a local CSV, DAT, TXT, XLSX or ZIP file; several in the order of their import",
    )
    check.add_argument(
        "--mapping",
        type=Path,
        metavar="JSON",
        help="a JSON file with the column mapping: EnergyCAP's columnMapping, or column names with their "
        "header or sample_file (default: the file is in Advanced format)",
    )
    check.add_argument(
        "--accounts", type=Path, metavar="TXT", help="a text file of known account codes, one a line"
    )
    check.add_argument("--meters", type=Path, metavar="TXT", help="a text file of known meter codes, one a line")
    check.add_argument(
        "--longest-period",
        type=int,
        default=LONGEST_PERIOD,
        metavar="DAYS",
        help="warn of bills with a longer period (default: %(default)s)",
    )
    check.add_argument(
        "--most-rows",
        type=int,
        default=ADVISED_ROWS,
        metavar="ROWS",
        help="warn of files with more rows (default: %(default)s)",
    )
    check.add_argument(
        "--off", action="append", default=[], metavar="RULE", help="switch off a rule; may be given several times"
    )
    check.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="RULE",
        help="count the warnings of a rule as errors; may be given several times",
    )
    check.add_argument("--min-rows", type=int, metavar="ROWS", help="the fewest rows that all files must have")
    check.add_argument("--min-bills", type=int, metavar="BILLS", help="the fewest bills that all files must have")


def _refuse_url(file: str) -> None:
    if "://" in file:
        problem = "it is a URL, and this command reads local files. Use the operators for URLs"
        raise EciValidationError([problem], source=file)


def _codes(file: Path | None) -> list[str] | None:
    if file is None:
        return None
    return [line.strip() for line in _text(file).splitlines() if line.strip()]


def _json(file: Path) -> Any:
    try:
        return json.loads(_text(file))
    except json.JSONDecodeError as error:
        raise EciValidationError([f"it is not JSON ({error})"], source=str(file)) from None


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise EciValidationError(["it is not UTF-8. Save it as UTF-8"], source=str(file)) from None


if __name__ == "__main__":
    sys.exit(main())
