"""Commands and their children end, and their errors quote the log."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from dev.support.errors import ToolError
from dev.support.processes import Command


def command(folder: Path, code: str, **options: Any) -> Command:
    return Command(
        [sys.executable, "-c", textwrap.dedent(code)], dict(os.environ), folder, folder / "its.log", **options
    )


def test_children_with_groups_of_their_own_and_orphans_end_too(tmp_path: Path) -> None:
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    code = f"""
        import os, subprocess, sys, time
        for _ in range(2):
            child = subprocess.Popen([sys.executable, "-c", {child!r}], preexec_fn=lambda: os.setpgid(0, 0))
            print(child.pid, flush=True)
        """
    with command(tmp_path, code, grace=0.1) as running:
        assert running.wait(10, time.sleep) == 0
        pids = [int(line) for line in running.log.read_text().split()]
        time.sleep(0.3)
        assert all(psutil.pid_exists(pid) for pid in pids)
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)


def test_quotes_of_a_log_have_no_secrets(tmp_path: Path) -> None:
    running = command(tmp_path, "print('the key is hush'); raise SystemExit(3)", secrets=["hush"])
    assert running.wait(10, time.sleep) == 3
    text = str(running.failure("It failed."))
    assert "the key is ***" in text
    assert "hush" not in text
    assert str(running.log) in text


def test_a_command_that_does_not_end_is_an_error(tmp_path: Path) -> None:
    running = command(tmp_path, "import time; time.sleep(60)")
    with pytest.raises(ToolError, match="did not end within"), running:
        running.wait(0.3, time.sleep)
    assert running.exit_code == -signal.SIGTERM
