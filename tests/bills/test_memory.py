"""However long a file is, checking and splitting it takes little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.bill_files import NYCHA, NYCHA_NAMES, text

MIB = 1024 * 1024
# The peak memory since the interpreter started, which only Linux reports.
STATUS = Path("/proc/self/status")
SCRIPT = """
import json, sys
from pathlib import Path
from eci_provider.bills import check_file, mapping_from_file, split_file

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024

what, file, folder, names = sys.argv[1:]
mapping = mapping_from_file(file, **json.loads(names))
start = peak()
if what == "check":
    report = check_file(file, mapping=mapping)
    found = sum(1 for problem in report)
    print(report.rows, found, peak() - start)
else:
    parts = split_file(file, folder, mapping=mapping, sort=what == "sort")
    print(len(parts), sum(Path(part).stat().st_size for part in parts), peak() - start)
"""


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 64 MiB of bills of two rows, sorted by month and not by account: the worst order there is."""
    file = tmp_path_factory.mktemp("long") / "bills.csv"
    header = NYCHA.read_text().splitlines()[0]
    with file.open("w", newline="") as target:
        target.write(header + "\n")
        start, size = date(2010, 1, 24), 0
        while size < 64 * MIB:
            end = start + timedelta(days=30)
            dates = f"{end:%Y-%m},{start:%m/%d/%Y},{end:%m/%d/%Y},30"
            rows = "".join(
                f"KINGSBOROUGH,BLD {bill},{bill}.0 - BLD {bill},{dates},{bill}{meter},9.5,100.0,7.0,5.0,3.0,-0.5\n"
                for bill in range(5000, 10_000)
                for meter in (1, 2)
            )
            target.write(rows)
            size += len(rows)
            start = end
    return file


def _measured(what: str, file: Path, folder: Path, names: dict[str, Any] = NYCHA_NAMES) -> list[int]:
    arguments = [sys.executable, "-c", SCRIPT, what, str(file), str(folder / "parts"), json.dumps(names)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=110)
    return [int(number) for number in done.stdout.split()]


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("what", ["split", "sort"])
def test_splitting_64_mib_takes_less_than_32_mib(what: str, long_file: Path, tmp_path: Path) -> None:
    parts, size, memory = _measured(what, long_file, tmp_path)

    header = len(NYCHA.read_text().splitlines()[0]) + 1
    assert parts > 100
    assert size == long_file.stat().st_size + (parts - 1) * header
    assert memory < 32


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux's /proc")
def test_checking_64_mib_takes_less_than_32_mib(long_file: Path, tmp_path: Path) -> None:
    rows, found, memory = _measured("check", long_file, tmp_path)

    months = rows // 10_000
    # The first account of each month but the first is out of order, and the file is too long.
    assert found == months - 1 + 1
    assert memory < 32


def _long_bill(number: int) -> list[str]:
    return ["1001", "01/01/2025", "01/31/2025", "", "M1", str(number), "", "x" * 60_000]


def _no_dates(number: int) -> list[str]:
    return [f"{number:06}", f"{number}{'x' * 30_000}", f"{number}{'y' * 30_000}", "", "M1", "1", "", ""]


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("make", [_long_bill, _no_dates])
def test_checking_rows_of_any_length_takes_less_than_32_mib(
    make: Callable[[int], list[str]], tmp_path: Path
) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(text(*map(make, range(900))))
    names = {
        "date_format": "mm/dd/yyyy",
        "account_code": "Account",
        "start_date": "Start",
        "end_date": "End",
        "observations": [{"column": "Charge", "observation_type_code": "CHG", "unit_code": "USD"}],
    }

    rows, _, memory = _measured("check", file, tmp_path, names)

    assert rows == 900
    assert memory < 32
