"""Batches, and the changes of their status."""

from __future__ import annotations

import threading

import pytest

from tests.sandbox.sandbox_api import Api, advanced


def statuses(sandbox):
    return {batch["batch_code"]: batch["batch_status"] for batch in sandbox.batches()}


def test_a_batch_opens_with_its_defaults(sandbox, api):
    answer = api.call(
        "POST",
        "/api/v3/batch",
        {
            "batchCode": "2026-01",
            "note": "January",
            "statementDate": "2026-01-31",
            "controlCode": "C1",
            "accountPeriodNumber": 3,
            "accountPeriodYear": 2026,
        },
    )
    assert answer.status_code == 200
    batch = answer.json()
    assert (batch["batchCode"], batch["batchStatus"], batch["isOpen"]) == ("2026-01", "open", True)
    assert batch["createdBy"] == {"userId": 1, "userCode": "sandbox", "fullName": "Sandbox User"}
    assert (batch["statementDate"], batch["controlCode"], batch["note"]) == ("2026-01-31", "C1", "January")
    assert (batch["accountPeriodNumber"], batch["accountPeriodYear"]) == (3, 2026)
    assert batch["startDate"] == "2026-01-05T08:00:00.000Z"
    assert batch["endDate"] is None
    assert (batch["billCount"], batch["runningTotal"], batch["hasImportedBills"]) == (0, 0, False)
    assert api.get(f"/api/v3/batch/{batch['batchId']}") == batch


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "batchCode"),
        ({"batchCode": None}, "batchCode"),
        ({"batchCode": 7}, "batchCode"),
        ({"batchCode": "x" * 256}, "batchCode"),
        ({"batchCode": "x", "note": "n" * 256}, "note"),
        ({"batchCode": "x", "accountPeriodYear": 1899}, "accountPeriodYear"),
        ({"batchCode": "x", "accountPeriodYear": 2100}, "accountPeriodYear"),
        ({"batchCode": "x", "accountPeriodNumber": "3"}, "accountPeriodNumber"),
        ({"batchCode": "x", "accountPeriodNumber": 2**31}, "accountPeriodNumber"),
        ({"batchCode": "x", "closeExistingBatch": "true"}, "closeExistingBatch"),
        ({"batchCode": "x", "dueDate": "31/01/2026"}, "dueDate"),
        ([], "body"),
    ],
)
def test_open_refuses_wrong_properties_and_names_them(sandbox, api, body, named):
    answer = api.call("POST", "/api/v3/batch", body)
    assert answer.status_code == 400
    assert named in answer.json()["message"]
    assert sandbox.batches() == []


def test_values_at_the_bounds_are_accepted(api):
    api.open_batch("x" * 255, note="n" * 255, accountPeriodYear=1900, accountPeriodNumber=2**31 - 1)
    api.open_batch("y", accountPeriodYear=2099, dueDate="2026-01-31T00:00:00Z", controlCode=None)


def test_codes_are_unique_even_for_two_at_once(sandbox):
    answers = []
    clients = [Api(sandbox) for _ in range(8)]
    barrier = threading.Barrier(len(clients))

    def opened(client):
        barrier.wait()
        answers.append(client.call("POST", "/api/v3/batch", {"batchCode": "only"}).status_code)

    threads = [threading.Thread(target=opened, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [400] * 7
    assert [batch["batch_code"] for batch in sandbox.batches()] == ["only"]


def test_close_existing_closes_only_the_callers_open_ones(sandbox, api, other):
    api.open_batch("mine")
    other.open_batch("theirs")
    api.open_batch("next", closeExistingBatch=True)
    assert statuses(sandbox) == {"mine": "Closed", "theirs": "Open", "next": "Open"}


def test_close_existing_closes_nothing_if_the_code_is_in_use(sandbox, api):
    api.open_batch("mine")
    assert api.call("POST", "/api/v3/batch", {"batchCode": "mine", "closeExistingBatch": True}).status_code == 400
    assert statuses(sandbox) == {"mine": "Open"}


def test_edit_changes_code_and_note_and_needs_the_note_key(sandbox, api, other):
    batch = api.open_batch("old", note="first")
    api.open_batch("taken")
    path = f"/api/v3/batch/{batch}"
    assert "note" in api.call("PUT", path, {"batchCode": "new"}).json()["message"]
    assert api.call("PUT", path, {"batchCode": "taken", "note": None}).status_code == 400
    assert other.call("PUT", path, {"batchCode": "new", "note": None}).status_code == 403
    assert api.call("PUT", path, {"batchCode": "new", "note": None}).json()["note"] == "first"
    edited = api.call("PUT", path, {"batchCode": "new", "note": "second"}).json()
    assert (edited["batchCode"], edited["note"]) == ("new", "second")
    assert api.call("PUT", "/api/v3/batch/99", {"batchCode": "n", "note": None}).status_code == 404


def test_close_is_final_and_for_owner_or_manager(sandbox, api, other):
    batch = other.open_batch("theirs")
    mine = api.open_batch("mine")
    assert other.call("PUT", f"/api/v3/batch/close/{mine}").status_code == 403
    sandbox.advance(60)
    closed = api.call("PUT", f"/api/v3/batch/close/{batch}")
    assert closed.json()["endDate"] == "2026-01-05T08:01:00.000Z"
    assert closed.json()["isOpen"] is False
    assert api.call("PUT", f"/api/v3/batch/close/{batch}").status_code == 400
    assert [api.set_status(batch, status) for status in ("Open", "Pending", "Closed")] == [400, 400, 400]


def test_delete_also_deletes_the_bills(sandbox, api, other):
    task = api.imported(advanced(["1001"], ["1002", "20250101", "20250131", "A", "M2"]))
    batch = task["batch"]["batchId"]
    assert task["currentSuccessCount"] == 2
    assert other.call("DELETE", f"/api/v3/batch/{batch}").status_code == 403
    answer = api.call("DELETE", f"/api/v3/batch/{batch}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert sandbox.bills() == []
    assert api.call("DELETE", f"/api/v3/batch/{batch}").status_code == 404
    after = api.task(task["taskGUId"])
    assert (after["currentSuccessCount"], after["batch"]) == (0, None)


def test_pending_voids_and_open_or_closed_unvoid(sandbox, api):
    batch = api.imported(advanced(["1001"]))["batch"]["batchId"]
    seen = []
    for status in ("Pending", "Open", "Pending", "Closed"):
        assert api.set_status(batch, status) == 204
        seen.append((statuses(sandbox).popitem()[1], sandbox.bills()[0]["voided"]))
    assert seen == [("Pending", True), ("Open", False), ("Pending", True), ("Closed", False)]


@pytest.mark.parametrize(("first", "then"), [(None, "Open"), ("Pending", "Pending")])
def test_a_status_requires_the_right_status_before(api, first, then):
    batch = api.open_batch("b")
    if first:
        assert api.set_status(batch, first) == 204
    assert api.set_status(batch, then) == 400


def test_status_values_are_case_sensitive_and_all_keys_must_be_defined(sandbox, api):
    path = f"/api/v202206/batch/{api.open_batch('b')}/status"
    good = {"batchStatus": "Pending", "leaveOpenBatchesAsIs": None, "note": None}
    assert "batchStatus" in api.call("PUT", path, good | {"batchStatus": "pending"}).json()["message"]
    for name in good:
        answer = api.call("PUT", path, {key: value for key, value in good.items() if key != name})
        assert answer.status_code == 400
        assert name in answer.json()["message"]
    sandbox.settings.lenient_put = True
    assert api.call("PUT", path, {"batchStatus": "Pending"}).status_code == 204


def test_null_keeps_the_note_and_an_empty_text_clears_it(sandbox, api):
    batch = api.open_batch("b", note="first")
    seen = []
    for status, note in (("Pending", None), ("Open", "second"), ("Pending", "")):
        assert api.set_status(batch, status, note) == 204
        seen.append(sandbox.batches()[0]["note"])
    assert seen == ["first", "second", None]


def test_other_users_batches_need_manage_for_pending_and_closed(sandbox, api, other):
    batch = api.open_batch("mine")
    assert other.set_status(batch, "Pending") == 403
    assert other.set_status(batch, "Closed") == 403
    sandbox.set_permissions("other", manage=True)
    assert other.set_status(batch, "Pending") == 204
    assert other.set_status(batch, "Closed") == 204


@pytest.mark.parametrize(("leave", "theirs"), [(None, "Pending"), (False, "Pending"), (True, "Open")])
def test_opening_anothers_pending_batch_takes_it_over(sandbox, api, other, leave, theirs):
    batch = api.open_batch("mine", note="mine")
    other.open_batch("theirs", note="theirs")
    assert api.set_status(batch, "Pending") == 204
    assert other.set_status(batch, "Open", "moved", leave) == 204
    mine, others_own = sandbox.batches()
    assert (mine["owner"], mine["batch_status"], mine["note"]) == ("other", "Open", "mine")
    assert (others_own["batch_status"], others_own["note"]) == (
        theirs,
        "moved" if theirs == "Pending" else "theirs",
    )


def test_reopening_an_own_batch_makes_the_open_ones_pending(sandbox, api):
    first = api.open_batch("first")
    assert api.set_status(first, "Pending") == 204
    api.open_batch("second")
    assert api.set_status(first, "Open", "back") == 204
    assert statuses(sandbox) == {"first": "Open", "second": "Pending"}
    assert [batch["note"] for batch in sandbox.batches()] == ["back", None]
