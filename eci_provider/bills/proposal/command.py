"""The command ``python -m eci_provider.bills recipe``."""

from __future__ import annotations

import argparse
from typing import Any

from eci_provider.bills.proposal.proposing import propose_recipe


def add_recipe(commands: Any) -> None:
    """
    Add the command to a parser.

    :param commands: the parser's commands.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "recipe",
        help="look at a vendor's file, and print a recipe to start from",
        description="Print a recipe in YAML, each guess with its evidence. What can be read in two ways is left "
        "open, with the question. The exit code is 0, or 2 if the file cannot be read or has no table.",
    )
    parser.add_argument("file", metavar="FILE", help="the vendor's file, local: text, gzip, or a workbook")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    print(propose_recipe(options.file).as_yaml(), end="")
    return 0
