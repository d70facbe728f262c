"""Rows for reports without a server, and reports read back."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from eci_provider.api.kickouts.report import KickoutRow


class Rows:
    """
    A report of kickouts without a server.

    :param rows: triples of file, message and cells.
    :param without_rows: messages that no row has.
    """

    noun = "Kickouts"
    title = "Kickouts of import 1"

    def __init__(
        self, *rows: tuple[str, str, Sequence[tuple[str, str]]], without_rows: Sequence[str] = ()
    ) -> None:
        self._rows = rows
        self._without_rows = list(without_rows)

    def __iter__(self) -> Iterator[KickoutRow]:
        return (KickoutRow(file, message, list(cells)) for file, message, cells in self._rows)

    def without_rows(self) -> list[str]:
        return self._without_rows


#: Two files with columns of their own, three messages, a doubled name, and rows of a group that are no neighbours.
MIXED = Rows(
    ("b.csv", "rare", [("A", "1"), ("Use", "2"), ("Use", "3")]),
    ("a.csv", "common", [("A", "4"), ("New", "5")]),
    ("b.csv", "common", [("A", "6"), ("Use", "7"), ("Use", "8")]),
    ("a.csv", "rare", [("A", "9"), ("New", "10")]),
    ("b.csv", "common", [("A", "11"), ("Use", "12"), ("Use", "13")]),
    ("a.csv", "common", [("New", "14"), ("A", "15")]),
    ("a.csv", "rare", [("A", "16")]),
    ("a.csv", "rare", [("A", "17")]),
)
HEADER = ["File", "Row", "Column", "Message", "A", "Use", "Use", "New"]
#: The same by file, in each the most frequent message first, and in the order in which rows came.
GROUPED = [
    ["b.csv", "", "", "common", "6", "7", "8", ""],
    ["b.csv", "", "", "common", "11", "12", "13", ""],
    ["b.csv", "", "", "rare", "1", "2", "3", ""],
    ["a.csv", "", "", "rare", "9", "", "", "10"],
    ["a.csv", "", "", "rare", "16", "", "", ""],
    ["a.csv", "", "", "rare", "17", "", "", ""],
    ["a.csv", "", "", "common", "4", "", "", "5"],
    ["a.csv", "", "", "common", "15", "", "", "14"],
]


def without_unknown(rows: list[list[str]]) -> list[list[str]]:
    """Return rows as a workbook has them: without the columns "Row" and "Column", which no kickout has."""
    return [[row[0], *row[3:]] for row in rows]


def read_csv(path: Path) -> list[list[str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def read_xlsx(path: Path) -> dict[str, list[list[Any]]]:
    """Return the rows of each sheet of a workbook."""
    book = openpyxl.load_workbook(path)
    return {
        sheet.title: [["" if cell is None else cell for cell in row] for row in sheet.values] for sheet in book
    }


def one_cell(value: str) -> Rows:
    """Return a report of one row with a value."""
    return Rows(("a.csv", "no", [("A", value), ("B", "1")]))
