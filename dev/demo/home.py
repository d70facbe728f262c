"""An Airflow of the demo's own: its folder, its database, its environment."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dev.demo.bills import EXAMPLES
from dev.demo.errors import DemoError
from dev.demo.processes import Command
from dev.demo.requirements import airflow_version
from dev.demo.screen import Screen, shown_path
from dev.demo.signals import Stop

HOMES = Path(__file__).resolve().parents[2] / ".airflow"
LOGS_KEPT = 10
# An empty database takes five seconds to make, and a moment to copy.
EMPTY_DATABASE = "empty.db"
STAMP = "made-with"

SETTINGS = {
    "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    # None of these asks the network for anything.
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "PYTHONUNBUFFERED": "1",
    "NO_COLOR": "1",
}


def environment(home: Path, **more: str) -> dict[str, str]:
    """
    Make the environment for Airflow: the user's own, without what is meant for an Airflow of theirs.

    :param more: further variables.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "_AIRFLOW_"))}
    kept.pop("FORCE_COLOR", None)
    # `airflow standalone` looks for `airflow` there.
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    # A proxy cannot reach this machine's loopback.
    direct = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1,localhost"]))
    own = {"AIRFLOW_HOME": str(home), "PATH": path, "NO_PROXY": direct, "no_proxy": direct}
    return {**kept, **SETTINGS, **own, **more}


def connection(url: str, api_key: str) -> dict[str, str]:
    """Make the environment's part that is the connection ``eci_default`` to a sandbox."""
    # Nothing in the template but the host: every task has the link, whatever it knows of batch and import.
    extra = {"ui_url_template": "{host}/"}
    described = {"conn_type": "eci", "host": url, "password": api_key, "extra": extra}
    return {"AIRFLOW_CONN_ECI_DEFAULT": json.dumps(described)}


@contextlib.contextmanager
def prepared(home: Path, screen: Screen, stop: Stop) -> Iterator[None]:
    """
    Have a home for oneself, with an empty database in it, so that every run begins alike.

    :raises DemoError: if another demo has it, if it holds something else, or if Airflow cannot make a database.
    :raises StoppedError: if a signal came.
    """
    stamp = home / STAMP
    if home.is_dir() and any(home.iterdir()) and not stamp.exists():
        raise DemoError(f"{shown_path(home)} holds something else than the demo's files; name another folder.")
    (home / "logs").mkdir(parents=True, exist_ok=True)
    with stamp.open("a") as file:
        try:
            # The lock goes with this process, however it ends; processes started here do not inherit it.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"A demo is running in {shown_path(home)} already.") from None
        _prepare(home, screen, stop)
        yield


def _prepare(home: Path, screen: Screen, stop: Stop) -> None:
    stamp, empty = home / STAMP, home / EMPTY_DATABASE
    made_with = f"Airflow {airflow_version()}, {sys.version}"
    if stamp.read_text() != made_with or not empty.exists():
        screen.step(f"Airflow's database is made, once, in {shown_path(home)}")
        _clear(home)
        arguments = [sys.executable, "-m", "airflow", "db", "migrate"]
        with Command(arguments, environment(home), home, new_log(home, "database")) as command:
            if command.wait(stop, 120) != 0:
                raise command.failure("Airflow could not make its database.")
        (home / "airflow.db").replace(empty)
        stamp.write_text(made_with)
    _remove(home.glob("airflow.db*"))
    # Runs of a new database may have the names of earlier ones, and their tasks would write into the same logs.
    for folder in (entry for entry in (home / "logs").iterdir() if entry.is_dir()):
        shutil.rmtree(folder)
    shutil.copyfile(empty, home / "airflow.db")


def new_log(home: Path, name: str) -> Path:
    """Name a log file, and remove all but the newest few of that name."""
    folder = home / "logs"
    _remove(sorted(folder.glob(f"{name}-*.log"))[: 1 - LOGS_KEPT])
    return folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.log"


def _clear(home: Path) -> None:
    """Remove what another Airflow made; its logs stay."""
    for entry in home.iterdir():
        if entry.is_dir() and entry.name != "logs":
            shutil.rmtree(entry)
        elif not entry.is_dir() and entry.name != STAMP:
            entry.unlink()


def _remove(files: Iterator[Path] | list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
