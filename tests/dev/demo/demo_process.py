"""The demo in a process, as users run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from dev.support.paths import ROOT


class Demo:
    """
    Runs of the demo in one Airflow home.

    :param home: the home.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, driver: str | None = None) -> subprocess.Popen[str]:
        """Start a run, in an environment with variables of another Airflow."""
        program = ["-m", "dev.demo"] if driver is None else ["-c", driver]
        process = subprocess.Popen(
            [sys.executable, *program, *arguments, "--home", str(self.home)],
            cwd=ROOT,
            env=os.environ
            | {
                "AIRFLOW_HOME": "/nowhere",
                "AIRFLOW__CORE__DAGS_FOLDER": "/nowhere",
                "AIRFLOW__CORE__EXECUTOR": "NoSuchExecutor",
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "nosuch://database",
                "AIRFLOW_CONN_ECI_DEFAULT": "eci://somebody:else@energycap.invalid",
                "HTTP_PROXY": "http://proxy.invalid:1",
                "http_proxy": "http://proxy.invalid:1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def processes(self) -> list[psutil.Process]:
        """Return the processes with this home: runs of the demo, and all that they started."""
        return [process for process in psutil.process_iter() if self._belongs(process)]

    def _belongs(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.environ().get("AIRFLOW_HOME") == str(self.home) or str(self.home) in process.cmdline()
        except psutil.Error:
            return False
