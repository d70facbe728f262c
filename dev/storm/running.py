"""Run a storm from its start to its verdict."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dev.demo import home as airflow_home
from dev.demo.ports import free_port
from dev.demo.processes import Command
from dev.demo.screen import Screen, shown_path
from dev.storm import verdict
from dev.storm.database import database_name, fresh_database
from dev.storm.errors import StormError
from dev.storm.killer import Killer
from dev.storm.plan import Plan, dag_id
from dev.storm.rest import StormyAirflow
from dev.storm.services import PASSWORDS, USER, Services, environment
from dev.storm.verdict import Judge, Result
from dev.storm.weather import LATE_BY, Tally, break_loose, connection_to, sandbox_of
from eci_provider.sandbox import Sandbox

HOME = airflow_home.HOMES / "storm"
DAG_FILE = Path(__file__).resolve().parent / "dags" / "eci_storm.py"
STAMP = "storm"
AIRFLOW_PORT = 8480
LONGEST_START = 180.0
LONGEST_MIGRATION = 180.0
LOOK_EVERY = 2.0

Sleep = Callable[[float], None]


def run(
    plan: Plan,
    home: Path = HOME,
    *,
    or_sqlite: bool = False,
    sleep: Sleep = time.sleep,
    screen: Screen | None = None,
) -> Result:
    """
    Let a storm pass, and say what became of the bills.

    :param plan: how much of what.
    :param home: the Airflow home; what an earlier storm left there is removed, what this one leaves is kept.
    :param or_sqlite: whether a SQLite file will do where PostgreSQL cannot be had.
    :param sleep: sleeps; it may raise what stops the storm.
    :param screen: where to tell what happens.
    :raises StormError: if the storm cannot take place.
    """
    screen = screen or Screen()
    with (
        _own(home),
        fresh_database(home, or_sqlite=or_sqlite) as database,
        sandbox_of(plan, home / "energycap" / "sandbox.db") as sandbox,
    ):
        storm = Storm(plan, home, database, sandbox, screen, sleep)
        found = storm.pass_by()
        leaks = verdict.key_in_logs(home, sandbox.api_key, home / "energycap")
        found.wrong += [f"the API key stands in {shown_path(path)}" for path in leaks]
    return found


class Storm:
    """
    One storm: its Airflow, its EnergyCAP, its killer.

    :param plan: how much of what.
    :param home: the Airflow home.
    :param database: its database's address.
    :param sandbox: EnergyCAP.
    :param screen: where to tell what happens.
    :param sleep: sleeps.
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
        self._airflow = StormyAirflow(f"http://127.0.0.1:{free_port(AIRFLOW_PORT)}")
        self._tally = Tally(sandbox)
        self._variables = environment(home, plan, self._airflow.url, database, connection_to(sandbox))

    def pass_by(self) -> Result:
        """Start everything, let it storm, wait for the end, judge."""
        self._write_files()
        self._migrate()
        found = Result(database=database_name(self._database))
        with Services(self._home, self._variables) as services:
            self._screen.step(f"Airflow starts; its logs: {shown_path(self._home / 'logs')}")
            self._await_start(services)
            self._screen.step("Airflow is ready; the storm begins")
            break_loose(self._plan, self._sandbox)
            with Killer(self._plan, services, self._screen.step) as killer:
                start = time.monotonic()
                self._let_it_storm(killer, start)
                found.seconds = time.monotonic() - start
            found.kills, found.ended_parts = killer.kills, +killer.ended
            self._judge(found)
        return found

    def _write_files(self) -> None:
        dags, bills = self._home / "dags", self._home / "bills"
        dags.mkdir()
        bills.mkdir()
        for file in self._plan.every_file:
            file.write(bills)
        kinds = [{"deferrable": late, "own_batches": own} for late in (False, True) for own in (False, True)]
        described = [{"dag_id": dag_id(**kind), **kind} for kind in kinds]
        (dags / "kinds.json").write_text(json.dumps({"files": self._plan.files, "dags": described}))
        shutil.copyfile(DAG_FILE, dags / DAG_FILE.name)

    def _migrate(self) -> None:
        arguments = [sys.executable, "-m", "airflow", "db", "migrate"]
        log = self._home / "logs" / "migration.log"
        with Command(arguments, self._variables, self._home, log) as command:
            end = time.monotonic() + LONGEST_MIGRATION
            while command.exit_code is None and time.monotonic() < end:
                self._sleep(0.2)
            if command.exit_code != 0:
                raise StormError(str(command.failure("Airflow could not make its database.")))

    def _await_start(self, services: Services) -> None:
        end = time.monotonic() + LONGEST_START
        while not self._is_ready():
            for name, part in services.parts.items():
                if part.exit_code is not None:
                    raise StormError(str(part.failure(f"Airflow's {name} has ended by itself.")))
            if time.monotonic() > end:
                raise StormError(f"Airflow did not get ready; its logs: {shown_path(self._home / 'logs')}")
            self._sleep(0.5)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, ValueError, KeyError):
            if not self._airflow.healthy():
                return False
            self._airflow.log_in(USER, json.loads((self._home / PASSWORDS).read_text())[USER])
            errors = self._airflow.import_errors()
            if errors:
                raise StormError(f"Airflow cannot read the storm's DAGs: {errors[0]}")
            return all(self._airflow.knows(dag) for dag in {run.dag_id for run in self._plan.planned})
        return False

    def _let_it_storm(self, killer: Killer, start: float) -> None:
        """Begin runs as they fall due, until all have ended, or the time for that is over."""
        waiting = list(self._plan.planned)
        is_calm = False
        while True:
            passed = time.monotonic() - start
            while waiting and self._plan.due(waiting[0].number) <= passed:
                due = waiting.pop(0)
                files = [str(self._home / "bills" / file.name) for file in due.files]
                conf = {"files": files, "on_kickouts": due.on_kickouts}
                self._airflow.trigger(due.dag_id, due.run_id, conf)
            self._tally.look()
            killer.check()
            if not is_calm and passed >= self._plan.seconds and not killer.is_owed:
                is_calm = True
                killer.spare()
                self._screen.step("nothing is killed any more; what is left may end")
            ended = not waiting and all(run["state"] in ("success", "failed") for run in self._airflow.runs())
            if (ended and is_calm) or passed >= self._plan.seconds + self._plan.calm:
                return
            if ended and not killer.is_owed:
                return
            self._sleep(LOOK_EVERY)

    def _judge(self, found: Result) -> None:
        # An import that should not be there may not have begun yet, and has bills only when it has ended.
        self._sleep(LATE_BY + self._plan.import_takes + 1)
        self._sandbox.clear_faults()
        self._tally.look()
        found.submits, found.submits_troubled = self._tally.submits, self._tally.troubled
        tasks = self._airflow.task_instances()
        judge = Judge(self._plan, self._sandbox, tasks, self._airflow.runs(), self._home / "logs", found)
        judge.judge()
        results = {
            (task["dag_run_id"], task["map_index"]): self._airflow.result(task)
            for task in tasks
            if judge.has_result(task)
        }
        verdict.judge_results(self._plan, results, found)


@contextlib.contextmanager
def _own(home: Path) -> Iterator[None]:
    """
    Have an empty home for oneself.

    :raises StormError: if another storm has it, or if it holds something else.
    """
    stamp = home / STAMP
    if home.is_dir() and any(home.iterdir()) and not stamp.exists():
        raise StormError(f"{shown_path(home)} holds something else than a storm's files; name another folder.")
    home.mkdir(parents=True, exist_ok=True)
    with stamp.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StormError(f"There is a storm in {shown_path(home)} already.") from None
        for entry in home.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry != stamp:
                entry.unlink()
        (home / "logs").mkdir()
        (home / "energycap").mkdir()
        yield
