"""Airflow's components in processes of their own, and a supervisor that restarts those that die."""

from __future__ import annotations

import itertools
import json
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil

from dev.support.processes import Command

#: Arguments of ``airflow`` for each component of an Airflow with a LocalExecutor.
LOCAL = {
    "api-server": ["api-server"],
    "dag-processor": ["dag-processor"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
PASSWORDS = "passwords.json"
USER = "admin"
# Seconds after which the remaining children of a dead component are killed, as a service manager does.
GRACE = 30.0
# Part of the title of a LocalExecutor's worker that has no task.
IDLE = "<idle>"


def server_settings(home: Path, url: str, database: str, executor: str = "LocalExecutor") -> dict[str, str]:
    """
    Return the variables that all components of one Airflow share, and write the file of passwords.

    The variables hold new secrets, so all components must get them from the same call.

    :param home: the Airflow home.
    :param url: address of the API server.
    :param database: address of the database, for SQLAlchemy.
    :param executor: the executor.
    """
    passwords = home / PASSWORDS
    passwords.write_text(json.dumps({USER: secrets.token_urlsafe(16)}))
    return {
        "AIRFLOW__CORE__EXECUTOR": executor,
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": url.rpartition(":")[2],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_ISSUER": "eci-tools",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
    }


def admin_password(home: Path) -> str:
    """Return the password of the user :data:`USER`."""
    return str(json.loads((home / PASSWORDS).read_text())[USER])


class Component(Command):
    """
    One process of one Airflow component, with its children.

    :param arguments: arguments of ``airflow``, such as ``["triggerer"]``.
    :param environment: its whole environment.
    :param home: the Airflow home.
    :param log: file for its output.
    """

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], home: Path, log: Path) -> None:
        super().__init__([sys.executable, "-m", "airflow", *arguments], environment, home, log)
        self._started = time.monotonic()
        #: When its end was noticed, by the monotonic clock.
        self.ended_at: float | None = None

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    def children(self) -> Iterator[psutil.Process]:
        """Yield the living processes that it started, including those that have lost their parent."""
        for pid in self.pids():
            if pid != self.pid:
                try:
                    yield psutil.Process(pid)
                except psutil.NoSuchProcess:
                    continue


class Supervisor:
    """
    Starts the components of one Airflow, and restarts those that end. Use it as a context manager, which ends
    them.

    Only one thread may use it at a time.

    :param home: the Airflow home.
    :param environment: their whole environment.
    :param arguments: arguments of ``airflow`` by name of the component.
    """

    def __init__(
        self, home: Path, environment: dict[str, str], arguments: Mapping[str, Sequence[str]] = LOCAL
    ) -> None:
        self._home = home
        self._environment = environment
        self._arguments = arguments
        self._numbers = itertools.count(1)
        #: The running components by name.
        self.components: dict[str, Component] = {}
        #: Components that ended, and whose children may still run.
        self.ended: list[Component] = []

    def __enter__(self) -> Supervisor:
        for name in self._arguments:
            self._start(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # In reverse order: otherwise the others would log the end of the scheduler as an error.
        for component in (*reversed(self.components.values()), *self.ended):
            component.end()

    def restart_ended(self) -> list[str]:
        """Restart the components that have ended, and return their names."""
        names = [name for name, component in self.components.items() if component.exit_code is not None]
        for name in names:
            component = self.components[name]
            component.ended_at = time.monotonic()
            self.ended.append(component)
            self._start(name)
        return names

    def kill_leftovers(self) -> None:
        """
        Kill the children of components that ended: workers without a task at once, others after :data:`GRACE`.

        A LocalExecutor's worker is a fork of the scheduler, and holds its connections to the database. While one
        lives, the locks of a transaction in which the scheduler died stay, and no other scheduler can process
        those runs.
        """
        remaining = []
        for component in self.ended:
            is_late = component.ended_at is not None and time.monotonic() - component.ended_at > GRACE
            children = list(component.children())
            for process in children:
                if is_late or IDLE in title(process):
                    kill(process)
            # Without children it is forgotten: the system may give its process id to another process.
            if children:
                remaining.append(component)
        self.ended = remaining

    def _start(self, name: str) -> None:
        folder = self._home / "logs" / "components"
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{name}-{next(self._numbers):03d}.log"
        self.components[name] = Component(self._arguments[name], self._environment, self._home, log)


def title(process: psutil.Process) -> str:
    """Return a process's title; empty if it has ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return ""


def kill(process: psutil.Process) -> bool:
    """Kill a process with SIGKILL, and return whether it existed."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True
