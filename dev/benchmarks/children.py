"""Processes of a benchmark: their environment, and what they print."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dev.support.environment import airflow_environment
from dev.support.paths import HOMES, ROOT

HOME = HOMES / "bench"


def environment(**more: str) -> dict[str, str]:
    """
    Return the environment of a benchmark's processes.

    :param more: further variables.
    """
    return airflow_environment(HOME, **more)


def json_from_python(arguments: list[str], **more: str) -> Any:
    """
    Run Python in a process of its own, and return the last line of its output.

    :param arguments: arguments of ``python``.
    :param more: further environment variables.
    :return: the last line, parsed as JSON.
    :raises RuntimeError: if it fails, with the end of its standard error.
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
    Run a server of this package in a process of its own.

    :param arguments: arguments of ``python -m``. The first line that the server prints is its port.
    :return: the port.
    """
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:  # noqa: S603
        try:
            yield int(process.stdout.readline() if process.stdout else 0)
        finally:
            process.kill()
