"""A storm from its start to its result."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from dev.storm.killer import Killer
from dev.storm.plan import Plan, dag_id
from dev.storm.verdict import Judge, Result, check_results, files_with_key
from dev.storm.weather import LATE_BY, SubmitLog, connection, sandbox_for, start_faults
from dev.support import home as homes
from dev.support.components import USER, Supervisor, admin_password, server_settings
from dev.support.database import database_name, fresh_database
from dev.support.environment import airflow_environment
from dev.support.errors import ToolError
from dev.support.ports import free_port
from dev.support.processes import Sleep
from dev.support.rest import Airflow
from dev.support.screen import Screen, shown_path
from eci_provider.sandbox import Sandbox

DAG_FILE = Path(__file__).resolve().parent / "dags" / "eci_storm.py"
STAMP = "storm"
AIRFLOW_PORT = 8480
LONGEST_START = 180.0
UPDATE_INTERVAL = 2.0
# A request is repeated while the API server is busy or starts again.
ATTEMPTS = 8
SETTINGS = {
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "1000",
    "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "1000",
    # The DAG files do not change, and parsing them again takes processor time.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    # Airflow notices dead processes by missing heartbeats, by default only after minutes.
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "40",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "3",
}


def run(
    plan: Plan, home: Path, *, or_sqlite: bool = False, sleep: Sleep = time.sleep, screen: Screen | None = None
) -> Result:
    """
    Run a storm.

    :param plan: its plan.
    :param home: the Airflow home. Files of an earlier storm are removed; those of this one stay.
    :param or_sqlite: whether to use a SQLite file if there is no PostgreSQL.
    :param sleep: function that sleeps; it may raise what stops the storm.
    :param screen: output.
    :return: the result.
    :raises ToolError: if the storm cannot take place.
    """
    screen = screen or Screen()
    with (
        _emptied(home),
        fresh_database(home, or_sqlite=or_sqlite) as database,
        sandbox_for(plan, home / "energycap" / "sandbox.db") as sandbox,
    ):
        storm = Storm(plan, home, database, sandbox, screen, sleep)
        result = storm.run()
        leaks = files_with_key(home, sandbox.api_key, without=home / "energycap")
        result.wrong += [f"the API key is in {shown_path(path)}" for path in leaks]
    return result


class Storm:
    """
    One storm: its Airflow, its sandbox, its killer.

    :param plan: its plan.
    :param home: the Airflow home.
    :param database: address of Airflow's database.
    :param sandbox: EnergyCAP.
    :param screen: output.
    :param sleep: function that sleeps.
    """

    def __init__(
        self, plan: Plan, home: Path, database: str, sandbox: Sandbox, screen: Screen, sleep: Sleep
    ) -> None:
        self._plan = plan
        self._home = home
        self._database = database
        self._sandbox = sandbox
        self._screen = screen
        self._sleep = sleep
        self._airflow = Airflow(f"http://127.0.0.1:{free_port(AIRFLOW_PORT)}", ATTEMPTS)
        self._submits = SubmitLog(sandbox)
        self._environment = airflow_environment(
            home,
            **server_settings(home, self._airflow.url, database),
            **SETTINGS,
            **connection(sandbox),
            AIRFLOW__CORE__PARALLELISM=str(plan.slots),
        )

    def run(self) -> Result:
        """Start Airflow, start and kill everything that is planned, wait for the end, and return the result."""
        self._write_files()
        homes.migrate(self._home, self._environment, self._home / "logs" / "migration.log", self._sleep)
        result = Result(database=database_name(self._database))
        with Supervisor(self._home, self._environment) as supervisor:
            self._screen.step(f"Airflow starts; its logs: {shown_path(self._home / 'logs')}")
            self._wait_until_ready(supervisor)
            self._screen.step("Airflow is ready; the storm begins")
            start_faults(self._plan, self._sandbox)
            with Killer(self._plan, supervisor, self._screen.step) as killer:
                start = time.monotonic()
                self._trigger_runs(killer, start)
                result.seconds = time.monotonic() - start
            result.kills, result.ended_components = killer.kills, +killer.ended
            self._judge(result)
        return result

    def _write_files(self) -> None:
        dags, bills = self._home / "dags", self._home / "bills"
        dags.mkdir()
        bills.mkdir()
        for file in self._plan.every_file:
            file.write(bills)
        kinds = [
            {"deferrable": deferrable, "own_batches": own} for deferrable in (False, True) for own in (False, True)
        ]
        described = [{"dag_id": dag_id(**kind), **kind} for kind in kinds]
        (dags / "kinds.json").write_text(json.dumps({"files": self._plan.files, "dags": described}))
        shutil.copyfile(DAG_FILE, dags / DAG_FILE.name)

    def _wait_until_ready(self, supervisor: Supervisor) -> None:
        end = time.monotonic() + LONGEST_START
        while not self._is_ready():
            for name, component in supervisor.components.items():
                if component.exit_code is not None:
                    raise component.failure(f"Airflow's {name} has ended by itself.")
            if time.monotonic() > end:
                logs = shown_path(self._home / "logs")
                raise ToolError(f"Airflow was not ready after {LONGEST_START:.0f} s; its logs: {logs}")
            self._sleep(0.5)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, ValueError, KeyError):
            if not self._airflow.is_healthy():
                return False
            self._airflow.log_in(USER, admin_password(self._home))
            errors = self._airflow.import_errors()
            if errors:
                raise ToolError(f"Airflow cannot parse the storm's DAGs: {errors[0]}")
            return all(self._airflow.has_dag(dag) for dag in {run.dag_id for run in self._plan.planned})
        return False

    def _trigger_runs(self, killer: Killer, start: float) -> None:
        """Trigger the runs when they are due, until all have ended or the time is over."""
        planned = list(self._plan.planned)
        while True:
            passed = time.monotonic() - start
            while planned and self._plan.due(planned[0].number) <= passed:
                self._trigger(planned.pop(0).number)
            self._submits.update()
            killer.check()
            if killer.is_active and passed >= self._plan.seconds and not killer.has_required:
                killer.stop_killing()
                self._screen.step("nothing is killed any more; the remaining runs end")
            has_ended = not planned and all(run["state"] in ("success", "failed") for run in self._airflow.runs())
            if has_ended and not killer.has_required:
                return
            if passed >= self._plan.seconds + self._plan.longest_end:
                return
            self._sleep(UPDATE_INTERVAL)

    def _trigger(self, number: int) -> None:
        planned = self._plan.planned[number]
        files = [str(self._home / "bills" / file.name) for file in planned.files]
        conf = {"files": files, "on_kickouts": planned.on_kickouts}
        self._airflow.trigger(planned.dag_id, planned.run_id, conf)

    def _judge(self, result: Result) -> None:
        # An import that should not exist may not have started yet, and only has bills when it has ended.
        self._sleep(LATE_BY + self._plan.import_takes + 1)
        self._sandbox.clear_faults()
        self._submits.update()
        result.submits, result.submits_faulty = self._submits.count, self._submits.faulty
        tasks = self._airflow.task_instances()
        doubled = self._submits.doubled
        judge = Judge(
            self._plan, self._sandbox, tasks, self._airflow.runs(), self._home / "logs", result, doubled=doubled
        )
        judge.judge()
        results = {
            (task["dag_run_id"], task["map_index"]): self._airflow.result(task)
            for task in tasks
            if judge.must_have_result(task)
        }
        check_results(self._plan, results, result)


@contextlib.contextmanager
def _emptied(home: Path) -> Iterator[None]:
    """
    Lock the home of a storm, and remove the files of an earlier storm.

    :raises ToolError: if another storm uses it, or if it has other files.
    """
    with homes.locked(home, STAMP, "storm"):
        for entry in home.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != STAMP:
                entry.unlink()
        (home / "logs").mkdir()
        (home / "energycap").mkdir()
        yield
