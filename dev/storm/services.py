"""Airflow's parts in processes of their own, which can die and are started again."""

from __future__ import annotations

import itertools
import json
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import psutil

from dev.demo import home as airflow_home
from dev.demo.processes import Command
from dev.storm.plan import Plan

ARGUMENTS = {
    "api-server": ["api-server"],
    "dag-processor": ["dag-processor"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
PASSWORDS = "passwords.json"
USER = "admin"
# Seconds that what a dead part started has to end by itself; then it is killed, as a service manager does.
GRACE = 30.0
# So a worker calls itself while it waits for work.
IDLE = "<idle>"
# Airflow notices by missing heartbeats that something has died. Its own patience is minutes.
IMPATIENCE = {
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


def environment(home: Path, plan: Plan, url: str, database: str, connection: dict[str, str]) -> dict[str, str]:
    """
    Make the environment of all parts, and write the file of passwords.

    :param home: the Airflow home.
    :param url: where the API server will be.
    :param database: the database's address.
    :param connection: the part that is the connection to EnergyCAP.
    """
    passwords = home / PASSWORDS
    passwords.write_text(json.dumps({USER: secrets.token_urlsafe(16)}))
    return airflow_home.environment(
        home,
        **IMPATIENCE,
        **connection,
        AIRFLOW__CORE__DAGS_FOLDER=str(home / "dags"),
        AIRFLOW__CORE__EXECUTOR="LocalExecutor",
        AIRFLOW__CORE__PARALLELISM=str(plan.slots),
        AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG="1000",
        AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG="1000",
        AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION="False",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"{url}/execution/",
        AIRFLOW__CORE__FERNET_KEY="",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=str(passwords),
        AIRFLOW__API__HOST="127.0.0.1",
        AIRFLOW__API__PORT=url.rpartition(":")[2],
        AIRFLOW__API__BASE_URL=url,
        AIRFLOW__API__SECRET_KEY=secrets.token_hex(16),
        AIRFLOW__API_AUTH__JWT_SECRET=secrets.token_hex(32),
        AIRFLOW__API_AUTH__JWT_ISSUER="storm",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=database,
        # The files do not change, and each look at them takes time from the storm.
        AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL="600",
    )


class Part(Command):
    """
    One life of one part of Airflow.

    :param name: the part.
    """

    def __init__(self, name: str, variables: dict[str, str], home: Path, log: Path) -> None:
        super().__init__([sys.executable, "-m", "airflow", *ARGUMENTS[name]], variables, home, log)
        self._born = time.monotonic()
        #: When its end was noticed, by the monotonic clock.
        self.died: float | None = None

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._born

    def processes(self) -> Iterator[psutil.Process]:
        """Return what it started and is still there, whoever its parent is by now; not the part itself."""
        for pid in self._living():
            if pid != self.pid:
                try:
                    yield psutil.Process(pid)
                except psutil.NoSuchProcess:
                    continue


class Services:
    """
    All parts of one Airflow. Not safe for several threads at a time.

    :param home: the Airflow home.
    :param variables: their environment.

    Use it as a context manager, which ends them and all they started.
    """

    def __init__(self, home: Path, variables: dict[str, str]) -> None:
        self._home = home
        self._variables = variables
        self._numbers = itertools.count(1)
        self.parts: dict[str, Part] = {}
        #: Lives that ended, whose children may be left.
        self.ghosts: list[Part] = []

    def __enter__(self) -> Services:
        for name in ARGUMENTS:
            self._start(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The others would take the scheduler's end for trouble and say so at length.
        for part in (*reversed(self.parts.values()), *self.ghosts):
            part.end()

    def revive(self) -> list[str]:
        """Start what has died, as a service manager would, and return its names."""
        dead = [name for name, part in self.parts.items() if part.exit_code is not None]
        for name in dead:
            ghost = self.parts[name]
            ghost.died = time.monotonic()
            self.ghosts.append(ghost)
            self._start(name)
        return dead

    def sweep(self) -> None:
        """
        Kill what a dead scheduler left: workers that wait for its work at once, the others after a while.

        A worker was forked from the scheduler and holds its connections to the database. While one lives, a
        transaction that the scheduler died in keeps its locks, and no other scheduler touches those runs.
        """
        haunting = []
        for ghost in self.ghosts:
            is_late = ghost.died is not None and time.monotonic() - ghost.died > GRACE
            left = list(ghost.processes())
            for process in left:
                if is_late or IDLE in title(process):
                    kill(process)
            # Once nothing is left, the system may give its number to a process of somebody else.
            if left:
                haunting.append(ghost)
        self.ghosts = haunting

    def _start(self, name: str) -> None:
        folder = self._home / "logs" / "parts"
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{name}-{next(self._numbers):03d}.log"
        self.parts[name] = Part(name, self._variables, self._home, log)


def title(process: psutil.Process) -> str:
    """Return what a process calls itself; nothing, once it has ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return ""


def kill(process: psutil.Process) -> bool:
    """Kill a process with SIGKILL, and tell whether it was there."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True
