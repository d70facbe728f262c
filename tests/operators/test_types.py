"""Type checkers see every argument and every key of a result: wrong ones are flagged, right ones are not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("airflow.sdk", reason="the types of results are those of Airflow 3")

ROOT = Path(__file__).parents[2]
HEAD = """
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import XComArg

from eci_provider.api.bill_imports import BatchSettings
from eci_provider.hooks.eci import EciHook
from eci_provider.operators import *
from eci_provider.sensors import *
from eci_provider.triggers import EciTaskTrigger

common: dict[str, Any] = {"retries": 3}
guid = "123e4567-e89b-12d3-a456-426614174000"
opened = OpenBatchOperator(task_id="open", batch_code="January")
imported = ImportBillsOperator(task_id="import", file="bills.csv")
"""
WRONG = {  # a line, and a word of what is wrong with it
    'ImportBillsOperator(task_id="i", file="b.csv", on_kickout="warn")': "on_kickout",
    'ImportBillsOperator(task_id="i", file="b.csv", defferable=True)': "defferable",
    'ImportBillsOperator(task_id="i", file="b.csv", profil_code="P")': "profil_code",
    'ImportBillsOperator(task_id="i", file="b.csv", retrys=3)': "retrys",
    'ImportBillsOperator(task_id="i", file="b.csv", deferrable="yes please")': "deferrable",
    'ImportBillsOperator(task_id="i", file="b.csv", batch_settings=5)': "batch_settings",
    'ImportBillsOperator(task_id="i", file="b.csv", on_kickouts="ignore")': "on_kickouts",
    'ImportBillsOperator(task_id="i", file="b.csv", timeout="1h")': "timeout",
    'ImportBillsOperator(task_id="i", file="b.csv", retries="3")': "retries",
    'ImportBillsOperator(file="b.csv")': "task_id",
    'ImportBillsOperator(task_id="i")': "file",
    'RetryKickoutsOperator(task_id="r", task_guid=guid, on_kill="cancel")': "on_kill",
    'OpenBatchOperator(task_id="o", batch_code="A", if_exists="keep")': "if_exists",
    'UpdateBatchStatusOperator(task_id="u", batch_id=1, batch_status="open")': "batch_status",
    'CreateImportProfileOperator(task_id="c", profile_code="P", column_mapping=[1])': "column_mapping",
    'KickoutReportOperator(task_id="k", task_guid=guid, path="k.csv", format="pdf")': "format",
    'CheckBillFileOperator(task_id="c", file="b.csv", on_problem="warn")': "on_problem",
    'SplitBillFileOperator(task_id="s", file="b.csv", destination="d", sort=1.5)': "sort",
    'EciTaskSensor(task_id="w", task_guid=guid, poll_interval=5)': "poll_interval",
    'EciTaskSensor(task_id="w", task_guid=guid, mode="sleep")': "mode",
    'EciBatchSensor(task_id="w", batch_id=1, batch_status="Done")': "batch_status",
    'EciTaskTrigger(guid, on_kill="cancel")': "on_kill",
    'EciHook(conn_id="eci")': "conn_id",
    'opened.output["bill_count"]': "bill_count",
    'imported.output["batchid"]': "batchid",
}
RIGHT = [
    'ImportBillsOperator(task_id="i", file=Path("b.csv"), batch_settings=BatchSettings(batch_mode="new batch"))',
    'ImportBillsOperator(task_id="i", file="b.csv", timeout=timedelta(hours=1), max_kickouts=0.02, **common)',
    'ImportBillsOperator(task_id="i", file="b.csv", batch_settings={"batchMode": "new batch"}, pool="eci")',
    'UpdateBatchStatusOperator(task_id="u", batch_id=opened.output["batch_id"], batch_status="Closed")',
    'RetryKickoutsOperator(task_id="r", task_guid=imported.output["task_guid"], max_rounds=3, retries=2)',
    'KickoutReportOperator(task_id="k", task_guid=imported.output["task_guid"], path="k.csv", format="csv")',
    'EciTaskSensor(task_id="w", task_guid=imported.output["task_guid"], mode="reschedule", timeout=60)',
    'EciBatchSensor(task_id="w", batch_id=opened.output["batch_id"], batch_status="Closed", poke_interval=9.5)',
    'batch_code: XComArg = opened.output["batch_code"]',
    'ImportBillsOperator.partial(task_id="i").expand(file=["a.csv", "b.csv"])',
]


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return what mypy says of each line."""
    lines = [*WRONG, *RIGHT]
    script = tmp_path_factory.mktemp("types") / "dag.py"
    script.write_text("\n".join([HEAD, *lines]))
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--hide-error-context",
        "--no-color-output",
    ]
    done = subprocess.run(
        [*command, f"--cache-dir={ROOT / '.mypy_cache'}", str(script)], capture_output=True, text=True, cwd=ROOT
    )
    first = HEAD.count("\n") + 2
    said: dict[str, list[str]] = {line: [] for line in lines}
    for number, message in re.findall(r"^\S*dag\.py:(\d+): error: (.*)$", done.stdout, flags=re.MULTILINE):
        assert int(number) >= first, message
        said[lines[int(number) - first]].append(message)
    assert done.returncode == 1, done.stdout + done.stderr
    return said


@pytest.mark.timeout(600)
@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_line_is_flagged(line: str, flagged: dict[str, list[str]]) -> None:
    assert len(flagged[line]) == 1
    assert WRONG[line] in flagged[line][0]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("line", RIGHT)
def test_a_right_line_is_not_flagged(line: str, flagged: dict[str, list[str]]) -> None:
    assert flagged[line] == []
