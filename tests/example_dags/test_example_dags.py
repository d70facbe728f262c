"""Each example DAG, run whole by Airflow's own command as a user would run it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version

from dev.support.paths import EXAMPLES
from eci_provider.api import EciClient
from eci_provider.example_dags.eci_bill_import import COLUMNS
from eci_provider.sandbox import Sandbox

BILLS = EXAMPLES / "data" / "nycha_electric_bills.csv"
UNKNOWN = ("118.0 - BLD 05", "2.0 - BLD 07")


def rows() -> list[dict[str, str]]:
    """Return the bill file's rows."""
    with BILLS.open(newline="") as stream:
        return list(csv.DictReader(stream))


def bills_of(accounts: Callable[[str], bool]) -> set[tuple[str, str, str]]:
    """Return the bills of some accounts: rows of one building and period are one bill."""
    return {
        (row["Building ID"], row["Service Start Date"], row["Service End Date"])
        for row in rows()
        if accounts(row["Building ID"])
    }


@pytest.fixture
def book(eci_sandbox: Sandbox) -> Sandbox:
    """Start a sandbox whose account book knows all buildings but two."""
    eci_sandbox.settings.delay = 1
    for building in {row["Building ID"] for row in rows()}.difference(UNKNOWN):
        know(eci_sandbox, building)
    return eci_sandbox


def know(sandbox: Sandbox, building: str) -> None:
    """Add a building and its meters to the account book."""
    sandbox.add_account(building, meters={row["Meter Number"] for row in rows() if row["Building ID"] == building})


@pytest.fixture
def dags_test(airflow_database: None, book: Sandbox, tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs a DAG with ``airflow dags test`` and returns what it printed."""

    def run(
        dag_id: str,
        meanwhile: Callable[[], bool] = lambda: True,
        *,
        conf: dict[str, Any] | None = None,
        **environment: str,
    ) -> str:
        connection = {"conn_type": "eci", "host": book.url, "password": book.api_key}
        log = tmp_path / "log.txt"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "dags", "test", dag_id, "--conf", json.dumps(conf or {})],
                env={
                    **os.environ,
                    "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
                    "AIRFLOW_CONN_ECI_DEFAULT": json.dumps(connection),
                    **environment,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            done = False
            while process.poll() is None:
                done = done or meanwhile()
                time.sleep(0.2)
        printed = log.read_text()
        assert process.returncode == 0, printed[-6000:]
        assert book.api_key not in without_airflows_own(printed)
        return printed

    return run


def without_airflows_own(printed: str) -> str:
    """Leave out where Airflow 3.0's ``dags test`` itself prints what a task asks it to mask (3.1 does not)."""
    if not airflow_version.startswith("3.0."):
        return printed
    return "\n".join(line for line in printed.splitlines() if "MaskSecret(" not in line)


def waits_for(task: dict[str, Any]) -> str:
    """Return what the log must say while an import waits for its correction."""
    return f"Waiting for 'corrected' in the note of import {task['task_guid']}"


@pytest.mark.parametrize("deferrable", ["False", "True"])
def test_the_main_job_brings_every_bill_in_once(
    deferrable: str, book: Sandbox, dags_test: Callable[..., str], tmp_path: Path
) -> None:
    def analyst() -> bool:
        """Correct what was kicked out, as a person would who has read what the run waits for: in EnergyCAP."""
        kicked = [task for task in book.tasks() if task["status"] == "Completed with kickouts"]
        if not kicked or waits_for(kicked[0]) not in (tmp_path / "log.txt").read_text():
            return False
        for building in UNKNOWN:
            know(book, building)
        with EciClient(book.url, book.api_key) as client:
            client.tasks.edit_note(kicked[0]["task_id"], "corrected by hand")
        return True

    dags_test("eci_bill_import", analyst, AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE=deferrable)

    first, retry = book.tasks()
    assert (first["status"], retry["status"]) == ("Completed with kickouts", "Completed")
    assert first["imported"] == len(bills_of(lambda building: building not in UNKNOWN))
    assert retry["imported"] == len(bills_of(lambda building: building in UNKNOWN))
    (batch,) = book.batches()
    assert batch["batch_status"] == "Closed"
    assert len(book.bills()) == len(bills_of(lambda building: True))
    assert Decimal(str(batch["running_total"])) == sum(Decimal(row["Current Charges"]) for row in rows())


def test_a_profile_is_made_and_the_sensor_waits(book: Sandbox, dags_test: Callable[..., str]) -> None:
    book.settings.analysis = 1

    dags_test("eci_import_profile")

    (task,) = book.tasks()
    assert task["status"] == "Completed with kickouts"
    assert task["analyzing"] == 0
    assert [profile["profile_code"] for profile in book.profiles()] == ["NYCHA electric, use only"]
    assert [batch["batch_status"] for batch in book.batches()] == ["Closed"]


def test_the_weekly_look_names_what_is_left_over(book: Sandbox, dags_test: Callable[..., str]) -> None:
    book.settings.delay = 0
    with EciClient(book.url, book.api_key) as client:
        client.import_profiles.create("NYCHA electric", COLUMNS)
        client.bill_imports.submit(BILLS, profile_code="NYCHA electric")

    printed = dags_test("eci_open_kickouts")

    for building in UNKNOWN:
        assert f"Account code '{building}' was not found." in printed
