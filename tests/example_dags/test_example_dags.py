"""Each example DAG, run whole by Airflow's own command as a user would run it."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from airflow import __version__ as airflow_version

from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2] / "example_dags"
BILLS = EXAMPLES / "data" / "nycha_electric_bills.csv"
#: Runs a DAG as a user does who presses "Trigger" on Airflow 3.
BY_HAND = """
import sys
from airflow.models.dagbag import DagBag
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    pass
run = DagBag(sys.argv[1]).dags[sys.argv[2]].test(logical_date=None)
assert run.logical_date is None
sys.exit(run.state != "success")
"""
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


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Make the database of this test run's Airflow home."""
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True, timeout=120
    )


@pytest.fixture
def dags_test(airflow_database: None, book: Sandbox, tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs a DAG with ``airflow dags test`` and returns what it printed."""

    def run(
        dag_id: str,
        meanwhile: Callable[[], bool] = lambda: True,
        *,
        command: Sequence[str] = (sys.executable, "-m", "airflow", "dags", "test"),
        **environment: str,
    ) -> str:
        connection = {"conn_type": "eci", "host": book.url, "password": book.api_key}
        log = tmp_path / "log.txt"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*command, dag_id],
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


@pytest.mark.parametrize("deferrable", ["False", "True"])
def test_the_main_job_brings_every_bill_in_once(
    deferrable: str, book: Sandbox, dags_test: Callable[..., str]
) -> None:
    def analyst() -> bool:
        """Correct what was kicked out, as a person would: in EnergyCAP."""
        kicked = [task for task in book.tasks() if task["status"] == "Completed with kickouts"]
        if not kicked:
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


def test_files_are_imported_side_by_side_into_one_batch(book: Sandbox, dags_test: Callable[..., str]) -> None:
    for building in UNKNOWN:
        know(book, building)
    with EciClient(book.url, book.api_key) as client:
        client.import_profiles.create("NYCHA electric", _columns())

    dags_test("eci_mapped_import")

    (batch,) = book.batches()
    assert batch["batch_status"] == "Closed"
    assert {task["file_name"] for task in book.tasks()} == {
        path.name for path in (EXAMPLES / "data" / "by_development").iterdir()
    }
    assert len(book.bills()) == len(bills_of(lambda building: True))
    assert {bill["batch_id"] for bill in book.bills()} == {batch["batch_id"]}


def test_a_profile_is_made_and_the_sensor_waits(book: Sandbox, dags_test: Callable[..., str]) -> None:
    book.settings.analysis = 1

    dags_test("eci_import_profile")

    (task,) = book.tasks()
    assert task["status"] == "Completed with kickouts"
    assert task["analyzing"] == 0
    assert [profile["profile_code"] for profile in book.profiles()] == ["NYCHA electric, use only"]
    assert [batch["batch_status"] for batch in book.batches()] == ["Closed"]


@pytest.mark.skipif(airflow_version.startswith("2."), reason="a run of Airflow 2 always has a logical date")
def test_a_run_by_hand_has_no_logical_date_and_needs_none(book: Sandbox, dags_test: Callable[..., str]) -> None:
    dags_test("eci_import_profile", command=[sys.executable, "-c", BY_HAND, str(EXAMPLES)])

    (batch,) = book.batches()
    assert re.fullmatch(r"NYCHA \d{8}T\d{6}", batch["batch_code"])
    assert book.tasks()[0]["status"] == "Completed with kickouts"


def test_the_weekly_look_names_what_is_left_over(book: Sandbox, dags_test: Callable[..., str]) -> None:
    book.settings.delay = 0
    with EciClient(book.url, book.api_key) as client:
        client.import_profiles.create("NYCHA electric", _columns())
        client.bill_imports.submit(BILLS, profile_code="NYCHA electric")

    printed = dags_test("eci_open_kickouts")

    for building in UNKNOWN:
        assert f"Account code '{building}' was not found." in printed


def _columns() -> dict[str, object]:
    sys.path.insert(0, str(EXAMPLES))
    try:
        from eci_bill_import import COLUMNS
    finally:
        sys.path.remove(str(EXAMPLES))
    return COLUMNS


def test_every_example_survives_airflows_serialization() -> None:
    """Parse the folder as the DAG processor does, and send each DAG through the scheduler's form and back."""
    script = f"""
import warnings
from pathlib import Path
from airflow.models.dagbag import DagBag
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    pass
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    bag = DagBag({str(EXAMPLES)!r})
ours = [str(w.message) for w in caught if "eci_provider" in str(w.filename) or "example_dags" in str(w.filename)]
assert not ours, ours
assert not bag.import_errors, bag.import_errors
try:
    from airflow.serialization.serialized_objects import DagSerialization as Form
    back = lambda dag: Form.deserialize_dag(Form.serialize_dag(dag))
except ImportError:
    from airflow.serialization.serialized_objects import SerializedDAG as Form
    back = lambda dag: Form.deserialize_dag(Form.serialize_dag(dag))
for dag in bag.dags.values():
    again = back(dag)
    assert {{t.task_id for t in again.tasks}} == {{t.task_id for t in dag.tasks}}
    print("parsed", dag.dag_id, len(dag.tasks))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=90)

    assert done.returncode == 0, done.stderr[-3000:]
    parsed = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("parsed")}
    expected = {
        "eci_bill_import",
        "eci_mapped_import",
        "eci_import_profile",
        "eci_open_kickouts",
        "eci_large_file",
    }
    if tuple(map(int, airflow_version.split(".")[:2])) >= (3, 1):
        expected.add("eci_kickout_review")
    assert parsed == expected
