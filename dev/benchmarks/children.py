"""Processes of a benchmark's own: what each of them runs in, and what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".airflow" / "bench"


def environment(**more: str) -> dict[str, str]:
    """
    Return an environment without what is meant for an Airflow or a Python of whoever runs this.

    A Python that is told to keep no compiled modules, above all, would compile ours for every import.

    :param more: further variables.
    """
    foreign = ("AIRFLOW_", "_AIRFLOW_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    return {**kept, **own, **more}


def told(arguments: list[str], **more: str) -> Any:
    """
    Run Python in a process of its own and return what its last line says.

    :param arguments: what comes after ``python``.
    :param more: further environment variables.
    :return: the last line of its output, read as JSON.
    :raises RuntimeError: when it fails; with the end of what it said.
    """
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments], capture_output=True, text=True, env=environment(**more), cwd=ROOT
    )
    if done.returncode != 0:
        raise RuntimeError(f"python {' '.join(arguments)[:200]} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def serving(*arguments: str) -> Iterator[int]:
    """
    Run a server of this package in a process of its own, and end it.

    :param arguments: what comes after ``python -m``; it prints its port first.
    :return: the port.
    """
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:  # noqa: S603
        try:
            yield int(process.stdout.readline() if process.stdout else 0)
        finally:
            process.kill()
