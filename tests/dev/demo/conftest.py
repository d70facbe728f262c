"""Airflow homes for the demos."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.dev.demo.demo_process import Demo


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Demo | None], Demo]]:
    """
    Return a function that makes a home, or a copy of one whose database exists.

    All processes that run there end with the tests.
    """
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
