"""Formats and layouts of bill files."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

import pytest

from tests.sandbox.sandbox_api import ADVANCED, HEADER, advanced, profile, workbook, zipped


def costs(sandbox) -> list[tuple[str, str, str, float]]:
    return [(bill["account"], bill["start"], bill["end"], bill["cost"]) for bill in sandbox.bills()]


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


def test_a_zip_may_only_have_csv_and_excel_files(sandbox, api):
    task = api.imported(zipped(a__csv=advanced(["1001"]), b__pdf=b"%PDF"), "all.zip")
    assert (task["status"], sandbox.bills()) == ("Failed", [])


def test_a_zip_bomb_fails_without_being_unpacked(sandbox, api):
    bomb = zipped(a__csv=b"0" * (257 * 1024 * 1024))
    assert len(bomb) < 1_000_000
    task = api.imported(bomb, "bomb.zip")
    assert (task["status"], "too large" in task["message"]) == ("Failed", True)


def test_csv_cells_may_have_quotes_and_line_breaks(sandbox, api):
    text = io.StringIO()
    csv.writer(text).writerows([[*ADVANCED, "BILLNOTE"], ['no, "body"\nhere', *["x"] * 7, "ä"]])
    task = api.imported(text.getvalue())
    cells = sandbox.kickouts(task["taskGUId"])[0]["cells"]
    assert (cells[0], cells[-1]) == ('no, "body"\nhere', "ä")
