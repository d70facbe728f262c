"""
The cost of checking and of splitting a bill file, beside Python's ``csv`` that only reads it.

Run it as ``python -m dev.benchmarks.bill_files --mib 64 --rounds 5``. It needs Linux, to measure the peak memory.

The file has the layout of the real bills in ``example_dags/data``, in the documented order. ``--shuffled`` changes
the order, which is the worst case for the check. Each measurement is a process of its own, and the passes take
turns, so that a busy machine slows all of them alike. Imports are not measured.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.benchmarks.children import json_from_python
from dev.benchmarks.memory import MEBIBYTE, peak, resident
from eci_provider.example_dags.data.make_large_file import HEADER, bills, write_bills

#: Largest time, as a multiple of the time of ``csv``.
TARGETS = {"check": 4.0, "split": 2.0}
#: Largest peak memory above the memory at the start, in MiB.
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
    Cost of one pass over a file.

    :param seconds: processor time, which hardly depends on other work of the machine.
    :param memory: peak memory above the memory at the start, in bytes.
    """

    seconds: float
    memory: int


def bare(file: Path, _: Path) -> Callable[[], object]:
    """Prepare to read the file with ``csv``."""

    def read() -> int:
        with file.open(newline="", encoding="utf-8") as stream:
            return sum(1 for _ in csv.reader(stream))

    return read


def check(file: Path, _: Path) -> Callable[[], object]:
    """Prepare to check the file."""
    # Imported here, as below: the memory of a pass must not include the modules of another.
    from eci_provider.bills import check_file

    report = check_file(file, mapping=MAPPING)
    return lambda: sum(1 for _ in report)


def split(file: Path, folder: Path) -> Callable[[], object]:
    """Prepare to split the file."""
    from eci_provider.bills import split_file
    from eci_provider.bills.mapping import column_mapping

    mapping = column_mapping(MAPPING, source="benchmark")
    return lambda: split_file(file, folder, mapping=mapping)


PASSES = {"csv": bare, "check": check, "split": split}


def measured(way: str, file: Path, folder: Path) -> Cost:
    """Measure one pass in this process."""
    once = PASSES[way](file, folder)
    before = resident()
    Path("/proc/self/clear_refs").write_text("5")
    began = time.process_time()
    once()
    return Cost(time.process_time() - began, peak() - before)


def write_shuffled(path: Path, size: int) -> int:
    """Write the same bills sorted by month, so that no bill follows another of its account. Return the rows."""
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
    Measure each pass over a file several times, in turns.

    :param file: the file.
    :param folder: folder for the parts of a split.
    :param rounds: how often each pass is measured.
    """
    costs: dict[str, list[Cost]] = {way: [] for way in PASSES}
    for _ in range(rounds):
        for way, found in costs.items():
            parts = folder / "parts"
            arguments = ["-m", "dev.benchmarks.bill_files", "--one", way, str(file), str(parts)]
            found.append(Cost(**json_from_python(arguments)))
            shutil.rmtree(parts, ignore_errors=True)
    return costs


def table(costs: dict[str, list[Cost]], rows: int) -> str:
    """Return the medians as a table in Markdown, and whether the targets are held."""
    lines = [
        "| pass | processor seconds | rows per second | times csv | MiB above start |",
        "| --- | --: | --: | --: | --: |",
    ]
    verdicts = []
    for way, found in costs.items():
        seconds = statistics.median(cost.seconds for cost in found)
        # By round: a busy machine slows all passes of a round alike.
        pairs = zip(found, costs["csv"], strict=True)
        times = statistics.median(cost.seconds / bare.seconds for cost, bare in pairs)
        memory = max(cost.memory for cost in found) / MEBIBYTE
        lines.append(f"| {way} | {seconds:.2f} | {rows / seconds:,.0f} | {times:.2f} | {memory:.1f} |")
        if way in TARGETS:
            held = "held" if times <= TARGETS[way] and memory <= MEMORY else "**missed**"
            verdicts.append(f"- {way}: at most {TARGETS[way]:.0f} times csv and {MEMORY} MiB: {held}")
    return "\n".join([*lines, "", *verdicts])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks.bill_files", description="Measure bill files.")
    parser.add_argument("--mib", type=int, default=64, help="size of the file (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each pass is measured (default: %(default)s)"
    )
    parser.add_argument(
        "--shuffled", action="store_true", help="write the file in another order than the documented one"
    )
    parser.add_argument("--quick", action="store_true", help="use a small file and one round, to see that it runs")
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
    order = "not in the documented order" if options.shuffled else "in the documented order"
    print(f"{mib} MiB, {rows:,} rows {order}; Python {platform.python_version()}; medians of {rounds}\n")
    print(table(costs, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
