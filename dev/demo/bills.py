"""The bill file, and the accounts and meters in it that EnergyCAP does not know at first."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from dev.support.paths import EXAMPLES

FILE = EXAMPLES / "data" / "nycha_electric_bills.csv"
#: The file of eci_large_file, whose buildings are not in the other files.
LONG_FILE = EXAMPLES / "data" / "long_electric_bills.csv"

# Two buildings are not in EnergyCAP yet, and one has a new meter that nobody has entered.
NEW_BUILDINGS = ("118.0 - BLD 05", "4.0 - RED HOOK EAST BLD 05")
NEW_METERS = {"2.0 - BLD 08": "5652433"}

#: Meters by building.
AccountBook = dict[str, list[str]]


@dataclass(frozen=True)
class Bills:
    """
    Content of a bill file.

    :param rows: number of rows.
    :param charges: sum of the column Current Charges, in US dollars.
    :param meters: the meters of each building, in the order of the file.
    """

    rows: int
    charges: Decimal
    meters: AccountBook

    @classmethod
    def read(cls, path: Path = FILE) -> Bills:
        """Read a file in the layout of the New York City Housing Authority."""
        meters: AccountBook = {}
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            known = meters.setdefault(row["Building ID"], [])
            if row["Meter Number"] not in known:
                known.append(row["Meter Number"])
        return cls(len(rows), sum((Decimal(row["Current Charges"]) for row in rows), Decimal(0)), meters)

    def known_at_first(self) -> AccountBook:
        """Return the accounts before the correction, without the new buildings and meters."""
        return {
            building: [meter for meter in meters if meter != NEW_METERS.get(building)]
            for building, meters in self.meters.items()
            if building not in NEW_BUILDINGS
        }
