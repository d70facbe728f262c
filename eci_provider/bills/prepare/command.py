"""The command ``python -m eci_provider.bills prepare``."""

from __future__ import annotations

import argparse
from typing import Any

from eci_provider.bills.prepare.preparing import prepare_file
from eci_provider.core.text import printable


def add_prepare(commands: Any) -> None:
    """
    Add the command to a parser.

    :param commands: the parser's commands.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "prepare",
        help="write a vendor's file as EnergyCAP reads it",
        description="Prepare a vendor's bill file by a recipe. Rows that are left out are printed, one a line, "
        "and the sums of what was read and written. The exit code is 0 if every row is in the output or is left "
        "out by the recipe, 1 if rows could not be read and were left out, and 2 if nothing was written.",
    )
    parser.add_argument("file", metavar="FILE", help="the vendor's file, local: text, gzip, or a workbook")
    parser.add_argument("--recipe", required=True, metavar="R", help="the recipe, a JSON or YAML file")
    parser.add_argument("--to", required=True, metavar="OUT", help="the file to write, which ends in .csv")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    faults = 0

    def show(row: Any, _: Any) -> None:
        nonlocal faults
        faults += row.is_fault
        print(printable(f"{options.file}, {row} ({row.code})"))

    prepared = prepare_file(options.file, options.to, options.recipe, left_out=show)
    for name, found in prepared.sums.items():
        rounding = f", rounding took {found.rounding:f}" if found.rounding else ""
        left_out = f", in rows left out {found.left_out:f}" if found.left_out else ""
        print(printable(f"{name}: read {found.read:f}, written {found.written:f}{rounding}{left_out}"))
    if prepared.unused_columns:
        print(printable(f"Columns that are not read: {', '.join(prepared.unused_columns)}"))
    print(
        printable(
            f"{options.to}: {prepared.rows_in:,} rows in, {prepared.rows_out:,} out, {prepared.rows_left_out:,} "
            f"left out; {prepared.rows_written:,} rows of {prepared.bills:,} bills, {prepared.first_day} to "
            f"{prepared.last_day}"
        )
    )
    return 1 if faults else 0
