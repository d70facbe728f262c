"""A signal ends a sleep."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

from dev.support.errors import StoppedError
from dev.support.paths import ROOT


def test_a_signal_ends_a_sleep() -> None:
    code = """
        import os, signal
        from dev.support.errors import StoppedError
        from dev.support.signals import Stop
        stop = Stop()
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            stop.sleep(30)
        except StoppedError as stopped:
            print(stopped.name)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    assert done.stdout == "SIGTERM\n"
    assert StoppedError(signal.SIGINT).name == "Ctrl+C"
