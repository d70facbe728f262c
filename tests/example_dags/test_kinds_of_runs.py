"""Each example in each kind of run that this Airflow knows, all examples at once against one sandbox."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version

from dev.support.environment import connection_variable
from dev.support.paths import EXAMPLES
from eci_provider.sandbox import Sandbox
from tests.support import example_runs

DATA = EXAMPLES / "data"
#: The bill files that each example imports if nobody names others.
FILES = {
    "eci_bill_import": [DATA / "nycha_electric_bills.csv"],
    "eci_import_profile": [DATA / "nycha_electric_use.csv"],
    "eci_kickout_review": [DATA / "new_buildings.csv"],
    "eci_large_file": [DATA / "long_electric_bills.csv"],
    "eci_mapped_import": sorted((DATA / "by_development").glob("*.csv")),
    "eci_open_kickouts": [],
}
CAN_ASK = tuple(map(int, airflow_version.split(".")[:2])) >= (3, 1)
NAMES = [name for name in FILES if CAN_ASK or name != "eci_kickout_review"]
KINDS = [kind.value for kind in example_runs.kinds()]

# Thirty runs; a loaded machine may take minutes for that.
pytestmark = pytest.mark.timeout(900)

Bill = tuple[str, str, str]


@dataclass
class Found:
    """What the runs left behind: their results by example and kind, and what is in EnergyCAP."""

    batches: dict[str, dict[str, Any]]
    bills: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    runs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    output: dict[str, str] = field(default_factory=dict)

    def batch(self, name: str, kind: str) -> dict[str, Any]:
        """Return the batch of a run."""
        return self.batches[f"{name} {self.runs[name, kind]['run_id']}"]


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def bills_of(name: str) -> set[Bill]:
    """Return the bills in an example's files."""
    columns = ("Building ID", "Service Start Date", "Service End Date")
    found = {tuple(row[column] for column in columns) for file in FILES[name] for row in rows(file)}
    return {(building, _iso(start), _iso(end)) for building, start, end in found}


def _iso(date: str) -> str:
    month, day, year = date.split("/")
    return f"{year}-{month}-{day}"


def know_everything(sandbox: Sandbox) -> None:
    meters: dict[str, set[str]] = {}
    for file in DATA.rglob("*.csv"):
        for row in rows(file):
            meters.setdefault(row["Building ID"], set()).add(row["Meter Number"])
    for building, known in meters.items():
        sandbox.add_account(building, sorted(known))


@pytest.fixture(scope="module")
def found(airflow_database: None, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Run the examples by turns in two processes at the same time, each process with a database of its own."""
    homes = [tmp_path_factory.mktemp("airflow") for _ in range(2)]
    shares = (NAMES[::2], NAMES[1::2])
    with Sandbox() as sandbox:
        know_everything(sandbox)
        processes = [_start(names, home, sandbox) for names, home in zip(shares, homes, strict=True)]
        try:
            output = [process.communicate()[0] for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.wait()
        batches = {batch["batch_code"]: batch for batch in sandbox.batches()}
        found = Found(batches, sandbox.bills(), sandbox.tasks())
    for process, text in zip(processes, output, strict=True):
        assert process.returncode == 0, text[-6000:]
        for line in text.splitlines():
            if line.startswith("RUN "):
                run = json.loads(line.removeprefix("RUN "))
                found.runs[run["dag"], run["kind"]] = run
                found.output[run["dag"]] = text
    return found


def _start(names: list[str], home: Path, sandbox: Sandbox) -> subprocess.Popen[str]:
    database = home / "airflow.db"
    shutil.copyfile(Path(os.environ["AIRFLOW_HOME"]) / "airflow.db", database)
    return subprocess.Popen(
        [sys.executable, example_runs.__file__, *(str(EXAMPLES / f"{name}.py") for name in names)],
        cwd=home,
        env={
            **os.environ,
            **connection_variable(sandbox.url, sandbox.api_key),
            "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_no_example_is_left_out() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} - {"__init__"} == set(FILES)
    assert {"scheduled", "manual", "backfill"} < set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_each_run_succeeds_with_a_batch_of_its_own(name: str, kind: str, found: Found) -> None:
    run = found.runs[name, kind]
    assert (run["state"], run["failed"]) == ("success", []), found.output[name][-6000:]
    assert run["has_date"] == (kind in example_runs.DATED or airflow_version.startswith("2."))
    if FILES[name]:
        batch = found.batch(name, kind)
        assert batch["batch_status"] == "Closed"
        imports = [task for task in found.tasks if task["batch_id"] == batch["batch_id"]]
        assert {task["status"] for task in imports} == {"Completed"}


@pytest.mark.parametrize("name", [name for name in NAMES if FILES[name]])
def test_examples_leave_each_others_batches_alone(name: str, found: Found) -> None:
    """A later run of the same example replaces the bills of an earlier one, as EnergyCAP does."""
    own = {found.batch(name, kind)["batch_id"] for kind in KINDS}
    assert len(own) == len(KINDS)

    bills = [bill for bill in found.bills if bill["batch_id"] in own]

    assert sorted((bill["account"], bill["start"], bill["end"]) for bill in bills) == sorted(bills_of(name))
    assert not any(bill["voided"] for bill in bills)


def test_nothing_else_was_made(found: Found) -> None:
    assert len(found.batches) == len(KINDS) * len([name for name in NAMES if FILES[name]])
