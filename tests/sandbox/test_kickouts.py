"""Kickouts: their messages, their answers, their retries."""

from __future__ import annotations

import io
import uuid
import zipfile
from urllib.parse import quote

import pytest

from tests.sandbox.sandbox_api import ADVANCED, advanced

BASE = "/api/v202401/import/bill/task/"


def table(answer):
    """Return the rows of a detail answer with field names; a name that occurs twice keeps both values."""
    names = {field["id"]: field["name"] for field in answer["fields"]}
    return [[(names[cell["fieldId"]], cell["value"]) for cell in row] for row in answer["data"]]


def row(**changed: str) -> list[str]:
    good = dict(zip(ADVANCED, ["1001", "20250101", "20250131", "A", "M1", "", "100", "12.50"], strict=True))
    return list((good | changed).values())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ACCOUNT": ""}, "Account code is required."),
        ({"ACCOUNT": "14.0 - BLD 02"}, "Account code '14.0 - BLD 02' was not found."),
        ({"ACCOUNT": "closed"}, "Account 'closed' is not active."),
        ({"ACCOUNT": "alarmed"}, "Account 'alarmed' has an alert that blocks the import: in dispute"),
        (
            {"ACCOUNT": "twice"},
            "Account code 'twice' exists with more than one vendor; a vendor code is required.",
        ),
        ({"ACCOUNT": "twice", "VENDORCODE": "V9"}, "Account code 'twice' was not found for vendor code 'V9'."),
        ({"STARTDATE": ""}, "Start date is required."),
        ({"ENDDATE": ""}, "End date is required."),
        ({"STARTDATE": "01/01/2025"}, "Start date '01/01/2025' is not a date in the format yyyymmdd."),
        ({"ENDDATE": "20250231"}, "End date '20250231' is not a date in the format yyyymmdd."),
        ({"ENDDATE": "20241231"}, "End date 20241231 is before start date 20250101."),
        ({"ACCOUNT": "served"}, "Start date 20250101 is before the service start of account 'served'."),
        (
            {"ACCOUNT": "served", "STARTDATE": "20250102", "ENDDATE": "20250202"},
            "End date 20250202 is after the service end of account 'served'.",
        ),
        ({"METERCODE": "M2"}, "Meter 'M2' was not found on account '1001'."),
        ({"METERCODE": "!AUTO!:GAS"}, "'!AUTO!:GAS' fits 0 meters of account '1001'; it must fit one."),
        (
            {"ACCOUNT": "metered", "METERCODE": "!AUTO!"},
            "'!AUTO!' fits 2 meters of account 'metered'; it must fit one.",
        ),
        ({"USE:KWH:Energy": "many"}, "Energy 'many' is not a number."),
        ({"CHG:USD:Charge": "1,000.00"}, "Charge '1,000.00' is not a number."),
        ({"CHG:USD:Charge": "NaN"}, "Charge 'NaN' is not a number."),
    ],
)
def test_each_broken_rule_has_its_message(sandbox, api, changed, message):
    sandbox.add_account("closed", active=False)
    sandbox.add_account("alarmed", alert="in dispute")
    sandbox.add_account("twice", vendor_code="V1")
    sandbox.add_account("twice", vendor_code="V2")
    sandbox.add_account("served", ["M1"], service_start="2025-01-02", service_end="2025-02-01")
    sandbox.add_account("metered", [{"code": "A", "commodity": "GAS"}, {"code": "B", "commodity": "ELECTRIC"}])
    task = api.imported(advanced(row(**changed)))
    assert (task["status"], task["currentSuccessCount"]) == ("Completed with kickouts", 0)
    assert api.messages(task["taskGUId"]) == [message]
    assert sandbox.bills() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"ACCOUNT": "alias"},
        {"ACCOUNT": "twice", "VENDORCODE": "V2"},
        {"ACCOUNT": "served", "STARTDATE": "20250102", "ENDDATE": "20250201"},
        {"METERCODE": ""},
        {"METERCODE": "!AUTO!"},
        {"ACCOUNT": "metered", "METERCODE": "!AUTO!:gas"},
        {"ACCOUNT": "metered", "METERCODE": "meter alias"},
        {"ACCOUNT": "metered", "METERCODE": "serial"},
        {"ENDDATE": "20250101"},
        {"USE:KWH:Energy": "", "CHG:USD:Charge": "-1e1"},
    ],
)
def test_rows_that_just_follow_the_rules_are_imported(sandbox, api, changed):
    sandbox.add_account("real", ["M1"], aliases=["alias"])
    sandbox.add_account("twice", ["M1"], vendor_code="V1")
    sandbox.add_account("twice", ["M1"], vendor_code="V2")
    sandbox.add_account("served", ["M1"], service_start="2025-01-02", service_end="2025-02-01")
    gas = {"code": "A", "commodity": "GAS", "aliases": ["meter alias"], "serial_number": "serial"}
    sandbox.add_account("metered", [gas, {"code": "B", "commodity": "ELECTRIC"}])
    task = api.imported(advanced(row(**changed)))
    assert (task["status"], task["currentSuccessCount"]) == ("Completed", 1)


def test_one_bad_row_kicks_out_its_whole_bill_and_no_other(sandbox, api):
    other = row(ACCOUNT="1002", METERCODE="M2")
    task = api.imported(advanced(row(), row(METERCODE="M7"), row(METERCODE="M8"), other))
    assert task["currentSuccessCount"] == 1
    assert sandbox.bills()[0]["account"] == "1002"
    found = sandbox.kickouts(task["taskGUId"])
    assert [kicked["cells"][4] for kicked in found] == ["M1", "M7", "M8"]
    assert {kicked["message"] for kicked in found} == {"Meter 'M7' was not found on account '1001'."}


def test_details_are_a_table_with_new_ids_each_time(sandbox, api):
    text = "ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,Twin,Twin\nnobody,20250101,20250131,A,M1,one,two\n"
    guid = api.imported(text)["taskGUId"]
    first, second = (api.get(f"{BASE}{guid}/kickout/detail") for _ in range(2))
    expected = [
        ("Message", "Account code 'nobody' was not found."),
        ("ACCOUNT", "nobody"),
        ("STARTDATE", "20250101"),
        ("ENDDATE", "20250131"),
        ("ACE", "A"),
        ("METERCODE", "M1"),
        ("Twin", "one"),
        ("Twin", "two"),
    ]
    assert table(first) == table(second) == [expected]
    assert len({field["id"] for field in first["fields"]}) == 8
    ids = {tuple(field["id"] for field in api.get(f"{BASE}{guid}/kickout/detail")["fields"]) for _ in range(5)}
    assert len(ids) > 1


def test_details_filter_by_message_and_summaries_put_the_frequent_first(sandbox, api):
    data = advanced(row(ACCOUNT="a"), row(ACCOUNT="b"), row(ACCOUNT="b", STARTDATE="20250102"))
    guid = api.imported(data)["taskGUId"]
    summary = api.get(f"{BASE}{guid}/kickout/summary")
    assert summary == {
        "fileName": "Kickouts_bills.csv",
        "kickoutMessages": ["Account code 'b' was not found.", "Account code 'a' was not found."],
        "taskGuid": guid,
    }
    only = api.get(f"{BASE}{guid}/kickout/detail", kickoutMessage="Account code 'a' was not found.")
    assert [dict(found)["ACCOUNT"] for found in table(only)] == ["a"]
    assert api.get(f"{BASE}{guid}/kickout/detail", kickoutMessage="other")["data"] == []


def test_files_of_a_zip_have_kickouts_of_their_own(sandbox, api):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("first file.csv", advanced(row(ACCOUNT="a")))
        archive.writestr("sub/b.csv", advanced(row(ACCOUNT="b")))
        archive.writestr("good.csv", advanced(row()))
    task = api.imported(target.getvalue(), "all.zip")
    guid = task["taskGUId"]
    names = ["Kickouts_first file.csv", "Kickouts_sub_b.csv"]
    assert task["output"]["kickoutFiles"] == names
    for name, account in zip(names, ("a", "b"), strict=True):
        summary = api.get(f"{BASE}{guid}/kickout/{quote(name, safe='')}/summary")
        assert summary["fileName"] == name
        assert summary["kickoutMessages"] == [f"Account code '{account}' was not found."]
        detail = api.get(f"{BASE}{guid}/kickout/{quote(name, safe='')}/detail")
        assert [dict(found)["ACCOUNT"] for found in table(detail)] == [account]
    assert [dict(found)["ACCOUNT"] for found in table(api.get(f"{BASE}{guid}/kickout/detail"))] == ["a", "b"]
    assert api.call("GET", f"{BASE}{guid}/kickout/Kickouts_good.csv/summary").status_code == 404


def test_unknown_tasks_are_404(api):
    for ending in ("/kickout/summary", "/kickout/detail", "/kickout/x.csv/summary", "/kickout/x.csv/detail"):
        assert api.call("GET", f"{BASE}{uuid.uuid4()}{ending}").status_code == 404
    assert api.call("POST", f"{BASE}{uuid.uuid4()}/kickout", {}).status_code == 404


class TestRetry:
    def retried(self, api, guid, **body):
        answer = api.call("POST", f"{BASE}{guid}/kickout", body)
        assert answer.status_code == 200, answer.text
        return api.task(answer.json()["taskGUId"])

    def test_imports_the_rows_once_the_master_data_is_corrected(self, sandbox, api):
        first = api.imported(advanced(row(), row(ACCOUNT="late"), row(ACCOUNT="later")))
        again = self.retried(api, first["taskGUId"], importNote="round 2")
        assert (again["status"], again["currentSuccessCount"]) == ("Completed with kickouts", 0)
        assert len(api.messages(again["taskGUId"])) == 2
        sandbox.add_account("late", ["M1"])
        sandbox.add_account("later", ["M1"])
        third = self.retried(api, again["taskGUId"], batchSettings={"batchMode": "new batch", "newBatchCode": "R"})
        assert (third["status"], third["currentSuccessCount"], third["taskNote"]) == ("Completed", 2, None)
        assert third["batch"]["batchCode"] == "R"
        assert again["taskNote"] == "round 2"
        assert sorted(bill["account"] for bill in sandbox.bills()) == ["1001", "late", "later"]

    def test_keeps_the_profile_of_its_source(self, sandbox, api):
        mapping = {
            "dateFormat": "dd/mm/yyyy",
            "accountCodeColumnIndex": 2,
            "startDateColumnIndex": 1,
            "endDateColumnIndex": 3,
            "observations": [{"columnIndex": 4, "observationTypeCode": "T", "caption": "T", "unitCode": "USD"}],
        }
        api.call("POST", "/api/v3/import/bill/profile", {"profileCode": "P", "columnMapping": mapping})
        data = 'Start,Account,End,"Total, all"\n01/02/2025,late,28/02/2025,5\n'
        first = api.imported(data, profileCode="P")
        assert first["status"] == "Completed with kickouts"
        sandbox.add_account("late")
        assert self.retried(api, first["taskGUId"])["status"] == "Completed"
        bill = sandbox.bills()[0]
        assert (bill["start"], bill["end"], bill["cost"]) == ("2025-02-01", "2025-02-28", 5.0)

    def test_is_only_for_tasks_with_kickouts(self, sandbox, api):
        good = api.imported(advanced(row()))
        sandbox.fail_next_import()
        failed = api.imported(advanced(row()))
        sandbox.settings.delay = 10
        running = api.imported(advanced(row(ACCOUNT="nobody")))
        for task in (good, failed, running):
            assert api.call("POST", f"{BASE}{task['taskGUId']}/kickout", {}).status_code == 400

    def test_checks_its_body(self, api):
        guid = api.imported(advanced(row(ACCOUNT="nobody")))["taskGUId"]
        for wrong in ({"saveAsResolved": 1}, {"batchSettings": {"batchMode": "x"}}, [], {"importNote": 5}):
            assert api.call("POST", f"{BASE}{guid}/kickout", wrong).status_code == 400
