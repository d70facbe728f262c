"""Rows become bills: their grouping, their cost, the bills that they replace."""

from __future__ import annotations

import pytest

from tests.sandbox.sandbox_api import HEADER, advanced, profile


def costs(sandbox) -> list[tuple[str, str, str, float]]:
    return [(bill["account"], bill["start"], bill["end"], bill["cost"]) for bill in sandbox.bills()]


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


def test_rows_of_one_bill_with_others_between_replace_each_other(sandbox, api):
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


def test_a_start_after_the_previous_end_is_adjusted_and_the_bill_can_be_replaced(sandbox, api):
    january = ["1001", "20250101", "20250131", "A", "M1", "", "1", "1"]
    february = ["1001", "20250201", "20250228", "A", "M1", "", "1", "2"]
    api.imported(advanced(february))
    api.imported(advanced(january))
    assert [bill["note"] for bill in sandbox.bills()] == [None, None]
    api.imported(advanced(february))
    assert costs(sandbox)[1:] == [("1001", "2025-01-31", "2025-02-28", 2.0)]
    assert "adjusted" in sandbox.bills()[1]["note"]


def test_a_bill_may_start_in_year_1(sandbox, api):
    assert (
        api.imported(advanced(["1001", "00010101", "00010131", "A", "M1", "", "1", "1"]))["status"] == "Completed"
    )
    assert costs(sandbox) == [("1001", "0001-01-01", "0001-01-31", 1.0)]


def test_without_money_columns_the_pay_amount_is_the_cost(sandbox, api):
    energy = [{"columnIndex": 6, "observationTypeCode": "USE", "caption": "Energy", "unitCode": "kWh"}]
    code = profile(api, observations=energy, payAmountColumnIndex=5)
    api.imported(HEADER + "1001,01/01/2025,01/31/2025,M1,8.5,100\n", profileCode=code)
    assert costs(sandbox)[0][3] == 8.5


def test_batch_settings_become_defaults_of_its_bills(sandbox, api):
    batch = api.open_batch("b", controlCode="C1", dueDate="2025-03-01")
    api.into("use existing batch", existingOpenBatchId=batch)
    assert sandbox.bills()[0]["details"]["controlCode"] == "C1"
    assert sandbox.bills()[0]["details"]["dueDate"] == "2025-03-01"
