"""The API key shows nowhere, however things fail and whatever is logged."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from eci_provider.hooks.eci import EciHook
from eci_provider.operators import (
    CreateImportProfileOperator,
    ImportBillsOperator,
    OpenBatchOperator,
    UpdateBatchStatusOperator,
)
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.operators.test_import_profile import MAPPING
from tests.support.run_task import run
from tests.support.tracebacks import beneath
from tests.support.turned_clock import TurnedClock, connect
from tests.support.waiting_tasks import bill_file

GUID = "123e4567-e89b-12d3-a456-426614174000"
WAYS: dict[str, dict[str, Any]] = {
    "nothing fails": {},
    "dropped before": {"drop": "before"},
    "dropped after": {"drop": "after"},
    "garbage": {"garbage": True},
    "truncated": {"truncate": 5},
    **{
        str(status): {"status": status, "body": "echo"}
        for status in (400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503)
    },
}


def _tasks(folder: Path, deferrable: bool) -> list[Any]:
    path = str(bill_file(folder, "A-1", "A-2"))
    return [
        OpenBatchOperator(task_id="open", batch_code="b", if_exists="adopt"),
        UpdateBatchStatusOperator(task_id="close", batch_id=1, batch_status="Closed"),
        CreateImportProfileOperator(task_id="profile", profile_code="p", column_mapping=MAPPING),
        ImportBillsOperator(task_id="import", file=path, deferrable=deferrable, timeout=300),
        EciTaskSensor(task_id="wait", task_guid=GUID, deferrable=deferrable, timeout=300),
    ]


def _all_that_was_written(end: Any, task: Any) -> str:
    rendered = {name: repr(getattr(task, name)) for name in task.template_fields}
    error = "".join(traceback.format_exception(end.error)) + beneath(end.error) if end.error else ""
    return json.dumps([end.xcoms, end.deferrals, rendered], default=repr) + error + repr(task)


def _spellings(key: str) -> list[str]:
    return [key, quote(key), base64.b64encode(key.encode()).decode().rstrip("="), key[::-1], repr(key)[1:-1]]


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_whatever_fails(
    way: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    key = sandbox.api_key
    written = ""
    for task in _tasks(tmp_path, deferrable):
        fault = dict(WAYS[way])
        if fault:
            if fault.get("body") == "echo":
                fault["body"] = {"message": f"you sent ECI-ApiKey: {key}", "token": "x"}
            sandbox.fault("*", "/api/*", times=None, **fault)
        written += _all_that_was_written(run(task), task)
        sandbox.clear_faults()
    written += EciHook().test_connection()[1] + repr(EciHook().get_conn()) + repr(EciHook().settings)
    out, err = capfd.readouterr()
    written += caplog.text + out + err

    assert "/api/v3/" in written
    assert len(sandbox.requests) >= 5
    for spelling in _spellings(key):
        assert spelling not in written
    assert sandbox.token not in written


def test_a_redirect_takes_the_key_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    with Sandbox() as other:
        for target in (f"{other.url}/api/v3/task/{GUID}", f"{sandbox.url}/api/v3/me"):
            sandbox.fault("GET", "/api/v3/task/*", redirect=target)

            end = run(EciTaskSensor(task_id="wait", task_guid=GUID))

            assert end.state == "failed"
            assert end.is_final
            assert "redirects are not followed" in str(end.error)
        assert other.requests == []
        assert [request.path for request in sandbox.requests] == [f"/api/v3/task/{GUID}"] * 2


@pytest.mark.parametrize("key", ["with\nnewline", "with space", "ümlaut", "tab\there", "\x00nul"])
def test_a_key_that_cannot_travel_is_refused_without_being_shown(
    key: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connect(monkeypatch, sandbox.url, key)

    end = run(EciTaskSensor(task_id="wait", task_guid=GUID))

    assert end.is_final
    assert "connection 'eci_default'" in str(end.error)
    assert key not in "".join(traceback.format_exception(end.error)) + caplog.text
    assert sandbox.requests == []
