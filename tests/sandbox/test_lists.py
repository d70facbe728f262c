"""Filters, pages and field reduction."""

from __future__ import annotations

import pytest

from tests.sandbox.sandbox_api import Api, advanced

BATCH = "/api/v3/batch"


def codes(answer):
    return [batch["batchCode"] for batch in answer]


@pytest.fixture
def three(sandbox, api, other) -> Api:
    """
    Three batches, a day apart: January is closed with 12.50, February is open, March is pending and another
    user's.
    """
    january = api.open_batch("Jan", controlCode="C1", accountPeriodNumber=1, accountPeriodYear=2026)
    assert api.into("use existing batch", existingOpenBatchId=january).status_code == 200
    api.call("PUT", f"/api/v3/batch/close/{january}")
    sandbox.advance(86400)
    api.open_batch("Feb", dueDate="2026-03-15")
    sandbox.advance(86400)
    assert other.set_status(other.open_batch("Mar and Apr"), "Pending") == 204
    return api


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("batchCode equals 'Jan'", ["Jan"]),
        ("batchCode equals 'jan'", ["Jan"]),
        ("BATCHCODE equals 'Jan'", ["Jan"]),
        ("batchCode not equals 'Jan'", ["Feb", "Mar and Apr"]),
        ("batchCode like 'a'", ["Jan", "Mar and Apr"]),
        ("batchCode not like 'a'", ["Feb"]),
        ("batchCode equals 'Mar and Apr'", ["Mar and Apr"]),
        ("batchCode one of 'Jan'|'Feb'", ["Jan", "Feb"]),
        ("batchCode not one of 'Jan' | 'Feb'", ["Mar and Apr"]),
        ("batchStatus equals 'Pending'", ["Mar and Apr"]),
        ("batchStatus one of 'Open'|'closed'", ["Jan", "Feb"]),
        ("isOpen equals 'true'", ["Feb"]),
        ("isOpen equals 'false' and fullName equals 'Other User'", ["Mar and Apr"]),
        ("billCount greater than '0'", ["Jan"]),
        ("billCount less than equal '0'", ["Feb", "Mar and Apr"]),
        ("runningTotal between '12.5'|'13'", ["Jan"]),
        ("runningTotal not between '12.5'|'13'", ["Feb", "Mar and Apr"]),
        ("controlCode equals 'C1'", ["Jan"]),
        ("controlCode equals ''", ["Feb", "Mar and Apr"]),
        ("HasImportsWithKickout equals 'true'", []),
        ("duedate greater than '2026-03-14'", ["Feb"]),
        ("startDate today", ["Mar and Apr"]),
        ("startDate yesterday", ["Feb"]),
        ("startDate last 7 days", ["Jan", "Feb", "Mar and Apr"]),
        ("startDate equals '2026-01-06'", ["Feb"]),
        ("startDate greater than equal '2026-01-06T08:00:00Z'", ["Feb", "Mar and Apr"]),
        ("startDate less than '2026-01-06T08:00:00.5Z'", ["Jan", "Feb"]),
        ("startDate between '2026-01-05'|'2026-01-06'", ["Jan", "Feb"]),
        ("endDate current month", ["Jan"]),
        ("", ["Jan", "Feb", "Mar and Apr"]),
    ],
)
def test_filters(three, text, expected):
    assert codes(three.get(BATCH, filter=text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "batchCode equals Jan",
        "isOpen equals true",
        "batchCode equals 'O'Neill'",
        "batchCode equals 'Jan' or batchCode equals 'Feb'",
        "batchCode equals 'Jan' and",
        "batchCode is 'Jan'",
        "nothing equals 'Jan'",
        "batchStatus like 'o'",
        "billCount greater than 'many'",
        "billCount between '1'",
        "batchCode equals 'a'|'b'",
        "startDate equals 'January'",
        "batchCode today",
        "batchCode",
    ],
)
def test_filters_outside_the_grammar_are_400(three, text):
    assert three.call("GET", BATCH, params={"filter": text}).status_code == 400


def test_pages_and_their_headers(api):
    for number in range(5):
        api.open_batch(f"b{number}")
    answer = api.call("GET", BATCH, params={"pageSize": 2, "pageNumber": 3})
    assert codes(answer.json()) == ["b4"]
    names = ("PageNumber", "PageSize", "TotalNumberOfRecords", "TotalPages")
    assert [answer.headers[name] for name in names] == ["3", "2", "5", "3"]
    default = api.call("GET", BATCH)
    assert [default.headers[name] for name in names] == ["1", "250", "5", "1"]
    capped = api.call("GET", BATCH, params={"pageSize": 5000})
    assert capped.headers["PageSize"] == "1000"
    assert api.call("GET", BATCH, params={"pageNumber": 2}).json() == []
    for bad in ({"pageNumber": 0}, {"pageSize": 0}, {"pageSize": "x"}):
        assert api.call("GET", BATCH, params=bad).status_code == 400


def test_the_default_page_has_250_records(api):
    for number in range(251):
        api.open_batch(f"b{number:03d}")
    first = api.call("GET", BATCH)
    assert (len(first.json()), first.headers["TotalPages"]) == (250, "2")
    assert codes(api.get(BATCH, pageNumber=2)) == ["b250"]


@pytest.mark.parametrize(("total_pages", "shown"), [("one", "1"), ("missing", None), ("huge", "999999999")])
def test_a_gateway_may_cap_pages_and_spoil_their_number(sandbox, three, total_pages, shown):
    sandbox.settings.largest_page, sandbox.settings.total_pages = 2, total_pages

    first, second = (
        three.call("GET", BATCH, params={"pageSize": 1000, "pageNumber": number}) for number in (1, 2)
    )

    assert (codes(first.json()), codes(second.json())) == (["Jan", "Feb"], ["Mar and Apr"])
    assert first.headers.get("TotalPages") == shown
    assert (first.headers["PageSize"], first.headers["TotalNumberOfRecords"]) == ("2", "3")


def test_field_reduction_keeps_the_named_fields(three):
    assert three.get(BATCH, field="batchCode,isOpen", filter="batchCode equals 'Feb'") == [
        {"batchCode": "Feb", "isOpen": True}
    ]
    assert three.get(BATCH + "/2", field="batchId") == {"batchId": 2}


def test_tasks_are_filtered_by_begin_user_and_batch(sandbox, api, other):
    first = api.imported(advanced(["1001"]), batchSettings={"batchMode": "new batch", "newBatchCode": "A"})
    sandbox.advance(60)
    second = other.imported(advanced(["1001"]), batchSettings={"batchMode": "new batch", "newBatchCode": "B"})

    def found(**query):
        return [task["taskGUId"] for task in api.get("/api/v3/task", **query)]

    both = [first["taskGUId"], second["taskGUId"]]
    assert found() == both
    assert found(taskTypeCode="BillImport") == both
    assert found(taskTypeCode="ReadingImport") == []
    assert found(filter="batchCode equals 'A'") == both[:1]
    assert found(filter=f"batchId equals '{second['batch']['batchId']}'") == both[1:]
    assert found(filter="fullName equals 'Other User'") == both[1:]
    assert found(filter="beginDate greater than '2026-01-05T08:00:00Z'") == both[1:]
    assert found(filter="beginDate today and batchCode one of 'A'|'B'") == both
    assert api.call("GET", "/api/v3/task", params={"taskTypeCode": "billimport"}).status_code == 400
    assert api.call("GET", "/api/v3/task", params={"filter": "status equals 'x'"}).status_code == 400
    assert api.call("GET", "/api/v3/task", params={"pageSize": 1}).headers["TotalPages"] == "2"
