"""Texts and numbers that JSON can spell and Airflow cannot store never reach it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.api.import_profiles import ImportProfileResponse
from eci_provider.operators import ImportBillsOperator, OpenBatchOperator
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.support.run_task import as_passed_on, run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

MODES = pytest.mark.parametrize("deferrable", [False, True])


#: Texts as the server spells them in JSON, and as they are stored.
ODD = pytest.mark.parametrize(
    ("spelled", "kept"),
    [
        (r"cell A\u0000B", "cell A\N{REPLACEMENT CHARACTER}B"),
        (r"cut in half \ud83d", "cut in half \N{REPLACEMENT CHARACTER}"),
        (r"\ude00 the other half", "\N{REPLACEMENT CHARACTER} the other half"),
        (r"whole \ud83d\ude00", "whole \N{GRINNING FACE}"),
        (r"spelled out \\u0000", r"spelled out \u0000"),
    ],
)


@MODES
@ODD
def test_odd_texts_of_a_task_reach_the_result_in_a_storable_form(
    deferrable: bool, spelled: str, kept: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    body = (
        '{"taskId": 1, "status": "Completed", "beginDate": "2026-01-05T08:00:00Z", '
        '"endDate": "2026-01-05T08:00:00Z", "currentSuccessCount": 1, '
        f'"message": "{spelled}", "taskNote": "{spelled}", "batch": {{"batchId": 7, "batchCode": "{spelled}"}}}}'
    )
    sandbox.add_account("A-1")
    sandbox.fault("GET", "/api/v3/task/*", times=None, status=200, body=body)
    sandbox.fault("GET", "/api/v3/batch/7", times=None, status=200, body={"batchId": 7, "batchStatus": "open"})

    end = run(ImportBillsOperator(task_id="import", file=str(bill_file(tmp_path, "A-1")), deferrable=deferrable))

    assert end.state == "success", end.error
    assert (end.result["message"], end.result["batch_code"]) == (kept, kept)


@MODES
@pytest.mark.parametrize("on_kickouts", ["fail", "skip", "warn"])
def test_a_row_with_odd_texts_does_not_hide_the_outcome(
    on_kickouts: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 30
    sandbox.add_account("A-1")
    file = bill_file(tmp_path, "A-1", "A-2")
    kickout = "/api/v202401/import/bill/task/*/kickout"
    said = r"No account A\u0000-2, \ud83d."
    rows = f'{{"fields": [{{"id": 1, "name": "Message"}}], "data": [[{{"fieldId": 1, "value": "{said}"}}]]}}'
    sandbox.fault("GET", f"{kickout}/summary", times=None, status=200, body=f'{{"kickoutMessages": ["{said}"]}}')
    sandbox.fault("GET", f"{kickout}/detail", times=None, status=200, body=rows)

    end = run(
        ImportBillsOperator(task_id="import", file=str(file), on_kickouts=on_kickouts, deferrable=deferrable)
    )

    assert end.state == {"fail": "failed", "skip": "skipped", "warn": "success"}[on_kickouts]
    if on_kickouts == "fail":
        assert isinstance(end.error, errors.EciKickoutsError)
    kept = "No account A\N{REPLACEMENT CHARACTER}-2, \N{REPLACEMENT CHARACTER}."
    assert end.xcoms["return_value"]["kickout_messages"] == [{"message": kept, "rows": 1}]


@ODD
def test_a_refusal_with_odd_texts_resumes_the_task(
    spelled: str, kept: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.delay = 60
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, "A-1"))
    said = json.loads(f'"{spelled}"').encode("utf-8", errors="replace")
    # The first poll is the worker's; the refusal reaches the triggerer.
    for path, skip in (("/api/v3/task", 0), ("/api/v3/task/*", 1)):
        sandbox.fault("GET", path, times=None, skip=skip, status=403, body=said)

    end = run(EciTaskSensor(task_id="wait", task_guid=guid, deferrable=True))

    assert len(end.deferrals) == 1

    assert isinstance(end.error, errors.EciPermissionError)
    assert end.error.body == said.decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
    assert end.error.body in str(end.error)


def test_a_batch_with_odd_texts_can_be_stored(sandbox: Sandbox) -> None:
    body = r'{"batchId": 7, "batchCode": "B", "batchStatus": "open", "note": "\u0000 \ud83d", "runningTotal": NaN}'
    sandbox.fault("POST", "/api/v3/batch", status=200, body=body)

    end = run(OpenBatchOperator(task_id="open", batch_code="B"))

    assert end.state == "success", end.error
    assert end.result["note"] == "\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}"
    assert end.result["running_total"] is None


def test_the_keys_of_a_free_form_object_can_be_stored() -> None:
    profile = ImportProfileResponse.model_validate(
        {"columnMapping": {"a\x00": ["\ud83d", {"\udfff": [1.5, None]}]}}
    )

    assert profile.documented()["column_mapping"] == {
        "a\N{REPLACEMENT CHARACTER}": ["\N{REPLACEMENT CHARACTER}", {"\N{REPLACEMENT CHARACTER}": [1.5, None]}]
    }


@pytest.mark.parametrize(
    ("number", "kept"),
    [(2**63 - 1, 2**63 - 1), (2**63, None), (-(2**63) - 1, None), (10**4299, None)],
    ids=["the greatest", "too great", "too small", "a page of digits"],
)
@MODES
def test_a_number_that_airflow_cannot_pass_on_becomes_none(
    deferrable: bool, number: int, kept: int | None, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, "A-1"))
    counts = ("taskId", "analyzingCount", "unresolvedFlagCount", "currentSuccessCount")
    task = {
        "taskGUId": guid,
        "status": "Completed",
        "endDate": "2026-01-05T08:00:00Z",
        "batch": {"batchId": number},
    }
    for path in ("/api/v3/task", "/api/v3/task/*"):
        body = {**task, **dict.fromkeys(counts, number)}
        sandbox.fault("GET", path, times=None, status=200, body=body if path.endswith("*") else [body])

    end = run(EciTaskSensor(task_id="wait", task_guid=guid, deferrable=deferrable))

    assert end.state == "success", end.error
    names = ("task_id", "analyzing", "unresolved_flags", "imported", "batch_id")
    assert {name: end.result[name] for name in names} == dict.fromkeys(names, kept)
    as_passed_on(end.result)
    assert len(json.dumps(end.result)) < 16 * 1024
