"""A whole Airflow with the DAG that asks a person about kickouts, controlled through its REST API."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from dev.support.components import IDLE
from eci_provider.sandbox import Sandbox
from tests.support import whole_airflow
from tests.support.whole_airflow import WholeAirflow

DAG = "eci_kickout_review"
WAITING = ("awaiting_input", "deferred")  # Airflow 3.3 and newer, and older ones
HEADER = ["Name", "Location", "Building", "Month", "Start", "End", "Days", "Meter", "Charges"]
HEADER += ["KWH", "KWH charges", "KW", "KW charges", "Other"]


def review(number: int) -> str:
    """Return the id of the task that asks for the first, second or third time."""
    return f"question_{number}.review"


def bills_file(folder: Path, run: str, *buildings: str) -> Path:
    """Write a file with one bill for each building."""
    path = folder / f"{run}.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for name in buildings:
            period = ["2026-01", "12/24/2025", "01/26/2026", "33"]
            writer.writerow(["", "", name, *period, "M1", "30.0", "200.0", "20.0", "10.0", "5.0", "5.0"])
    return path


class Reviewed(WholeAirflow):
    """
    The Airflow under test, and the EnergyCAP of its DAG.

    :param url: address of its web interface.
    :param home: its home.
    :param energycap: the sandbox.
    """

    def __init__(self, url: str, home: Path, energycap: Sandbox) -> None:
        super().__init__(url, home, energycap)
        #: The first question of each run that asked, and the states of its tasks while no worker had a task.
        self.asked: dict[str, dict[str, Any]] = {}
        self.meanwhile: dict[str, dict[str, str | None]] = {}

    def begin(self, run: str, *buildings: str) -> None:
        """Trigger a run for a file with a bill for each building, as the web interface does: without a date."""
        path = bills_file(self.home, run, *buildings)
        conf = {"file": str(path), "reports": str(self.home / "reports")}

        def trigger() -> bool:
            self.trigger(DAG, run, conf)
            return True

        self.until(f"run {run}", trigger)

    def tasks(self, run: str) -> dict[str, dict[str, Any]]:
        """Return the task instances of a run by task id."""
        return {task["task_id"]: task for task in self.task_instances(DAG, run)}

    def states(self, run: str) -> dict[str, str | None]:
        """Return the states of the tasks of a run by task id."""
        return {name: task["state"] for name, task in self.tasks(run).items()}

    def question(self, run: str, number: int = 1) -> dict[str, Any]:
        """Wait until a run asks, and return its question."""
        name = review(number)

        def details() -> dict[str, Any] | None:
            if not self._can_be_answered(run, name):
                return None
            found: dict[str, Any] = self.ask(f"dags/{DAG}/dagRuns/{run}/taskInstances/{name}/-1/hitlDetails")
            return found

        return self.until(f"question {number} of run {run}", details)

    def _can_be_answered(self, run: str, name: str) -> bool:
        """
        Return whether a task waits for an answer, and the scheduler knows that the task's process has ended.

        An earlier answer would be lost. No person is that fast, but Airflow 3.3 would take the end of the old
        process for the end of the new one, and fail the task.
        """
        task = self.tasks(run)[name]
        key = f"task_id='{name}', run_id='{run}', try_number={task['try_number']},"
        events = (line for line in self.command.log.read_text().splitlines() if "Received executor event" in line)
        return task["state"] in WAITING and any(key in line for line in events)

    def answer(self, run: str, choice: str, number: int = 1) -> None:
        """Answer a question, as the web interface does."""
        path = f"dags/{DAG}/dagRuns/{run}/taskInstances/{review(number)}/-1/hitlDetails"
        body = {"chosen_options": [choice], "params_input": {}}

        def send() -> bool:
            # If the response to this request was lost, the question may be answered already.
            return self.states(run)[review(number)] not in WAITING or self.ask(path, body, "PATCH")

        self.until(f"an answer to {run}", send)

    def end(self, run: str) -> str:
        """Wait until a run ends, and return its state."""
        return self.end_of(DAG, run)

    def clear(self, run: str, task: str) -> None:
        """Clear a task and the tasks after it, as the web interface does."""
        body = {
            "dag_run_id": run,
            "task_ids": [task],
            "include_downstream": True,
            "only_failed": False,
            "dry_run": False,
        }
        self.until(f"{task} cleared", lambda: self.ask(f"dags/{DAG}/clearTaskInstances", body))

    def log_of(self, run: str, task: str) -> str:
        """Return the log of a task's last attempt."""
        number = self.tasks(run)[task]["try_number"]
        folder = self.home / "logs" / f"dag_id={DAG}" / f"run_id={run}" / f"task_id={task}"
        return (folder / f"attempt={number}.log").read_text()

    def let_the_deadline_pass(self, run: str, number: int) -> None:
        """Move the time until which a run waits for an answer, which is days ahead, into the past."""
        with closing(sqlite3.connect(self.home / "airflow.db", timeout=60)) as database, database:
            changed = database.execute(
                "UPDATE task_instance SET trigger_timeout = '2026-01-01 00:00:00.000000'"
                " WHERE run_id = ? AND task_id = ? AND trigger_timeout > '2026-01-01'",
                [run, review(number)],
            )
            assert changed.rowcount == 1

    def busy_workers(self) -> list[str]:
        """Return the titles of the executor's workers that have a task."""
        return [title for title in self._titles() if "LocalExecutor" in title and IDLE not in title]

    def has_workers(self) -> bool:
        """Return whether the executor has workers without a task."""
        return any(IDLE in title for title in self._titles())

    def _titles(self) -> Iterator[str]:
        # Not by their environment: a process that changes its title may have none any more.
        for process in psutil.Process().children(recursive=True):
            try:
                yield " ".join(process.cmdline())
            except psutil.Error:
                continue

    def batch_of(self, run: str) -> dict[str, Any]:
        """Return the batch that a run opened."""
        code = f"{DAG} {run}"
        return next(batch for batch in self.energycap.batches() if batch["batch_code"] == code)

    def bills_of(self, run: str) -> dict[str, bool]:
        """Return the bills in a run's batch: whether each building's bill counts. No building has two."""
        batch_id = self.batch_of(run)["batch_id"]
        bills = [bill for bill in self.energycap.bills() if bill["batch_id"] == batch_id]
        assert len({bill["account"] for bill in bills}) == len(bills)
        return {bill["account"]: not bill["voided"] for bill in bills}


def scheduled(airflow: Reviewed) -> str:
    """Return the run that Airflow's schedule started."""
    return str(next(run["dag_run_id"] for run in airflow.runs(DAG) if run["run_type"] == "scheduled"))


@contextmanager
def running(home: Path) -> Iterator[Reviewed]:
    """Start a sandbox, and an Airflow that has the DAG but no run of it yet."""
    with Sandbox() as energycap, whole_airflow.running(Reviewed, home, energycap, [DAG]) as airflow:
        yield airflow
