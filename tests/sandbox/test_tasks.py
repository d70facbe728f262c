"""Imports as tasks: their time, their answers, their analysis."""

from __future__ import annotations

import pytest

from tests.sandbox.sandbox_api import advanced


def test_an_import_takes_the_delay_and_its_task_shows_it(sandbox, api):
    sandbox.settings.delay = 30
    answer = api.import_file(advanced(["1001"], ["nobody"]), "january.csv", importNote="af:1", comment="why")
    assert list(answer.json()) == ["taskGUId"]
    guid = answer.json()["taskGUId"]
    running = api.task(guid)
    assert (running["status"], running["endDate"], running["message"]) == ("In progress", None, None)
    assert (running["beginDate"], running["taskNote"]) == ("2026-01-05T08:00:00.000Z", "af:1")
    assert running["batch"]["batchId"] == 1
    assert running["currentSuccessCount"] == 0
    sandbox.advance(29.999)
    assert api.task(guid)["endDate"] is None
    sandbox.advance(5)
    done = api.task(guid)
    assert (done["status"], done["endDate"]) == ("Completed with kickouts", "2026-01-05T08:00:30.000Z")
    assert (done["currentSuccessCount"], done["taskId"], done["taskGUId"]) == (1, 1, guid)
    assert done["taskType"]["taskTypeCode"] == "BillImport"
    assert done["user"]["userCode"] == "sandbox"
    assert done["settings"]["fileName"] == "january.csv"
    assert api.get("/api/v3/batch/1")["hasImportsWithKickout"] is True


def test_the_batch_and_note_of_a_task_can_be_hidden(sandbox, api):
    sandbox.settings.delay = 5
    sandbox.settings.batch_visible = "at_end"
    sandbox.settings.echo_notes = False
    guid = api.import_file(advanced(["1001"]), importNote="hidden").json()["taskGUId"]
    assert (api.task(guid)["batch"], api.task(guid)["taskNote"]) == (None, None)
    sandbox.advance(5)
    assert (api.task(guid)["batch"]["batchId"], api.task(guid)["taskNote"]) == (1, None)


def test_the_guid_key_and_statuses_are_settings(sandbox, api):
    sandbox.settings.guid_key = "taskGuid"
    sandbox.settings.statuses = {"completed": "Finished splendidly"}
    guid = api.import_file(advanced(["1001"])).json()["taskGuid"]
    assert api.get(f"/api/v3/task/{guid}", field="taskGUId,status") == {
        "taskGuid": guid,
        "status": "Finished splendidly",
    }
    sandbox.settings.output_bytes = 5000
    assert len(api.call("GET", f"/api/v3/task/{guid}").content) > 5000
    assert "output" not in api.get(f"/api/v3/task/{guid}", field="status")


@pytest.mark.parametrize(
    ("utc_offset", "show_zone", "shown"),
    [
        (0.0, True, "2026-01-05T08:00:00.000Z"),
        (0.0, False, "2026-01-05T08:00:00.000"),
        (-7.0, True, "2026-01-05T01:00:00.000-07:00"),
        (5.5, False, "2026-01-05T13:30:00.000"),
    ],
)
def test_the_format_of_times_is_a_setting(sandbox, api, utc_offset, show_zone, shown):
    sandbox.settings.utc_offset = utc_offset
    sandbox.settings.show_zone = show_zone
    task = api.imported(advanced(["1001"]))
    assert (task["beginDate"], task["endDate"]) == (shown, shown)
    assert api.get("/api/v3/batch/1")["startDate"] == shown


def test_an_import_starts_without_a_request(sandbox, api):
    batch = api.open_batch("b")
    sandbox.clear_requests()
    settings = {"batchMode": "use existing batch", "existingOpenBatchId": batch}
    guid = sandbox.start_import(advanced(["1001"]), note="January", batch_settings=settings, seconds=10)
    assert sandbox.requests == []
    sandbox.advance(9)
    running = api.task(guid)
    assert (running["endDate"], running["taskNote"], running["batch"]["batchId"]) == (None, "January", batch)
    sandbox.advance(1)
    assert (api.task(guid)["status"], [bill["account"] for bill in sandbox.bills()]) == ("Completed", ["1001"])
    with pytest.raises(ValueError, match="existingOpenBatchId: 9 is not a batch that is Open"):
        sandbox.start_import("", batch_settings=settings | {"existingOpenBatchId": 9})


@pytest.mark.parametrize(
    "changed",
    [
        {"data": None},
        {"data": "not base64!"},
        {"fileName": None},
        {"fileName": "bills"},
        {"fileName": "bills.pdf"},
        {"profileCode": "unknown"},
        {"saveAsResolved": "yes"},
        {"batchSettings": []},
    ],
)
def test_import_requests_are_checked(sandbox, api, changed):
    body = {"data": "QQ==", "fileName": "a.csv"} | changed
    answer = api.call("POST", "/api/v3/import/bill", body)
    assert answer.status_code == 400
    assert (sandbox.tasks(), sandbox.batches()) == ([], [])


def test_analysis_counts_down_and_raises_flags(sandbox, api):
    sandbox.settings.analysis = 40
    rows = [
        ["1001", f"2025{month:02d}01", f"2025{month:02d}20", "A", "M1", "", "1", cost]
        for month, cost in ((1, "1"), (3, "-1"), (5, "1"))
    ]
    guid = api.imported(advanced(*rows, ["1002", "20250101", "20250301", "A", "M2", "", "1", "1"]))["taskGUId"]
    seen = []
    for seconds in (0, 9, 1, 10, 19, 1):
        sandbox.advance(seconds)
        task, batch = api.task(guid), api.get("/api/v3/batch/1")
        assert (batch["analyzingCount"], batch["flagCount"]) == (
            task["analyzingCount"],
            task["unresolvedFlagCount"],
        )
        seen.append((task["analyzingCount"], task["unresolvedFlagCount"]))
    # One bill is analysed every ten seconds. The second is negative, the fourth is 59 days long.
    assert seen == [(4, 0), (4, 0), (3, 0), (2, 1), (1, 1), (0, 2)]


def test_save_as_resolved_raises_no_flag(sandbox, api):
    task = api.imported(advanced(["1001", "20250101", "20250301"]), saveAsResolved=True)
    assert task["unresolvedFlagCount"] == 0
    assert api.imported(advanced(["1001", "20250101", "20250301"]))["unresolvedFlagCount"] == 1


def test_the_next_import_can_be_made_to_fail(sandbox, api):
    sandbox.fail_next_import("The server is tired.")
    failed, good = api.imported(advanced(["1001"])), api.imported(advanced(["1001"]))
    assert (failed["status"], failed["message"]) == ("Failed", "The server is tired.")
    assert (good["status"], len(sandbox.bills())) == ("Completed", 1)


def test_a_task_can_be_deleted_and_its_note_edited(sandbox, api):
    task = api.imported(advanced(["1001"]))
    path = f"/api/v3/task/{task['taskGUId']}"
    assert api.call("PUT", "/api/v3/task/1", {"taskNote": "seen"}).json()["taskNote"] == "seen"
    assert api.call("PUT", "/api/v3/task/1", {}).status_code == 400
    assert api.call("PUT", "/api/v3/task/9", {"taskNote": "x"}).status_code == 404
    assert api.call("GET", path + "/errorOutput").status_code == 404
    sandbox.delete_task(task["taskGUId"])
    assert api.call("GET", path).status_code == 404
    assert api.get("/api/v3/task") == []


def test_a_server_may_be_hours_behind_in_its_date_and_all_its_dates(sandbox, api):
    sandbox.advance(-3 * 3600)
    answer = api.into("new batch", newBatchCode="b")

    task = api.task(answer.json()["taskGUId"])

    assert answer.headers["Date"] == "Mon, 05 Jan 2026 05:00:00 GMT"
    assert task["beginDate"] == task["endDate"] == "2026-01-05T05:00:00.000Z"
    assert api.get("/api/v3/batch")[0]["startDate"] == "2026-01-05T05:00:00.000Z"
