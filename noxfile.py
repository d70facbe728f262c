"""
Run the tests on every supported pair of Airflow and Python on this machine, and print a table of the results.

``make matrix`` runs all pairs, ``make matrix NOX="-s 'tests(airflow-3.0-python-3.12)'"`` one. Arguments after
``--`` go to pytest: ``make matrix NOX="-- -k hook"``.

uv creates the environments: ten of them with Airflow take a minute instead of seven, and share files on disk.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import nox

ROOT = Path(__file__).parent
SUPPORTED = {  # Airflow: the Pythons that it and this package allow
    "2.11": ("3.10", "3.11", "3.12"),
    "3.0": ("3.10", "3.11", "3.12"),
    "3.3": ("3.10", "3.11", "3.12", "3.13"),
}
PYTHONS = sorted({python for pythons in SUPPORTED.values() for python in pythons})

#: As `make test` runs them.
IN_TWO = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")

nox.options.default_venv_backend = "uv"


@dataclass
class Cell:
    """A pair of Airflow and Python, and the result of its tests."""

    airflow: str
    python: str
    result: str = "not selected"
    seconds: float | None = None

    @property
    def name(self) -> str:
        return f"airflow-{self.airflow}-python-{self.python}"


def find_python(version: str) -> str | None:
    """
    Find a Python of this version: the one that runs nox, one on PATH, or one of pyenv's.

    Each candidate is run, since pyenv may have put a mere shim on PATH.

    :param version: such as ``3.12``
    :return: its real path, or None
    """
    of_nox = os.path.realpath(sys.executable)
    on_path = [shutil.which(f"python{version}", path=folder) for folder in os.get_exec_path()]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    of_pyenv = sorted(pyenv.glob(f"{version}.*/bin/python"), key=_patch_release, reverse=True)
    for candidate in [of_nox, *on_path, *of_pyenv]:
        if candidate and _runs_as(str(candidate)) == version:
            return os.path.realpath(candidate)
    return None


def _patch_release(python: Path) -> int:
    number = python.parts[-3].rpartition(".")[2]
    return int(number) if number.isdigit() else -1  # a pre-release such as 3.13.0rc1 sorts last


def _runs_as(python: str) -> str | None:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


INTERPRETERS = {version: find_python(version) for version in PYTHONS}
CELLS = [Cell(airflow, python) for airflow in SUPPORTED for python in PYTHONS]
for _cell in CELLS:
    if _cell.python not in SUPPORTED[_cell.airflow]:
        _cell.result = f"left out: Airflow {_cell.airflow} does not support Python {_cell.python}"
    elif not INTERPRETERS[_cell.python]:
        _cell.result = f"left out: Python {_cell.python} is neither on PATH nor among pyenv's versions"
RUNNABLE = [cell for cell in CELLS if not cell.result.startswith("left out")]


@nox.session
@nox.parametrize(
    ("python", "cell"),
    [nox.param(INTERPRETERS[cell.python], cell, id=cell.name) for cell in RUNNABLE],
)
def tests(session: nox.Session, cell: Cell) -> None:
    """Run all tests on one Airflow and one Python."""
    started = time.monotonic()
    cell.result = "FAILED"  # until it has passed
    try:
        _install(session, cell)
        session.run("pytest", "-q", *IN_TWO, *session.posargs, env=_environment(cell))
        cell.result = "passed"
    except KeyboardInterrupt:
        cell.result = "interrupted"
        raise
    finally:
        cell.seconds = time.monotonic() - started


def _install(session: nox.Session, cell: Cell) -> None:
    constraints = str(ROOT / "constraints" / f"airflow-{cell.airflow}.txt")
    session.install("-c", constraints, "-b", constraints, "-e", ".[dev]")
    session.run("uv", "pip", "check", silent=True)


def _environment(cell: Cell) -> dict[str, str | None]:
    """Return an environment without the user's Airflow settings, whose Airflow home is inside the checkout."""
    home = ROOT / ".airflow" / "matrix" / cell.name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    foreign = {name: None for name in os.environ if name.startswith("AIRFLOW_")}
    return {
        **foreign,
        "PYTHONPATH": None,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }


@atexit.register
def _print_table() -> None:
    if not any(cell.seconds for cell in CELLS):
        return  # nothing ran, for example because nox only listed its sessions
    lines = ["", f"{'Airflow':<9}{'Python':<8}{'seconds':>7}  result"]
    for cell in CELLS:
        seconds = "" if cell.seconds is None else f"{cell.seconds:.0f}"
        lines.append(f"{cell.airflow:<9}{cell.python:<8}{seconds:>7}  {cell.result}")
    count = Counter(cell.result for cell in CELLS)
    skipped = len(CELLS) - count["passed"] - count["FAILED"]
    lines.append(f"matrix: {count['passed']} passed, {count['FAILED']} failed, {skipped} skipped")
    print("\n".join(lines), flush=True)
