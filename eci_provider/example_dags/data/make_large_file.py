"""
Write a long bill file in the layout of the real one: ``python make_large_file.py bills.csv --rows 50000``.

The amounts are invented. The same number of rows gives the same file.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

HEADER = (
    "Account Name,Location,Building ID,Revenue Month,Service Start Date,Service End Date,# days,Meter Number,"
    "Current Charges,Consumption (KWH),KWH Charges,Consumption (KW),KW Charges,Other charges\n"
)
#: Each meter has a bill for each month of a year.
MONTHS = 12
#: How many rows a bill has, in turn, as in the real file.
ROWS_OF_BILLS = (1, 2, 1, 3, 1, 1, 2, 1)


def bills() -> Iterator[list[str]]:
    """Yield the rows of one bill after the other, without end: building by building, month by month."""
    chance = random.Random(2026)
    number = 0
    while True:
        number += 1
        building = f"{number:06} - BLD {number % 30:02}"
        meter, start = 1_000_000 + number, date(2024, 12, 20)
        for month in range(MONTHS):
            end = start + timedelta(days=chance.randint(28, 33))
            place = f"HOUSES {number // 30},BLD {number % 30:02},{building},{end:%Y-%m}"
            period = f"{start:%m/%d/%Y},{end:%m/%d/%Y},{(end - start).days}"
            yield [
                f"{place},{period},{meter},{_amounts(chance)}\n"
                for _ in range(ROWS_OF_BILLS[(number + month) % len(ROWS_OF_BILLS)])
            ]
            start = end


def _amounts(chance: random.Random) -> str:
    """Return all charges, the energy used and its charge, the demand and its charge, and other charges."""
    energy, demand, other = chance.randrange(900_000), chance.randrange(300_000), chance.randrange(-50_000, 50_000)
    used, peak = chance.randrange(60_000) * 100, chance.randrange(20_000)
    cents = (energy + demand + other, used, energy, peak, demand, other)
    return ",".join(f"{number / 100:.2f}" for number in cents)


def write_bills(path: Path, *, rows: int = 0, size: int = 0) -> int:
    """
    Write whole bills until the file has enough rows and bytes.

    :param path: the file.
    :param rows: the least number of rows.
    :param size: the least number of bytes.
    :return: the number of rows, without the header.
    """
    written, bytes_written = 0, len(HEADER)
    with path.open("w", newline="") as file:
        file.write(HEADER)
        for bill in bills():
            if written >= rows and bytes_written >= size:
                return written
            text = "".join(bill)
            file.write(text)
            written += len(bill)
            bytes_written += len(text)
    raise AssertionError("there is always another bill")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Write a long bill file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=50_000, help="the least number of rows (default: %(default)s)")
    arguments = parser.parse_args()
    print(f"{arguments.file}: {write_bills(arguments.file, rows=arguments.rows):,} rows")


if __name__ == "__main__":
    main()
