"""The bills file, and what EnergyCAP does not know of it at first."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "example_dags"
FILE = EXAMPLES / "data" / "nycha_electric_bills.csv"

# A month as it happens: two buildings are not set up yet, and one got a meter that nobody entered.
NEW_BUILDINGS = ("118.0 - BLD 05", "4.0 - RED HOOK EAST BLD 05")
NEW_METERS = {"2.0 - BLD 08": "5652433"}

Book = dict[str, list[str]]


@dataclass(frozen=True)
class Bills:
    """
    What stands in a bills file.

    :param rows: how many rows.
    :param charges: the sum of all rows' Current Charges, in US dollars.
    :param meters: building to its meters, in the file's order.
    """

    rows: int
    charges: Decimal
    meters: Book

    @classmethod
    def read(cls, path: Path = FILE) -> Bills:
        """Read a file of the New York City Housing Authority's layout."""
        meters: Book = {}
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            known = meters.setdefault(row["Building ID"], [])
            if row["Meter Number"] not in known:
                known.append(row["Meter Number"])
        return cls(len(rows), sum((Decimal(row["Current Charges"]) for row in rows), Decimal(0)), meters)

    def known_at_first(self) -> Book:
        """Return the accounts before the correction: without the new buildings and meters."""
        return {
            building: [meter for meter in meters if meter != NEW_METERS.get(building)]
            for building, meters in self.meters.items()
            if building not in NEW_BUILDINGS
        }

    def corrections(self) -> Book:
        """Return the accounts that the correction adds or completes, each with all its meters."""
        return {building: self.meters[building] for building in (*NEW_BUILDINGS, *NEW_METERS)}
