"""The demo's parts, where a whole run would not show it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest

from dev.demo import analyst, home, standalone
from dev.demo.bills import Bills
from dev.demo.errors import DemoError, StoppedError
from dev.demo.one_run import sandbox_for
from dev.demo.ports import free_port
from dev.demo.processes import Command
from dev.demo.screen import Screen
from dev.demo.story import Story
from dev.demo.table import result


class NeverStopped:
    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def command(folder: Path, code: str, **options: Any) -> Command:
    return Command(
        [sys.executable, "-c", textwrap.dedent(code)], dict(os.environ), folder, folder / "its.log", **options
    )


def test_children_with_groups_of_their_own_and_orphans_end_too(tmp_path):
    nap = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    code = f"""
        import os, subprocess, sys, time
        for _ in range(2):
            child = subprocess.Popen([sys.executable, "-c", {nap!r}], preexec_fn=lambda: os.setpgid(0, 0))
            print(child.pid, flush=True)
        """
    with command(tmp_path, code, grace=0.1) as running:
        assert running.wait(NeverStopped(), 10) == 0
        pids = [int(line) for line in running.log.read_text().split()]
        time.sleep(0.3)
        assert all(psutil.pid_exists(pid) for pid in pids)
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)


def test_what_is_quoted_from_a_log_has_no_secrets(tmp_path):
    running = command(tmp_path, "print('the key is hush'); raise SystemExit(3)", secrets=["hush"])
    assert running.wait(NeverStopped(), 10) == 3
    told = str(running.failure("It failed."))
    assert "the key is ***" in told
    assert "hush" not in told
    assert str(running.log) in told


def test_a_command_that_does_not_end_is_an_error(tmp_path):
    running = command(tmp_path, "import time; time.sleep(60)")
    with pytest.raises(DemoError, match="did not end within"), running:
        running.wait(NeverStopped(), 0.3)
    assert running.exit_code == -signal.SIGTERM


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) > port
    assert free_port(port) == port


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(DemoError, match="something else"), home.prepared(tmp_path, Screen(), NeverStopped()):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["precious.txt"]


def test_airflow_gets_none_of_the_users_airflow_variables(tmp_path, monkeypatch):
    for name in ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW_VAR_MONTH", "AIRFLOW_CONFIG", "_AIRFLOW_WHATEVER"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("NO_PROXY", "example.com")
    made = home.environment(tmp_path, **home.connection("http://127.0.0.1:1", "key"))
    assert "theirs" not in made.values()
    assert made["AIRFLOW_HOME"] == str(tmp_path)
    assert made["NO_PROXY"] == "example.com,127.0.0.1,localhost"


def test_the_account_book_lacks_little_and_is_completed():
    bills = Bills.read()
    known, corrections = bills.known_at_first(), bills.corrections()
    assert len(bills.meters) / 2 < len(known) < len(bills.meters)
    assert known != bills.meters
    assert known | corrections == bills.meters


def test_the_analyst_says_when_there_is_nothing_to_correct(tmp_path):
    bills = Bills.read()
    with sandbox_for(bills) as sandbox:
        (tmp_path / analyst.ADDRESS_FILE).write_text(sandbox.url)
        with pytest.raises(DemoError, match="No import waits"):
            analyst.correct_running(tmp_path)
    with pytest.raises(DemoError, match="not running"):
        analyst.correct_running(tmp_path)


def test_a_result_that_is_not_as_promised_is_called_wrong():
    bills = Bills(rows=1, charges=Decimal("1.00"), meters={})
    with sandbox_for(bills) as sandbox:
        assert "0 batches" in result(sandbox, bills).wrong


def test_a_story_without_events_tells_nothing(capsys):
    with sandbox_for(Bills.read()) as sandbox:
        assert Story(sandbox, Screen()).look("idle") is None
    assert capsys.readouterr().out == ""


def test_the_interface_stays_on_loopback(tmp_path):
    settings = standalone.settings(tmp_path, "http://127.0.0.1:8081")
    assert settings["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8081/execution/"
    program = tmp_path / "bin" / "airflow"
    program.write_text(program.read_text().replace("exec ", "echo "))
    shown = subprocess.run([program, "scheduler"], capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("-m airflow scheduler --skip-serve-logs\n")
    shown = subprocess.run([program, "api-server"], capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("-m airflow api-server\n")


def test_a_signal_is_heard_at_the_next_look():
    code = """
        import os, signal
        from dev.demo.errors import StoppedError
        from dev.demo.signals import Stop
        stop = Stop()
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            stop.sleep(30)
        except StoppedError as stopped:
            print(stopped.name)
        """
    root = Path(home.__file__).parents[2]
    shown = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    assert shown.stdout == "SIGTERM\n"
    assert StoppedError(signal.SIGINT).name == "Ctrl+C"
