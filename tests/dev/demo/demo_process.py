"""The demo as its users run it: in the checkout, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]


class Demo:
    """
    Demos in an Airflow home of their own.

    :param home: the home, a folder that nothing else knows.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, driver: str | None = None) -> subprocess.Popen[str]:
        """Start one, in an environment that is not fit for it."""
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
        """Find what runs with this home: demos, and all that they started."""
        return [process for process in psutil.process_iter() if self._belongs(process)]

    def _belongs(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.environ().get("AIRFLOW_HOME") == str(self.home) or str(self.home) in process.cmdline()
        except psutil.Error:
            return False
