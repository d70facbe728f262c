"""Import a file, retry kickouts: what is sent, what comes back, what is refused."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from eci_provider.api import EciClient, errors
from eci_provider.operators import ImportBillsOperator, RetryKickoutsOperator
from eci_provider.sandbox import Sandbox
from eci_provider.storage.object_store import EciStoreError
from tests.support.run_task import run, through_serialization
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

GUID = "123e4567-e89b-12d3-a456-426614174000"


def _import(path: Path | str, **arguments: Any) -> ImportBillsOperator:
    return ImportBillsOperator(task_id="import_bills", file=str(path), **arguments)


def test_the_request_holds_what_was_given_and_nothing_else(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    path = bill_file(tmp_path, "A-1")
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch = client.batches.open("mine")

    end = run(
        _import(
            path,
            file_name="january.csv",
            batch_settings={"batchMode": "use existing batch", "existing_open_batch_id": "{{ params.batch }}"},
            import_note="from {{ run_id }}",
            save_as_resolved=True,
            comment="checked by hand",
            suppress_bill_capture_notification=False,
        ),
        params={"batch": batch.batch_id},
    )

    assert end.state == "success", end.error
    request = next(request for request in sandbox.requests if request.path == "/api/v3/import/bill")
    data = request.body.pop("data")
    assert base64.b64decode(data) == path.read_bytes()
    marker, _, note = request.body.pop("importNote").partition(" ")
    assert re.fullmatch("af:[0-9a-f]{16}", marker)
    assert note == "from run"
    assert request.body == {
        "fileName": "january.csv",
        "batchSettings": {"batchMode": "use existing batch", "existingOpenBatchId": batch.batch_id},
        "saveAsResolved": True,
        "comment": "checked by hand",
        "suppressBillCaptureNotification": False,
    }
    assert (end.result["batch_id"], end.result["batch_code"]) == (batch.batch_id, "mine")


def test_the_result_has_every_promised_key(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")

    waited = run(_import(bill_file(tmp_path, "A-1"))).result
    submitted = run(_import(bill_file(tmp_path, "A-1"), wait_for_completion=False))

    promised = ["task_guid", "task_id", "status", "outcome", "message", "batch_id", "batch_code", "imported"]
    promised += ["kickouts", "kickout_messages", "unresolved_flags", "analyzing", "begin_date", "end_date"]
    promised += ["reattached", "batch_status", "voided"]
    assert list(waited) == list(submitted.result) == promised
    assert through_serialization(waited) == waited
    assert submitted.result["outcome"] is None
    assert submitted.xcoms["task_guid"] == submitted.result["task_guid"]


def test_a_task_keeps_to_one_connection(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.delay = 600

    run(_import(bill_file(tmp_path, "A-1", "B-1"), on_kickouts="warn"))

    assert len(sandbox.requests) > 10
    assert len({request.connection for request in sandbox.requests}) == 1


def test_a_kickout_failure_leaves_its_result_for_what_comes_after(sandbox: Sandbox, tmp_path: Path) -> None:
    end = run(_import(bill_file(tmp_path, "B-1", "B-2", "B-2")))

    assert end.state == "failed"
    assert end.is_final
    assert end.result["outcome"] == "completed_with_kickouts"
    assert end.result["kickouts"] == 3
    assert [item["rows"] for item in end.result["kickout_messages"]] == [2, 1]
    assert end.error.result == end.result

    sandbox.add_account("B-1")
    retried = run(RetryKickoutsOperator(task_id="retry", task_guid=end.result["task_guid"], on_kickouts="warn"))

    assert retried.result["imported"] == 1
    assert retried.result["kickouts"] == 2
    assert retried.result["task_guid"] != end.result["task_guid"]


def test_the_result_stays_small_whatever_the_server_sends(sandbox: Sandbox, tmp_path: Path) -> None:
    accounts = [f"{number:03d}-{'ü' * 900}" for number in range(40)]
    sandbox.settings.output_bytes = 1_000_000

    end = run(_import(bill_file(tmp_path, *accounts), on_kickouts="warn"))

    assert end.result["kickouts"] == 40
    assert len(end.result["kickout_messages"]) == 10
    assert len(json.dumps(end.result)) < 16 * 1024
    for request in sandbox.requests:
        if "/api/v3/task/" in request.path:
            assert "output" not in request.query["field"].split(",")


@pytest.mark.parametrize("name", ["bills.pdf", "bills", "bills.csv.gz", "folder/"])
def test_a_file_the_importer_cannot_read_is_refused_when_the_dag_is_parsed(name: str) -> None:
    with pytest.raises(errors.EciValidationError, match=r"ImportBillsOperator 'import_bills'.*\.csv, \.dat"):
        _import(name)


def test_a_missing_or_empty_file_is_refused_before_anything_is_sent(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()

    missing = run(_import(tmp_path / "missing.csv"))
    empty = run(_import(tmp_path / "empty.csv"))

    assert f"ImportBillsOperator 'import_bills': file is '{tmp_path}/missing.csv'" in str(missing.error)
    assert "there is no such file" in str(missing.error)
    assert "0 bytes" in str(empty.error)
    assert missing.is_final
    assert empty.is_final
    assert sandbox.requests == []


def test_a_file_behind_a_url_is_read_by_object_storage(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    path = bill_file(tmp_path, "A-1")

    end = run(_import(f"file://{path}"))

    assert end.state == "success", end.error
    assert end.result["imported"] == 1
    assert run(_import(f"file://{tmp_path}/missing.csv")).is_final


@pytest.mark.parametrize(
    ("url", "said", "package"),
    [
        ("s3://bucket/bills.csv", "Install s3fs to access S3", "apache-airflow-providers-amazon[s3fs]"),
        (
            "abfs://c@a/bills.csv",
            "No filesystem registered for scheme abfs",
            "apache-airflow-providers-microsoft-azure",
        ),
        ("ftp://u:secret@host/bills.csv", "Install ftp", "the Airflow provider that opens such URLs"),
    ],
)
def test_a_store_whose_package_is_missing_is_told_with_it_and_not_tried_again(
    url: str, said: str, package: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: object) -> None:
        raise (ValueError if said.startswith("No") else ImportError)(said)

    monkeypatch.setattr(ObjectStoragePath, "fs", property(missing))
    end = run(_import(url))

    assert isinstance(end.error, EciStoreError)
    assert f"({said}). Install {package} where tasks run." in str(end.error)
    assert "secret" not in str(end.error)
    assert end.is_final
    assert [request for request in sandbox.requests if request.method == "POST"] == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch_mode": "newest batch"}, "batch_settings.batch_mode is 'newest batch'"),
        ({"batch_mode": "New Batch"}, "'new batch'"),
        ({"batch_mode": "use pending batch"}, "pending_batch_id is required"),
        ({"batch_mode": "smart batch"}, "new_batch_code is required"),
        ({"batch_mode": "use existing batch"}, "existing_open_batch_id is required"),
        ({"batch_mode": "new batch", "new_batch_code": "c" * 256}, "255"),
        ({"batch_mode": "new batch", "newBatchKode": "c"}, "Did you mean new_batch_code?"),
    ],
)
def test_wrong_batch_settings_are_refused_when_the_dag_is_parsed(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.EciValidationError) as caught:
        _import("bills.csv", batch_settings=settings)

    assert words in str(caught.value)
    assert "ImportBillsOperator 'import_bills'" in str(caught.value)


@pytest.mark.parametrize("policy", ["fail", "warn", "skip"])
@pytest.mark.parametrize("status", [403, 404])
def test_kickouts_that_cannot_be_read_lose_nothing_else(
    status: int, policy: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.fault("GET", "/api/v202401/*", times=None, status=status)

    end = run(_import(bill_file(tmp_path, "A-1", "B-1"), on_kickouts=policy))

    assert end.state == {"fail": "failed", "warn": "success", "skip": "skipped"}[policy]
    assert (end.result["outcome"], end.result["imported"]) == ("completed_with_kickouts", 1)
    assert (end.result["kickouts"], end.result["kickout_messages"]) == (None, [])


def test_kickout_messages_without_rows_are_not_no_kickouts(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.fault("GET", "/api/v202401/*/detail", times=None, status=200, body={"fields": [], "data": []})

    end = run(_import(bill_file(tmp_path, "B-1"), on_kickouts="warn"))

    assert end.result["kickouts"] is None
    assert [item["message"] for item in end.result["kickout_messages"]] == ["Account code 'B-1' was not found."]


@pytest.mark.parametrize("file", [None, 5, ["bills.csv"]])
def test_a_file_that_is_no_path_is_refused_by_its_name(file: Any) -> None:
    with pytest.raises(errors.EciValidationError, match=r"'import_bills': file is"):
        ImportBillsOperator(task_id="import_bills", file=file)


@pytest.mark.parametrize("name", ["bills.pdf", "bills"])
def test_a_path_object_is_checked_like_a_text(name: str) -> None:
    with pytest.raises(errors.EciValidationError, match="must end in one of"):
        ImportBillsOperator(task_id="import_bills", file=Path(name))
