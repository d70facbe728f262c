"""
Bills per second from a file into a closed batch: a DAG in ``airflow dags test``, beside a script of plain
requests.

Both use one sandbox, whose import takes the same time in both. The script uses ``requests`` and nothing of Airflow
or of this package. It has no checks and no marker, and only waits for the end.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from dev.benchmarks.children import HOME, environment
from dev.benchmarks.results import Section
from dev.support.environment import connection_variable
from dev.support.paths import ROOT
from eci_provider.sandbox import Sandbox
from eci_provider.sandbox.request_log import RequestRecord

HEADER = "ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,COST:USD:Total\n"
DAG, DAGS = "eci_bench_bills", Path(__file__).resolve().parent / "dags"
ACCOUNTS = 100
AIRFLOW, SCRIPTED = "airflow dags test", "plain requests"
SCRIPT = """
import base64, sys, time
import requests
url, key, code, file = sys.argv[1:]
session = requests.Session()
session.trust_env = False
session.headers.update({"ECI-ApiKey": key, "Content-Type": "application/json"})

def call(method, path, body=None):
    answer = session.request(method, url + path, json=body, timeout=600)
    answer.raise_for_status()
    return answer.json() if answer.content else None

batch = call("POST", "/api/v3/batch", {"batchCode": code, "note": None})["batchId"]
data = base64.b64encode(open(file, "rb").read()).decode()
settings = {"batchMode": "use existing batch", "existingOpenBatchId": batch}
guid = call("POST", "/api/v3/import/bill", {"data": data, "fileName": "bills.csv", "batchSettings": settings})
while not (task := call("GET", "/api/v3/task/" + guid["taskGUId"]))["endDate"]:
    time.sleep(1)
closed = {"batchStatus": "Closed", "note": None, "leaveOpenBatchesAsIs": False}
call("PUT", f"/api/v202206/batch/{batch}/status", closed)
print(task["currentSuccessCount"])
"""


def bill_file(path: Path, bills: int) -> None:
    """Write a file of bills of a hundred accounts. They are corrected bills (C), which never replace another."""
    with path.open("w") as file:
        file.write(HEADER)
        for number in range(bills):
            file.write(f"A-{number % ACCOUNTS},20260101,20260131,C,,{100 + number % 50}.00\n")


def run(command: list[str], **variables: str) -> float:
    """
    Run a command, and return the seconds that it took.

    :param variables: further environment variables.
    :raises RuntimeError: if it fails.
    """
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, env=environment(**variables), cwd=ROOT
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return time.perf_counter() - began


def measure(*, quick: bool) -> Section:
    """
    Import a file with the DAG and with the script, in turns.

    :param quick: whether to use a small file, and one round.
    """
    bills, rounds = (1000, 1) if quick else (20_000, 3)
    taken: dict[str, list[tuple[float, float]]] = {AIRFLOW: [], SCRIPTED: []}
    asked: dict[str, int] = {}
    HOME.mkdir(parents=True, exist_ok=True)
    run([sys.executable, "-m", "airflow", "db", "migrate"])
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        for number in range(ACCOUNTS):
            sandbox.add_account(f"A-{number}")
        file = Path(folder) / "bills.csv"
        bill_file(file, bills)
        ways = {
            AIRFLOW: _airflow(sandbox.url, sandbox.api_key, file),
            SCRIPTED: _calls(sandbox.url, sandbox.api_key, file),
        }
        for turn in range(rounds + 1):
            for way, once in ways.items():
                sandbox.clear_requests()
                seconds = once(f"{way} {turn}")
                asked[way] = len(sandbox.requests)
                if turn:  # the first turn compiles modules and stores the DAG
                    taken[way].append((seconds, _span(sandbox.requests)))
        _check(len(sandbox.bills()), sandbox.batches(), bills * (rounds + 1) * len(ways))
    return _section(bills, rounds, taken, asked)


def _airflow(url: str, key: str, file: Path) -> Callable[[str], float]:
    variables = {**connection_variable(url, key), "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS)}
    command = [sys.executable, "-m", "airflow", "dags", "test", DAG]
    return lambda code: run(command, BENCH_FILE=str(file), BENCH_BATCH=code, **variables)


def _calls(url: str, key: str, file: Path) -> Callable[[str], float]:
    return lambda code: run([sys.executable, "-c", SCRIPT, url, key, code, str(file)])


def _check(bills: int, batches: list[dict[str, Any]], expected: int) -> None:
    still_open = [batch["batch_code"] for batch in batches if batch["batch_status"].lower() != "closed"]
    if bills != expected or still_open:
        raise RuntimeError(f"{bills} bills instead of {expected} are in the sandbox; open batches: {still_open}")


def _span(requests: list[RequestRecord]) -> float:
    """Return the seconds from the first request to the last."""
    moments = [datetime.fromisoformat((request.at or "").replace("Z", "+00:00")) for request in requests]
    return (max(moments) - min(moments)).total_seconds()


def _section(
    bills: int, rounds: int, taken: dict[str, list[tuple[float, float]]], asked: dict[str, int]
) -> Section:
    conditions = (
        f"{bills:,} bills of one file; medians of {rounds} runs each, in turns, after one that does not count. A "
        "run is a process from its start to its end, which includes the start of Airflow and the sandbox's import."
    )
    columns = ("client", "seconds", "bills per second", "first request to last, s", "requests")
    section = Section("bills", "Bills per second, end to end", columns, conditions)
    for way, runs in taken.items():
        whole, span = (statistics.median(each) for each in zip(*runs, strict=True))
        section.rows.append((way, f"{whole:.1f}", f"{bills / whole:,.0f}", f"{span:.2f}", f"{asked[way]}"))
    return section
