"""The thread of a hub: one job after the other, and no obstacle to the end of the process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.triggers.hub.thread import PollThread
from tests.support.hub import assert_all_is_closed


def test_a_thread_runs_one_job_after_the_other_and_ends() -> None:
    thread, done = PollThread("eci-poll-test"), []

    def fail() -> None:
        raise ValueError("a mistake")

    pieces: list[Callable[[], Any]] = [lambda: done.append(1), fail, lambda: done.append(2)]
    futures = [thread.submit(piece) for piece in pieces]
    assert isinstance(futures[1].exception(60), ValueError)
    assert futures[2].result(60) is None
    assert done == [1, 2]
    thread.shutdown()
    with pytest.raises(RuntimeError, match="no more work"):
        thread.submit(fail)
    assert_all_is_closed()


def test_a_process_ends_although_a_job_hangs() -> None:
    script = (
        "import threading\n"
        "from eci_provider.triggers.hub.thread import PollThread\n"
        "begun = threading.Event()\n"
        "PollThread('eci-poll-test').submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "begun.wait()\n"
    )

    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
