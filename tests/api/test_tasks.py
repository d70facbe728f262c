"""Tasks: what polling asks for, and notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.api import EciClient, where
from eci_provider.api.errors import EciNotFoundError, EciValidationError
from eci_provider.api.tasks import GuidResponse, TaskResponse, checked_guid
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID, BillBytes


def test_polling_never_downloads_the_output(eci_sandbox: Sandbox, client: EciClient, kicked_out: str) -> None:
    eci_sandbox.settings.output_bytes = 1_000_000
    task = client.tasks.get(kicked_out)
    assert (task.status, task.output, task.end_date is not None) == ("Completed with kickouts", None, True)
    (listed,) = client.tasks.list()
    assert (listed.task_guid, listed.output) == (kicked_out, None)
    whole = client.tasks.get(kicked_out, fields=None)
    assert len(whole.output["filler"]) == 1_000_000
    assert next(client.tasks.list(fields=None)).output == whole.output


def test_chosen_fields_are_the_only_ones_that_come(client: EciClient, kicked_out: str) -> None:
    task = client.tasks.get(kicked_out, fields=["status", "taskId"])
    assert task.model_fields_set == {"status", "task_id"}


def test_a_text_is_no_list_of_fields(client: EciClient, refusal: Callable[..., str]) -> None:
    """It is a sequence of texts as well: its letters, none of which is a field."""
    for call in (
        lambda: client.tasks.get(GUID, fields="status"),
        lambda: client.tasks.list(fields="status"),
        lambda: client.batches.get(1, fields="note"),
        lambda: client.batches.list(fields="note"),
    ):
        assert refusal(call).split(": ")[1] in ("fields is 'status'", "fields is 'note'")


def test_tasks_are_found_by_their_batch(eci_sandbox: Sandbox, client: EciClient) -> None:
    guids = [
        client.bill_imports.submit(
            BillBytes(), batch_settings={"batchMode": "new self-contained batch", "newBatchCode": code}
        )
        for code in ("A", "B")
    ]
    assert [task.task_guid for task in client.tasks.list(where("batchCode", "equals", "B"))] == guids[1:]
    assert list(client.tasks.list(task_type_code="Report")) == []
    with_batch = client.tasks.get(guids[0])
    assert with_batch.batch is not None
    assert with_batch.batch.batch_code == "A"
    assert with_batch.user is not None
    assert with_batch.user.user_code == "sandbox"


def test_a_task_is_read_in_any_case_of_its_guid(client: EciClient, kicked_out: str) -> None:
    assert client.tasks.get(kicked_out.upper()).task_guid == kicked_out


def test_a_note_is_set_by_the_tasks_number(eci_sandbox: Sandbox, client: EciClient, kicked_out: str) -> None:
    task_id = client.tasks.get(kicked_out).task_id
    assert task_id is not None
    for note in ("checked", ""):
        assert client.tasks.edit_note(task_id, note).task_note == note
    with pytest.raises(EciNotFoundError):
        client.tasks.edit_note(task_id + 1, "x")


@pytest.mark.parametrize(
    ("task_id", "note", "problem"),
    [
        (0, "x", "task_id is 0: must be greater than or equal to 1"),
        (2**31, "x", f"task_id is {2**31}: must be less than or equal to {2**31 - 1}"),
        (GUID, "x", f"task_id is {GUID!r}: must be a whole number"),
        (1, None, "task_note is None: must be a text"),
    ],
)
def test_a_note_that_cannot_be_set_is_refused(
    task_id: Any, note: Any, problem: str, client: EciClient, refusal: Callable[..., str]
) -> None:
    assert refusal(client.tasks.edit_note, task_id, note).startswith(f"tasks.edit_note: {problem}")


@pytest.mark.parametrize("guid", ["", "not-a-guid", GUID + "/errorOutput", GUID.replace("-", "", 1), None, 5])
def test_what_is_no_uuid_is_refused(guid: Any, client: EciClient, refusal: Callable[..., str]) -> None:
    assert refusal(client.tasks.get, guid).startswith(f"tasks.get: task_guid is {guid!r}: must be a ")
    for call in (client.kickouts.summary, client.kickouts.details):
        assert refusal(call, guid).startswith(f"kickouts: task_guid is {guid!r}: must be a ")


@pytest.mark.parametrize("guid", ["", "None", 7, None, f"{GUID}0"])
def test_a_refused_guid_is_named_as_the_user_gave_it(guid: Any) -> None:
    with pytest.raises(EciValidationError, match=f"^here: adopt_task_guid is {guid!r}: must be "):
        checked_guid(guid, source="here", name="adopt_task_guid")


@pytest.mark.parametrize("key", ["taskGUId", "taskGuid", "taskGUID", "TASKGUID"])
def test_the_guid_is_read_in_any_case_of_its_key(key: str) -> None:
    assert TaskResponse.model_validate({key: GUID}).task_guid == GUID
    assert GuidResponse.model_validate({key: GUID.upper()}).task_guid == GUID


def test_the_exact_key_wins_over_one_in_another_case() -> None:
    other = GUID.replace("1", "2")
    for data in ({"taskGUId": GUID, "taskGuid": other}, {"taskGuid": other, "taskGUId": GUID}):
        assert GuidResponse.model_validate(data).task_guid == GUID


def test_a_documented_task_leaves_out_what_has_no_bound() -> None:
    task = TaskResponse.model_validate(
        {"taskId": 1, "message": "é" * 5000, "output": "x" * 5000, "settings": {"a": 1}, "newOne": "y" * 5000}
    )
    shown = task.documented()
    assert {"output", "settings", "newOne"}.isdisjoint(shown)
    assert (shown["task_id"], shown["batch"]) == (1, None)
    assert len(shown["message"]) < 1000
    assert shown["message"].endswith("é...")
