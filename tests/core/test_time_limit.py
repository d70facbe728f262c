"""Work that takes too long is abandoned, and keeps no process alive."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from eci_provider.core.errors import EciError
from eci_provider.core.time_limit import THREAD_NAME, run_within


def test_it_returns_what_the_work_returns() -> None:
    assert run_within(60, lambda: threading.current_thread().name) == THREAD_NAME


@pytest.mark.parametrize("error", [ValueError("a mistake"), KeyboardInterrupt()])
def test_it_raises_what_the_work_raises(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run_within(60, fail)

    assert caught.value is error


def test_work_that_takes_too_long_is_abandoned() -> None:
    release = threading.Event()

    with pytest.raises(EciError, match=r"no complete answer within 0\.05 s"):
        run_within(0.05, release.wait)

    release.set()


def test_a_process_ends_though_abandoned_work_hangs() -> None:
    script = (
        "import threading\n"
        "from eci_provider.core.errors import EciError\n"
        "from eci_provider.core.time_limit import run_within\n"
        "try:\n"
        "    run_within(0.05, threading.Event().wait)\n"
        "except EciError:\n"
        "    print('abandoned')\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (0, "abandoned\n"), done.stderr
