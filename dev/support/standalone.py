"""A whole Airflow in one command: ``airflow standalone``, which listens on loopback only."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.support.environment import airflow_environment
from dev.support.processes import Command
from dev.support.rest import Airflow

PASSWORDS = "simple_auth_manager_passwords.json.generated"
# Airflow's log servers listen on all addresses of the machine. On one machine nobody needs them: the web interface
# reads the log files. `airflow standalone` has no option for that, but the commands that it starts have one.
WITHOUT_LOG_SERVERS = """#!/bin/sh
case "$1" in scheduler|triggerer) set -- "$@" --skip-serve-logs ;; esac
exec {python} -m airflow "$@"
"""


def start(home: Path, url: str, log: Path, secrets: Sequence[str] = (), **variables: str) -> Command:
    """
    Start Airflow.

    :param home: the Airflow home.
    :param url: address of its web interface.
    :param log: file for its output.
    :param secrets: texts that must not appear in quotes of the log.
    :param variables: further environment variables.
    :return: the command, a context manager that ends Airflow.
    """
    return Command(
        [sys.executable, "-m", "airflow", "standalone"],
        airflow_environment(home, **{**settings(home, url), **variables}),
        home,
        log,
        secrets=secrets,
        # As Ctrl+C does. `airflow standalone` then ends its components itself.
        stop_signal=signal.SIGINT,
        grace=6.0,
    )


def settings(home: Path, url: str) -> dict[str, str]:
    """Return the variables that keep Airflow small and on loopback."""
    programs = home / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "airflow"
    program.write_text(WITHOUT_LOG_SERVERS.format(python=shlex.quote(sys.executable)))
    program.chmod(0o755)
    return {
        "PATH": f"{programs}:{airflow_environment(home)['PATH']}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": url.rpartition(":")[2],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "4",
        # Without an issuer, Airflow 3.0 cannot create tokens with the newest PyJWT.
        "AIRFLOW__API_AUTH__JWT_ISSUER": "demo",
    }


def password_once_ready(airflow: Airflow, home: Path) -> str | None:
    """
    Log in as admin, if all components of Airflow are ready.

    :param airflow: its REST API.
    :param home: the Airflow home.
    :return: the password of the user admin; None if Airflow is not ready yet.
    """
    with contextlib.suppress(OSError, ValueError, KeyError):
        if airflow.is_healthy():
            password = str(json.loads((home / PASSWORDS).read_text())["admin"])
            airflow.log_in("admin", password)
            return password
    return None
