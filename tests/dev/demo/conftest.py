"""Homes for the demos, and the way to import what is not installed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator

import pytest
from demo_process import ROOT, Demo

if not (ROOT / "dev" / "demo").is_dir():
    collect_ignore_glob = ["test_*.py"]  # a source distribution has no demo
sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Demo | None], Demo]]:
    """Make homes; a copy of another saves the making of a database. All that runs there ends with the tests."""
    made: list[Demo] = []

    def make(like: Demo | None = None) -> Demo:
        home = tmp_path_factory.mktemp("airflow") / "demo"
        if like is not None:
            shutil.copytree(like.home, home)
        made.append(Demo(home))
        return made[-1]

    yield make
    for demo in made:
        for process in demo.started:
            process.kill()
            process.communicate()
        for process in demo.processes():
            process.kill()
