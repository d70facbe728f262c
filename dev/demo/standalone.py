"""A whole Airflow on this machine's loopback: ``airflow standalone``, and nothing that listens elsewhere."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.demo import home
from dev.demo.processes import Command
from dev.demo.rest import Airflow

PASSWORDS = "simple_auth_manager_passwords.json.generated"
# Airflow's log servers listen on all of the machine's addresses, on ports of their own. On one machine nobody asks
# them: the interface reads the log files. `airflow standalone` cannot leave them out, but what it starts can.
WITHOUT_LOG_SERVERS = """#!/bin/sh
case "$1" in scheduler|triggerer) set -- "$@" --skip-serve-logs ;; esac
exec {python} -m airflow "$@"
"""


def started(folder: Path, url: str, log: Path, secrets: Sequence[str] = (), **variables: str) -> Command:
    """
    Start Airflow, its database included.

    :param folder: the Airflow home.
    :param url: where its interface will be.
    :param log: file that takes all it writes.
    :param secrets: texts that never appear in what is quoted from the log.
    :param variables: further variables of its environment.
    :return: the command, a context manager that ends Airflow.
    """
    return Command(
        [sys.executable, "-m", "airflow", "standalone"],
        home.environment(folder, **{**settings(folder, url), **variables}),
        folder,
        log,
        secrets=secrets,
        # What Ctrl+C would send: at that it ends its servers itself.
        ask=signal.SIGINT,
        grace=6.0,
    )


def settings(folder: Path, url: str) -> dict[str, str]:
    """Make the environment's part that keeps Airflow small and on loopback."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "airflow"
    program.write_text(WITHOUT_LOG_SERVERS.format(python=shlex.quote(sys.executable)))
    program.chmod(0o755)
    return {
        "PATH": f"{programs}:{home.environment(folder)['PATH']}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": url.rpartition(":")[2],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "4",
        # Without one, Airflow 3.0 cannot make a token with the newest PyJWT.
        "AIRFLOW__API_AUTH__JWT_ISSUER": "demo",
    }


def password_once_ready(airflow: Airflow, folder: Path) -> str | None:
    """
    Log in as admin, if all parts of Airflow work already.

    :param airflow: its interface.
    :param folder: the Airflow home.
    :return: the password of the user admin; None while it is not ready.
    """
    with contextlib.suppress(OSError, ValueError, KeyError):
        if airflow.healthy():
            password = str(json.loads((folder / PASSWORDS).read_text())["admin"])
            airflow.log_in("admin", password)
            return password
    return None
