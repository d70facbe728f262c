"""Airflow homes: folders that one run of a tool has for itself."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from dev.support.environment import airflow_environment
from dev.support.errors import ToolError
from dev.support.processes import Command, Sleep
from dev.support.requirements import airflow_version
from dev.support.screen import Screen, shown_path

LOGS_KEPT = 10
LONGEST_MIGRATION = 180.0
# A migration of an empty database takes seconds, a copy of the result a moment.
EMPTY_DATABASE = "empty.db"
STAMP = "made-with"


@contextlib.contextmanager
def locked(home: Path, stamp: str, tool: str) -> Iterator[None]:
    """
    Create an Airflow home if there is none, and lock it.

    :param home: the folder.
    :param stamp: name of the file that marks a home of this tool.
    :param tool: name of the tool, such as "demo".
    :raises ToolError: if another run of the tool uses the home, or if the folder has other files.
    """
    path = home / stamp
    if home.is_dir() and any(home.iterdir()) and not path.exists():
        raise ToolError(f"{shown_path(home)} has files that the {tool} did not write; name another folder.")
    (home / "logs").mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            # The lock ends with this process, in any case; processes started here do not inherit it.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ToolError(f"A {tool} is already running in {shown_path(home)}.") from None
        yield


@contextlib.contextmanager
def with_empty_database(home: Path, tool: str, screen: Screen, sleep: Sleep) -> Iterator[None]:
    """
    Lock an Airflow home, and put an empty SQLite database into it, so that all runs start alike.

    :param tool: name of the tool.
    :param screen: output.
    :param sleep: function that sleeps.
    :raises ToolError: if the home cannot be locked, or if Airflow cannot create its database.
    """
    with locked(home, STAMP, tool):
        _create_database_once(home, screen, sleep)
        _remove(home.glob("airflow.db*"))
        # A new database has runs with the names of earlier ones; their tasks would write into the same logs.
        for folder in (entry for entry in (home / "logs").iterdir() if entry.is_dir()):
            shutil.rmtree(folder)
        shutil.copyfile(home / EMPTY_DATABASE, home / "airflow.db")
        yield


def _create_database_once(home: Path, screen: Screen, sleep: Sleep) -> None:
    stamp, empty = home / STAMP, home / EMPTY_DATABASE
    made_with = f"Airflow {airflow_version()}, {sys.version}"
    if stamp.read_text() == made_with and empty.exists():
        return
    screen.step(f"Airflow creates its database in {shown_path(home)}, once")
    _clear(home)
    migrate(home, airflow_environment(home), new_log(home, "database"), sleep)
    (home / "airflow.db").replace(empty)
    stamp.write_text(made_with)


def migrate(home: Path, environment: dict[str, str], log: Path, sleep: Sleep) -> None:
    """
    Create or update Airflow's database.

    :param log: file for Airflow's output.
    :param sleep: function that sleeps.
    :raises ToolError: if Airflow cannot.
    """
    arguments = [sys.executable, "-m", "airflow", "db", "migrate"]
    with Command(arguments, environment, home, log) as command:
        if command.wait(LONGEST_MIGRATION, sleep) != 0:
            raise command.failure("Airflow could not create its database.")


def new_log(home: Path, name: str) -> Path:
    """Return the path of a new log file, and remove older ones of the same name, except for the newest few."""
    folder = home / "logs"
    _remove(sorted(folder.glob(f"{name}-*.log"))[: 1 - LOGS_KEPT])
    return folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.log"


def _clear(home: Path) -> None:
    """Remove the files of another version of Airflow, except for logs."""
    for entry in home.iterdir():
        if entry.is_dir() and entry.name != "logs":
            shutil.rmtree(entry)
        elif not entry.is_dir() and entry.name != STAMP:
            entry.unlink()


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
