"""Whole runs of the demo: one that succeeds, and others that fail or are stopped."""

from __future__ import annotations

import csv
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import pytest

from dev.demo.analyst import ADDRESS_FILE
from dev.demo.bills import FILE, NEW_BUILDINGS, NEW_METERS
from dev.support.requirements import airflow_version
from tests.dev.demo.demo_process import Demo

KEY = re.compile(rb"sandbox-[0-9a-f]{40}")

# A run whose connection has a key that the sandbox does not know.
WITH_A_WRONG_KEY = """
import sys
from dev.demo.__main__ import main
from dev.support import environment

with_key = environment.connection_variable
environment.connection_variable = lambda url, api_key, **extra: with_key(url, "revoked", **extra)
sys.exit(main(sys.argv[1:]))
"""


def expected() -> dict[str, object]:
    """Calculate from the bill file what the table must show."""
    with FILE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    bills = [
        (building, list(group))
        for (building, _, _), group in groupby(
            rows, lambda row: (row["Building ID"], row["Service Start Date"], row["Service End Date"])
        )
    ]
    late, reasons = 0, dict.fromkeys([*NEW_BUILDINGS, *NEW_METERS.values()], 0)
    for building, group in bills:
        # A bill is kicked out as a whole when one of its meters is unknown.
        meter = NEW_METERS.get(building)
        unknown = meter if any(row["Meter Number"] == meter for row in group) else None
        reason = building if building in NEW_BUILDINGS else unknown
        if reason:
            late += 1
            reasons[reason] += len(group)
    money = sum(Decimal(row["Current Charges"]) for row in rows)
    return {"rows": len(rows), "bills": len(bills), "late": late, "reasons": reasons, "money": f"${money:,.2f}"}


def table(output: str) -> dict[str, str]:
    """Return the lines of the table by name."""
    found = re.findall(r"^(\w[\w ]*?)  +(.*)$", output, re.MULTILINE)
    return dict(found)


def until(process: subprocess.Popen[str], text: str) -> str:
    """Read the output of a demo until it contains a text."""
    assert process.stdout is not None
    read = ""
    while text not in read:
        line = process.stdout.readline()
        assert line, f"ended before {text!r}: {read}{process.stderr.read() if process.stderr else ''}"
        read += line
    return read


def nothing_listens(output: str) -> bool:
    with socket.socket() as client:
        port = int(re.findall(r"http://127\.0\.0\.1:(\d+)/", output)[0])
        return client.connect_ex(("127.0.0.1", port)) != 0


def without_airflows_own(written: bytes) -> bytes:
    """Remove the lines in which Airflow 3.0 logs, at DEBUG, the secrets that it will mask."""
    if not airflow_version().startswith("3.0."):
        return written
    return b"\n".join(line for line in written.splitlines() if b"msg=MaskSecret(" not in line)


@dataclass
class Run:
    """A run of the demo that has ended."""

    demo: Demo
    code: int
    output: str
    errors: str


@pytest.fixture(scope="module")
def runs(homes) -> dict[str, Run]:
    """Three runs at the same time, once the first has created its database: good, refused and stopped."""
    good = homes()
    processes = {"good": (good, good.start())}
    first_lines = until(processes["good"][1], "look-alike runs at")
    refused, stopped = homes(good), homes(good)
    processes["refused"] = (refused, refused.start(driver=WITH_A_WRONG_KEY))
    processes["stopped"] = (stopped, stopped.start())
    read = {"good": first_lines, "refused": "", "stopped": until(processes["stopped"][1], "the import runs")}
    assert len(stopped.processes()) > 1
    processes["stopped"][1].send_signal(signal.SIGINT)
    ended = {}
    for name in ("stopped", "refused", "good"):
        demo, process = processes[name]
        output, errors = process.communicate(timeout=100)
        ended[name] = Run(demo, process.returncode, read[name] + output, errors)
    return ended


def test_the_table_shows_what_the_file_contains(runs):
    run = runs["good"]
    assert (run.code, run.errors) == (0, ""), run
    wanted, shown = expected(), table(run.output)
    assert shown["Bills imported"] == f"{wanted['bills']}, from {wanted['rows']} rows of the file"
    assert shown["Money imported"] == f"{wanted['money']}, equal to the sum of Current Charges in the file"
    assert shown["Rows kicked out"] == str(sum(wanted["reasons"].values()))
    for name, rows in wanted["reasons"].items():
        assert re.search(rf"^ +{rows} \S.*'{name}' was not found", run.output, re.MULTILINE), name
    assert shown["Retry of kickouts"] == f"{wanted['late']} more bills imported, no rows kicked out again"
    assert shown["Batch status"] == "Closed"
    assert f'batch "{shown["Batch"]}" opened' in run.output


def test_it_prints_the_steps_in_their_order(runs):
    steps = re.findall(r"^ *\d+ s  (.*)$", runs["good"].output, re.MULTILINE)
    wanted = [
        " opened",
        ".csv sent",
        "with kickouts after",
        "the DAG waits",
        "corrected",
        "sent again",
        "Completed after",
    ]
    wanted += ["batch closed", "has succeeded"]
    places = [next((number for number, step in enumerate(steps) if text in step), None) for text in wanted]
    assert None not in places
    assert places == sorted(places)


def test_it_prints_nothing_else(runs):
    output = runs["good"].output
    assert "Traceback" not in output
    assert "\x1b" not in output
    assert "[info" not in output


def test_the_key_is_in_no_output_and_no_file(runs):
    for run in runs.values():
        assert not KEY.search((run.output + run.errors).encode())
        files = [file for file in run.demo.home.rglob("*") if file.is_file()]
        assert any(file.name.startswith("demo-") for file in files)
        assert [file for file in files if KEY.search(without_airflows_own(file.read_bytes()))] == []


@pytest.mark.parametrize("name", ["good", "refused", "stopped"])
def test_it_leaves_nothing_behind(runs, name):
    assert runs[name].demo.processes() == []
    assert nothing_listens(runs[name].output)


def test_a_failed_run_quotes_the_log(runs):
    run = runs["refused"]
    assert run.code == 1
    assert "run of the DAG failed" in run.errors
    assert re.search(r"^\S*EciAuthenticationError: .* 401", run.errors, re.MULTILINE)
    assert Path(re.findall(r"Whole log: (.*)", run.errors)[0]).read_text()
    assert "Batch status" not in run.output


def test_a_stopped_run_says_so(runs):
    run = runs["stopped"]
    assert run.code == 128 + signal.SIGINT
    assert run.errors == "\nStopped by Ctrl+C; nothing is left running.\n"


def test_a_home_has_one_demo_at_a_time_and_can_be_used_again(runs):
    demo = runs["stopped"].demo
    first = demo.start()
    read = until(first, "its log")
    second = demo.start()
    _, errors = second.communicate(timeout=20)
    assert second.returncode == 1
    assert "A demo is already running" in errors
    first.send_signal(signal.SIGTERM)
    _, errors = first.communicate(timeout=20)
    assert (first.returncode, errors) == (128 + signal.SIGTERM, "\nStopped by SIGTERM; nothing is left running.\n")
    assert demo.processes() == []
    assert nothing_listens(read)


def test_nothing_is_left_when_the_output_is_closed(runs):
    demo = runs["stopped"].demo
    process = demo.start()
    until(process, "look-alike runs at")
    process.stdout.close()
    assert process.wait(timeout=30) == 128 + signal.SIGPIPE
    assert process.stderr.read() == ""
    assert demo.processes() == []
    process.stdout = None  # closed: the fixture must not read it


def test_the_web_interface_is_stopped_while_it_starts(runs):
    demo = runs["stopped"].demo
    if airflow_version().startswith("2."):
        process = demo.start("--ui")
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, "needs Airflow 3" in errors) == (1, True)
        return
    process = demo.start("--ui")
    read = until(process, "Airflow starts")
    end = time.monotonic() + 30
    while len(demo.processes()) < 5 and time.monotonic() < end:  # the demo, standalone, and three of its servers
        time.sleep(0.2)
    assert len(demo.processes()) >= 5
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (128 + signal.SIGINT, "\nStopped by Ctrl+C; nothing is left running.\n")
    assert demo.processes() == []
    assert nothing_listens(read)
    assert not (demo.home / ADDRESS_FILE).exists()
