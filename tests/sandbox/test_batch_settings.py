"""Batch settings: which batch an import uses."""

from __future__ import annotations

import threading
import uuid

import pytest

from tests.sandbox.sandbox_api import Api, advanced


def state(sandbox):
    return [(batch["batch_code"], batch["batch_status"], batch["bill_count"]) for batch in sandbox.batches()]


def test_without_settings_the_one_open_batch_is_used_else_a_new_one(sandbox, api):
    first = api.imported(advanced(["1001"]))["batch"]
    assert first["batchCode"]
    second = api.imported(advanced(["1002", "20250101", "20250131", "A", "M2"]))["batch"]
    assert second == first
    api.open_batch("another")
    third = api.imported(advanced(["1001", "20250201", "20250228"]))["batch"]
    assert third["batchCode"] not in (first["batchCode"], "another")


def test_use_existing_batch_takes_the_named_or_the_only_open_one(sandbox, api, other):
    batch = api.open_batch("mine")
    assert api.into("use existing batch").status_code == 200
    second = api.open_batch("second")
    assert api.into("use existing batch").status_code == 400, "two are open"
    data = advanced(["1001", "20250201", "20250228"])
    assert api.into("use existing batch", data, existingOpenBatchId=second).status_code == 200
    assert state(sandbox) == [("mine", "Open", 1), ("second", "Open", 1)]
    assert other.into("use existing batch", existingOpenBatchId=batch).status_code == 403
    api.set_status(batch, "Pending")
    assert api.into("use existing batch", existingOpenBatchId=batch).status_code == 400, "not open"
    assert api.into("use existing batch", existingOpenBatchId=99).status_code == 400


def test_new_batch_closes_the_open_one_unless_it_may_stay_open(sandbox, api):
    api.open_batch("first")
    assert api.into("new batch", newBatchCode="second").status_code == 200
    assert state(sandbox) == [("first", "Closed", 0), ("second", "Open", 1)]
    assert api.into("new batch", newBatchCode="third", leaveExistingBatchesOpen=True).status_code == 200
    assert [row[:2] for row in state(sandbox)] == [("first", "Closed"), ("second", "Open"), ("third", "Open")]
    before = state(sandbox)
    refused = api.into("new batch", newBatchCode="fourth")
    assert refused.status_code == 400
    assert "2 open batches" in refused.json()["message"]
    assert api.into("new batch", newBatchCode="first", leaveExistingBatchesOpen=True).status_code == 400, "taken"
    assert state(sandbox) == before


def test_new_batch_leaves_other_users_alone(sandbox, api, other):
    other.open_batch("theirs")
    other.open_batch("theirs too")
    assert api.into("new batch", newBatchCode="mine").status_code == 200
    assert [row[1] for row in state(sandbox)] == ["Open", "Open", "Open"]


def test_a_self_contained_batch_is_open_while_it_runs_and_closed_at_its_end(sandbox, api):
    sandbox.settings.delay = 10
    api.open_batch("mine")
    assert api.into("new self-contained batch", newBatchCode="own").status_code == 200
    sandbox.advance(9.9)
    assert state(sandbox) == [("mine", "Open", 0), ("own", "Open", 0)]
    sandbox.advance(0.2)
    assert state(sandbox) == [("mine", "Open", 0), ("own", "Closed", 1)]
    assert sandbox.batches()[1]["end_date"] == "2026-01-05T08:00:10.000Z"


def test_use_pending_batch_needs_its_id_and_adds_voided_bills(sandbox, api):
    batch = api.open_batch("parked")
    assert "pendingBatchId" in api.into("use pending batch").json()["message"]
    assert api.into("use pending batch", pendingBatchId=batch).status_code == 400, "it is open"
    api.set_status(batch, "Pending")
    assert api.into("use pending batch", pendingBatchId=batch).status_code == 200
    assert state(sandbox) == [("parked", "Pending", 1)]
    assert sandbox.bills()[0]["voided"] is True


class TestSmartBatch:
    def test_needs_a_code(self, sandbox, api):
        assert "newBatchCode" in api.into("smart batch").json()["message"]
        assert state(sandbox) == []

    def test_makes_a_batch_of_an_unknown_code_and_leaves_others_open(self, sandbox, api):
        api.open_batch("other")
        assert api.into("smart batch", newBatchCode="smart").status_code == 200
        assert state(sandbox) == [("other", "Open", 0), ("smart", "Open", 1)]

    def test_uses_ones_own_open_batch(self, sandbox, api):
        api.open_batch("smart")
        assert api.into("smart batch", newBatchCode="smart").status_code == 200
        assert state(sandbox) == [("smart", "Open", 1)]

    def test_uses_anothers_open_batch_only_with_manage(self, sandbox, api, other):
        api.open_batch("smart")
        assert other.into("smart batch", newBatchCode="smart").status_code == 403
        sandbox.set_permissions("other", manage=True)
        assert other.into("smart batch", newBatchCode="smart").status_code == 200
        assert state(sandbox) == [("smart", "Open", 1)]

    def test_uses_a_pending_batch_and_leaves_it_pending(self, sandbox, api):
        api.set_status(api.open_batch("smart"), "Pending")
        assert api.into("smart batch", newBatchCode="smart").status_code == 200
        assert state(sandbox) == [("smart", "Pending", 1)]

    def test_appends_a_guid_to_the_code_of_a_closed_batch(self, sandbox, api):
        batch = api.open_batch("smart")
        api.set_status(batch, "Closed")
        api.open_batch("other")
        assert api.into("smart batch", newBatchCode="smart").status_code == 200
        assert state(sandbox)[:2] == [("smart", "Closed", 0), ("other", "Open", 0)]
        code, status, bills = state(sandbox)[2]
        assert (code[:6], status, bills) == ("smart ", "Open", 1)
        assert uuid.UUID(code[6:])


@pytest.mark.parametrize("mode", ["New batch", "newest batch", ""])
def test_unknown_modes_are_400(sandbox, api, mode):
    answer = api.into(mode)
    assert answer.status_code == 400
    assert "batchMode" in answer.json()["message"]
    assert state(sandbox) == []


@pytest.mark.parametrize(
    "wrong", [{"newBatchCode": "x" * 256}, {"pendingBatchId": "1"}, {"existingOpenBatchId": 1.5}]
)
def test_companion_fields_are_checked(api, wrong):
    answer = api.into("new batch", **wrong)
    assert answer.status_code == 400
    assert next(iter(wrong)) in answer.json()["message"]


def test_the_same_new_code_at_once_makes_one_batch_and_one_task(sandbox):
    answers = []
    clients = [Api(sandbox) for _ in range(6)]
    barrier = threading.Barrier(len(clients))

    def submitted(client):
        barrier.wait()
        settings = {"newBatchCode": "only", "leaveExistingBatchesOpen": True}
        answers.append(client.into("new batch", **settings).status_code)

    threads = [threading.Thread(target=submitted, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [400] * 5
    assert (state(sandbox), len(sandbox.tasks())) == ([("only", "Open", 1)], 1)


def test_a_batch_closed_while_its_import_runs_fails_the_import(sandbox, api):
    sandbox.settings.delay = 10
    batch = api.open_batch("b")
    guid = api.into("use existing batch", existingOpenBatchId=batch).json()["taskGUId"]
    api.set_status(batch, "Closed")
    sandbox.advance(10)
    assert api.task(guid)["status"] == "Failed"
    assert sandbox.bills() == []


@pytest.mark.parametrize(
    ("mode", "ends"),
    [("new batch", "Pending"), ("new self-contained batch", "Pending")],
)
def test_mark_batch_pending_voids_the_good_bills_too(sandbox, api, mode, ends):
    sandbox.settings.error_handling = "MarkBatchPending"
    data = advanced(["1001"], ["nobody"])
    assert api.into(mode, data, newBatchCode="b").status_code == 200
    assert state(sandbox) == [("b", ends, 1)]
    assert [bill["voided"] for bill in sandbox.bills()] == [True]
    assert api.into("smart batch", advanced(["1001"]), newBatchCode="clean").status_code == 200
    assert state(sandbox)[1][1] == "Open", "without kickouts nothing is marked"
