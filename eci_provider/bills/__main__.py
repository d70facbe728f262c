"""Check a bill file from the command line: ``python -m eci_provider.bills check FILE``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from eci_provider.api.errors import EciError, EciValidationError
from eci_provider.bills.check_options import ADVISED_ROWS, LONGEST_PERIOD
from eci_provider.bills.checking import check_file
from eci_provider.bills.report import printable
from eci_provider.bills.rules import RULES


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param arguments: what stands on the command line.
    :return: 0 where there is no error, 1 where there is one, 2 where the check could not be made; 141, as of any
        command, where nobody reads the output to its end.
    """
    try:
        code = _check(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    return code


def _check(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal or a pipe may be unable to show a letter of a bill; the check goes on all the same.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        report = check_file(
            _local(options.file),
            mapping=_json(options.mapping) if options.mapping else None,
            accounts=_codes(options.accounts),
            meters=_codes(options.meters),
            longest_period=options.longest_period,
            most_rows=options.most_rows,
            rules_off=options.off,
        )
        for problem in report:
            print(problem)
    except BrokenPipeError:
        raise
    except (EciError, OSError) as error:
        print(f"The check could not be made. {printable(str(error))}", file=sys.stderr)
        return 2
    print(
        f"{printable(options.file)}: {report.rows:,} rows, {report.bills:,} bills, {report.errors:,} errors, "
        f"{report.warnings:,} warnings"
    )
    return 1 if report.errors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eci_provider.bills", description="Look after bill files.")
    check = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "check",
        help="check a bill file before it is sent to EnergyCAP",
        epilog="Rules: " + ", ".join(RULES),
    )
    check.add_argument("file", metavar="FILE", help="a local CSV, DAT, TXT, XLSX or ZIP file")
    check.add_argument(
        "--mapping",
        type=Path,
        metavar="JSON",
        help="a file with the column mapping: EnergyCAP's columnMapping, or names of columns with the header "
        "or sample_file they stand in; without it the file is in Advanced format",
    )
    check.add_argument("--accounts", type=Path, metavar="TXT", help="a file with the known accounts, one a line")
    check.add_argument("--meters", type=Path, metavar="TXT", help="a file with the known meters, one a line")
    check.add_argument("--longest-period", type=int, default=LONGEST_PERIOD, metavar="DAYS")
    check.add_argument("--most-rows", type=int, default=ADVISED_ROWS, metavar="ROWS")
    check.add_argument("--off", action="append", default=[], metavar="RULE", help="a rule to switch off")
    return parser


def _local(file: str) -> Path:
    if "://" in file:
        problem = "it is a URL, and this command reads local files. CheckBillFileOperator reads URLs"
        raise EciValidationError([problem], source=file)
    return Path(file)


def _codes(file: Path | None) -> list[str] | None:
    if file is None:
        return None
    return [line.strip() for line in _text(file).splitlines() if line.strip()]


def _json(file: Path) -> Any:
    try:
        return json.loads(_text(file))
    except json.JSONDecodeError as error:
        raise EciValidationError([f"it is no JSON ({error})"], source=str(file)) from None


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise EciValidationError(["it is not UTF-8. Save it as UTF-8"], source=str(file)) from None


if __name__ == "__main__":
    sys.exit(main())
