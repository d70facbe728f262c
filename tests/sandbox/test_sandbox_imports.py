from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from sandbox_api import ADVANCED, Api, advanced

MAPPING = {
    "dateFormat": "mm/dd/yyyy",
    "accountCodeColumnIndex": 1,
    "startDateColumnIndex": 2,
    "endDateColumnIndex": 3,
    "meterCodeColumnIndex": 4,
    "observations": [
        {"columnIndex": 5, "observationTypeCode": "TOTAL", "caption": "Charge", "unitCode": "USD"},
        {"columnIndex": 6, "observationTypeCode": "USE", "caption": "Energy", "unitCode": "kWh"},
    ],
}
HEADER = "Account,Start,End,Meter,Charge,Energy\n"


def profile(api: Api, code: str = "P", **changed: object) -> str:
    answer = api.call(
        "POST", "/api/v3/import/bill/profile", {"profileCode": code, "columnMapping": MAPPING | changed}
    )
    assert answer.status_code == 200, answer.text
    return code


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("second").append(["not", "read"])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def zipped(**files: bytes | str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return target.getvalue()


def costs(sandbox) -> list[tuple[str, str, str, float]]:
    return [(bill["account"], bill["start"], bill["end"], bill["cost"]) for bill in sandbox.bills()]


def test_a_task_takes_its_time_and_shows_it(sandbox, api):
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


def test_batches_and_notes_of_tasks_can_stay_hidden(sandbox, api):
    sandbox.settings.delay = 5
    sandbox.settings.batch_visible = "at_end"
    sandbox.settings.echo_notes = False
    guid = api.import_file(advanced(["1001"]), importNote="hidden").json()["taskGUId"]
    assert (api.task(guid)["batch"], api.task(guid)["taskNote"]) == (None, None)
    sandbox.advance(5)
    assert (api.task(guid)["batch"]["batchId"], api.task(guid)["taskNote"]) == (1, None)


def test_spellings_are_settings(sandbox, api):
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


def test_rows_of_one_bill_follow_each_other(sandbox, api):
    data = advanced(
        ["1001", "20250101", "20250131", "A", "M1", "", "100", "10.25"],
        ["1001", "20250101", "20250131", "A", "", "", "", "2.50"],
        ["1002", "20250101", "20250131", "A", "M2", "", "1", "1"],
        ["1001", "20250201", "20250228", "A", "M1", "", "50", "5"],
    )
    assert api.imported(data)["currentSuccessCount"] == 3
    assert costs(sandbox) == [
        ("1001", "2025-01-01", "2025-01-31", 12.75),
        ("1002", "2025-01-01", "2025-01-31", 1.0),
        ("1001", "2025-01-31", "2025-02-28", 5.0),
    ]
    assert [row["meter"] for row in sandbox.bills()[0]["rows"]] == ["M1", None]
    assert sandbox.batches()[0]["running_total"] == 18.75


def test_a_bill_torn_apart_loses_its_first_half(sandbox, api):
    data = advanced(
        ["1001", "20250101", "20250131", "A", "M1", "", "100", "10"],
        ["1002", "20250101", "20250131", "A", "M2", "", "1", "1"],
        ["1001", "20250101", "20250131", "A", "", "", "", "2"],
    )
    assert api.imported(data)["currentSuccessCount"] == 2
    assert [(account, cost) for account, _, _, cost in costs(sandbox)] == [("1002", 1.0), ("1001", 2.0)]


@pytest.mark.parametrize(("flag", "remaining"), [("A", [7.0]), ("E", [7.0]), ("", [7.0]), ("C", [12.5, 7.0])])
def test_actual_and_estimated_replace_and_corrected_keeps(sandbox, api, flag, remaining):
    first = api.imported(advanced(["1001"]))
    api.imported(advanced(["1001", "20250101", "20250131", flag, "M1", "", "1", "7"]))
    assert [bill["cost"] for bill in sandbox.bills()] == remaining
    assert sandbox.bills()[-1]["estimated"] is (flag == "E")
    assert api.task(first["taskGUId"])["currentSuccessCount"] == len(remaining) - 1


def test_a_start_right_after_the_previous_end_is_adjusted_and_still_replaceable(sandbox, api):
    january = ["1001", "20250101", "20250131", "A", "M1", "", "1", "1"]
    february = ["1001", "20250201", "20250228", "A", "M1", "", "1", "2"]
    api.imported(advanced(february))
    api.imported(advanced(january))
    assert [bill["note"] for bill in sandbox.bills()] == [None, None]
    api.imported(advanced(february))
    assert costs(sandbox)[1:] == [("1001", "2025-01-31", "2025-02-28", 2.0)]
    assert "adjusted" in sandbox.bills()[1]["note"]


def test_a_bill_may_start_on_the_first_day_there_is(sandbox, api):
    assert (
        api.imported(advanced(["1001", "00010101", "00010131", "A", "M1", "", "1", "1"]))["status"] == "Completed"
    )
    assert costs(sandbox) == [("1001", "0001-01-01", "0001-01-31", 1.0)]


def test_advanced_headers_choose_columns(sandbox, api):
    text = "Account code,Start Date,End Date,A/C/E,Metercode,*ignored,Unknown,BILLNOTE,CHG:USD:a:b,*TAX:USD:Tax\n"
    row = "1001,20250101,20250131,A,!AUTO!,x,y,fine,3.5,100\n"
    api.imported(text + ",,,,,,,,,\n" + row)
    (bill,) = sandbox.bills()
    assert (bill["cost"], bill["details"]["billNote"], bill["rows"][0]["meter"]) == (3.5, "fine", "M1")
    assert bill["rows"][0]["lines"] == [{"type": "CHG", "unit": "USD", "caption": "a:b", "value": "3.5"}]


@pytest.mark.parametrize(
    ("data", "file_name", "says"),
    [
        ("ACCOUNT,ENDDATE,STARTDATE,ACE,METERCODE\n1001,1,1,A,M1\n", "a.csv", "must begin with"),
        ("", "a.csv", "no header"),
        (b"\xff\xfe\x00", "a.csv", "could not be read"),
        (b"PK no workbook", "a.xlsx", "could not be read"),
        (b"PK no archive", "a.zip", "could not be read"),
    ],
)
def test_unreadable_files_fail_the_task(sandbox, api, data, file_name, says):
    task = api.imported(data, file_name)
    assert (task["status"], task["currentSuccessCount"]) == ("Failed", 0)
    assert says in task["message"]
    assert task["endDate"] is not None
    assert (sandbox.bills(), sandbox.kickouts()) == ([], [])


def test_a_byte_order_mark_is_no_part_of_the_header(sandbox, api):
    task = api.imported(b"\xef\xbb\xbf" + advanced(["nobody"]).encode())
    assert sandbox.kickouts(task["taskGUId"])[0]["header"][0] == "ACCOUNT"


def test_a_header_alone_completes_with_nothing(api):
    task = api.imported(advanced())
    assert (task["status"], task["currentSuccessCount"]) == ("Completed", 0)


def test_a_profile_maps_columns_from_one(sandbox, api):
    code = profile(api)
    api.imported("\ufeff" + HEADER + "1001,01/02/2025,1/31/2025,M1,9.99,100\n", "a.TXT", profileCode=code)
    assert costs(sandbox) == [("1001", "2025-01-02", "2025-01-31", 9.99)]
    task = api.imported("Account,Start,End\n1001,01/02/2025,01/31/2025\n", profileCode=code)
    assert task["status"] == "Failed"
    assert "column 6" in task["message"]


@pytest.mark.parametrize(
    ("date_format", "start", "end"),
    [
        ("mm/dd/yyyy", "02/01/2025", "03/04/2025"),
        ("dd/mm/yyyy", "01/02/2025", "04/03/2025"),
        ("yyyymmdd", "20250201", "20250304"),
        ("Month dd yyyy", "February 01 2025", "March 4 2025"),
        ("dd Month yyyy", "01 February 2025", "4 March 2025"),
    ],
)
def test_the_five_date_formats(sandbox, api, date_format, start, end):
    code = profile(api, dateFormat=date_format)
    api.imported(HEADER + f"1001,{start},{end},M1,1,1\n", profileCode=code)
    assert costs(sandbox) == [("1001", "2025-02-01", "2025-03-04", 1.0)]


def test_without_money_columns_the_pay_amount_is_the_cost(sandbox, api):
    energy = [{"columnIndex": 6, "observationTypeCode": "USE", "caption": "Energy", "unitCode": "kWh"}]
    code = profile(api, observations=energy, payAmountColumnIndex=5)
    api.imported(HEADER + "1001,01/01/2025,01/31/2025,M1,8.5,100\n", profileCode=code)
    assert costs(sandbox)[0][3] == 8.5


def test_only_the_first_sheet_of_a_workbook_is_read_and_its_dates_are_dates(sandbox, api):
    sandbox.add_account("77", ["5"])
    rows = [77, datetime(2025, 1, 1), date(2025, 1, 31), "A", 5, None, 100, 12.5]
    api.imported(workbook(list(ADVANCED), rows), "bills.xlsx")
    code = profile(api)
    data = workbook(HEADER.strip().split(","), ["nobody", datetime(2025, 1, 2), "01/31/2025", None, 2.25, 1])
    task = api.imported(data, "own.XLSX", profileCode=code)
    assert costs(sandbox) == [("77", "2025-01-01", "2025-01-31", 12.5)]
    assert sandbox.kickouts(task["taskGUId"])[0]["cells"][1] == "01/02/2025"


def test_a_zip_is_one_import_of_all_its_files(sandbox, api):
    second = workbook(list(ADVANCED), ["1002", "20250101", "20250131", "A", "M2", "", 1, 2])
    task = api.imported(zipped(a__csv=advanced(["1001"]), b__xlsx=second), "all.zip")
    assert (task["status"], task["currentSuccessCount"]) == ("Completed", 2)


def test_a_zip_may_hold_nothing_else(sandbox, api):
    task = api.imported(zipped(a__csv=advanced(["1001"]), b__pdf=b"%PDF"), "all.zip")
    assert (task["status"], sandbox.bills()) == ("Failed", [])


def test_a_zip_bomb_fails_without_being_unpacked(sandbox, api):
    bomb = zipped(a__csv=b"0" * (257 * 1024 * 1024))
    assert len(bomb) < 1_000_000
    task = api.imported(bomb, "bomb.zip")
    assert (task["status"], "too large" in task["message"]) == ("Failed", True)


def test_batch_settings_become_defaults_of_its_bills(sandbox, api):
    batch = api.open_batch("b", controlCode="C1", dueDate="2025-03-01")
    api.into("use existing batch", existingOpenBatchId=batch)
    assert sandbox.bills()[0]["details"]["controlCode"] == "C1"
    assert sandbox.bills()[0]["details"]["dueDate"] == "2025-03-01"


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
    # One bill every ten seconds; the second is negative, the fourth 59 days long.
    assert seen == [(4, 0), (4, 0), (3, 0), (2, 1), (1, 1), (0, 2)]


def test_save_as_resolved_raises_no_flag(sandbox, api):
    task = api.imported(advanced(["1001", "20250101", "20250301"]), saveAsResolved=True)
    assert task["unresolvedFlagCount"] == 0
    assert api.imported(advanced(["1001", "20250101", "20250301"]))["unresolvedFlagCount"] == 1


def test_the_next_import_can_be_told_to_fail(sandbox, api):
    sandbox.fail_next_import("The server is tired.")
    failed, good = api.imported(advanced(["1001"])), api.imported(advanced(["1001"]))
    assert (failed["status"], failed["message"]) == ("Failed", "The server is tired.")
    assert (good["status"], len(sandbox.bills())) == ("Completed", 1)


def test_a_task_can_vanish_and_notes_can_be_edited(sandbox, api):
    task = api.imported(advanced(["1001"]))
    path = f"/api/v3/task/{task['taskGUId']}"
    assert api.call("PUT", "/api/v3/task/1", {"taskNote": "seen"}).json()["taskNote"] == "seen"
    assert api.call("PUT", "/api/v3/task/1", {}).status_code == 400
    assert api.call("PUT", "/api/v3/task/9", {"taskNote": "x"}).status_code == 404
    assert api.call("GET", path + "/errorOutput").status_code == 404
    sandbox.delete_task(task["taskGUId"])
    assert api.call("GET", path).status_code == 404
    assert api.get("/api/v3/task") == []


class TestProfiles:
    PATH = "/api/v3/import/bill/profile"

    def test_are_created_listed_edited_and_deleted(self, sandbox, api):
        created = api.call("POST", self.PATH, {"profileCode": "P", "columnMapping": MAPPING})
        assert created.status_code == 200
        shown = created.json()
        assert (shown["profileId"], shown["profileCode"]) == (1, "P")
        assert {name: shown["columnMapping"][name] for name in MAPPING} == MAPPING
        assert api.get(self.PATH) == [shown]
        assert api.get(self.PATH + "/1", field="profileCode") == {"profileCode": "P"}
        profile(api, "Q")
        taken = {"profileCode": "Q", "columnMapping": MAPPING}
        assert api.call("PUT", self.PATH + "/1", taken).status_code == 400
        assert api.call("PUT", self.PATH + "/1", taken | {"profileCode": "R"}).json()["profileCode"] == "R"
        assert api.call("POST", self.PATH, taken).status_code == 400
        assert api.call("DELETE", self.PATH + "/1").status_code == 204
        assert [api.call(method, self.PATH + "/1").status_code for method in ("GET", "DELETE")] == [404, 404]
        assert [found["profile_code"] for found in sandbox.profiles()] == ["Q"]

    @pytest.mark.parametrize(
        ("changed", "named"),
        [
            ({"dateFormat": "MM/dd/yyyy"}, "dateFormat"),
            ({"dateFormat": None}, "dateFormat"),
            ({"accountCodeColumnIndex": 0}, "accountCodeColumnIndex"),
            ({"endDateColumnIndex": None}, "endDateColumnIndex"),
            ({"rateColumnIndex": 2**31}, "rateColumnIndex"),
            ({"vendorCodeColumnIndex": "2"}, "vendorCodeColumnIndex"),
            ({"observations": []}, "observations"),
            ({"observations": None}, "observations"),
            ({"observations": [{**MAPPING["observations"][0], "caption": "c" * 33}]}, "observations[0].caption"),
            ({"observations": [{**MAPPING["observations"][0], "unitCode": None}]}, "observations[0].unitCode"),
        ],
    )
    def test_mappings_are_checked(self, sandbox, api, changed, named):
        answer = api.call("POST", self.PATH, {"profileCode": "P", "columnMapping": MAPPING | changed})
        assert answer.status_code == 400
        assert named in answer.json()["message"]
        assert sandbox.profiles() == []

    def test_codes_are_short(self, api):
        assert api.call("POST", self.PATH, {"profileCode": "x" * 65, "columnMapping": MAPPING}).status_code == 400
        assert api.call("POST", self.PATH, {"profileCode": "x" * 64, "columnMapping": MAPPING}).status_code == 200


def test_csv_cells_with_quotes_and_line_breaks_survive(sandbox, api):
    text = io.StringIO()
    csv.writer(text).writerows([[*ADVANCED, "BILLNOTE"], ['no, "body"\nhere', *["x"] * 7, "ä"]])
    task = api.imported(text.getvalue())
    cells = sandbox.kickouts(task["taskGUId"])[0]["cells"]
    assert (cells[0], cells[-1]) == ('no, "body"\nhere', "ä")
