"""
Time and memory of checking and of splitting a bill file, beside Python's own ``csv`` that only reads it.

Run it as ``python -m dev.benchmarks.bill_files --mib 64 --rounds 5``. It needs Linux, for the peak of a process.

The file has the layout of the real bills in ``example_dags/data``, in the documented order; ``--shuffled`` brings
it out of that order, which gives the check most to do. Each measurement is a process of its own, and the ways take
turns, so that a machine that is busy for a while slows them all. The imports stand before the clock starts.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from example_dags.data.make_large_file import HEADER, bills, write_bills

MEBIBYTE = 1024 * 1024
#: At most so many times what ``csv`` takes.
TARGETS = {"check": 4.0, "split": 2.0}
#: At most so much memory above what the process had before, in MiB.
MEMORY = 32
MAPPING = {
    "header": HEADER.strip().split(","),
    "date_format": "mm/dd/yyyy",
    "account_code": "Building ID",
    "start_date": "Service Start Date",
    "end_date": "Service End Date",
    "meter_code": "Meter Number",
    "observations": [
        {"column": "Consumption (KWH)", "observation_type_code": "USE", "unit_code": "KWH"},
        {"column": "KWH Charges", "observation_type_code": "COST", "unit_code": "USD"},
        {"column": "KW Charges", "observation_type_code": "COST", "unit_code": "USD"},
        {"column": "Other charges", "observation_type_code": "COST", "unit_code": "USD"},
    ],
}


@dataclass(frozen=True)
class Cost:
    """
    Hold what one pass over a file took.

    :param seconds: of processor time, which other work on the machine lengthens little.
    :param memory: bytes of the process's peak above what it had before.
    """

    seconds: float
    memory: int


def bare(file: Path, _: Path) -> Callable[[], object]:
    """Prepare to read the file with ``csv`` alone."""

    def read() -> int:
        with file.open(newline="", encoding="utf-8") as stream:
            return sum(1 for _ in csv.reader(stream))

    return read


def check(file: Path, _: Path) -> Callable[[], object]:
    """Prepare to check the file."""
    from eci_provider.bills import check_file

    report = check_file(file, mapping=MAPPING)
    return lambda: sum(1 for _ in report)


def split(file: Path, folder: Path) -> Callable[[], object]:
    """Prepare to split the file."""
    from eci_provider.bills import split_file
    from eci_provider.bills.mapping import column_mapping

    mapping = column_mapping(MAPPING, source="benchmark")
    return lambda: split_file(file, folder, mapping=mapping)


WAYS = {"csv": bare, "check": check, "split": split}


def measured(way: str, file: Path, folder: Path) -> Cost:
    """Measure one pass in this process."""
    once = WAYS[way](file, folder)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    began = time.process_time()
    once()
    return Cost(time.process_time() - began, _status("VmHWM") - before)


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"/proc/self/status has no {name}")
    return int(found[1]) * 1024


def write_shuffled(path: Path, size: int) -> int:
    """Write the same bills month by month, the accounts of each month in turn: no two of one account meet."""
    waiting: list[list[list[str]]] = []
    account: list[list[str]] = []
    written = 0
    for bill in bills():
        account.append(bill)
        written += sum(map(len, bill))
        if len(account) == 12:
            waiting.append(account)
            account = []
            if written >= size:
                break
    rows = 0
    with path.open("w", newline="") as file:
        file.write(HEADER)
        for month in range(12):
            for found in waiting:
                file.write("".join(found[month]))
                rows += len(found[month])
    return rows


def compare(file: Path, folder: Path, rounds: int) -> dict[str, list[Cost]]:
    """
    Go over a file in every way, several times in turns.

    :param file: the file.
    :param folder: where parts may lie for a while.
    :param rounds: how often each way is measured.
    """
    costs: dict[str, list[Cost]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, found in costs.items():
            parts = folder / "parts"
            command = [sys.executable, "-m", "dev.benchmarks.bill_files", "--one", way, str(file), str(parts)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603
            found.append(Cost(**json.loads(done.stdout)))
            shutil.rmtree(parts, ignore_errors=True)
    return costs


def table(costs: dict[str, list[Cost]], rows: int) -> str:
    """Return the medians as a table in Markdown, and which targets are held."""
    lines = [
        "| way | processor seconds | rows a second | times csv | MiB above start |",
        "| --- | --: | --: | --: | --: |",
    ]
    verdicts = []
    for way, found in costs.items():
        seconds = statistics.median(cost.seconds for cost in found)
        # Of each round by itself, since what slows the machine slows its neighbours.
        pairs = zip(found, costs["csv"], strict=True)
        times = statistics.median(cost.seconds / bare.seconds for cost, bare in pairs)
        memory = max(cost.memory for cost in found) / MEBIBYTE
        lines.append(f"| {way} | {seconds:.2f} | {rows / seconds:,.0f} | {times:.2f} | {memory:.1f} |")
        if way in TARGETS:
            held = "held" if times <= TARGETS[way] and memory <= MEMORY else "**missed**"
            verdicts.append(f"- {way}: at most {TARGETS[way]:.0f} times csv and {MEMORY} MiB: {held}")
    return "\n".join([*lines, "", *verdicts])


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for, and return 0."""
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks.bill_files", description="Measure bill files.")
    parser.add_argument("--mib", type=int, default=64, help="how large the file is (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--shuffled", action="store_true", help="out of the documented order")
    parser.add_argument("--quick", action="store_true", help="a small file and one round, to see that it runs")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        way, path, parts = options.one
        print(json.dumps(vars(measured(way, Path(path), Path(parts)))))
        return 0
    mib, rounds = (4, 1) if options.quick else (options.mib, options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bills.csv"
        size = mib * MEBIBYTE
        rows = write_shuffled(file, size) if options.shuffled else write_bills(file, size=size)
        costs = compare(file, Path(folder), rounds)
    order = "out of the documented order" if options.shuffled else "in the documented order"
    print(f"{mib} MiB, {rows:,} rows {order}; Python {platform.python_version()}; medians of {rounds}\n")
    print(table(costs, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
