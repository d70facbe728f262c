"""The start that EnergyCAP moves: what the check says is what the sandbox does."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eci_provider.api.client import EciClient
from eci_provider.bills.rebills import label_of
from eci_provider.bills.starts import StartModel
from eci_provider.sandbox import Sandbox
from tests.support.bill_files import MAPPING, check_content, problems_in, row, text

GAS = [row(), row(start="01/31/2025", end="02/28/2025")]
ELECTRIC = row(start="02/01/2025", end="02/28/2025", meter="M2")
MET = ("start_meets_bill", 4, "Start")


def test_a_moved_start_that_meets_another_bill_is_an_error(tmp_path: Path) -> None:
    assert problems_in(check_content(tmp_path, text(*GAS, ELECTRIC))) == [MET]
    assert (
        problems_in(check_content(tmp_path, text(*GAS, row(start="02/02/2025", end="02/28/2025", meter="M2"))))
        == []
    )


def test_the_sandbox_says_which_start_it_moved_and_what_it_replaced(tmp_path: Path) -> None:
    check_content(tmp_path, text(*GAS, ELECTRIC))
    with Sandbox(clock="virtual") as sandbox, EciClient(sandbox.url, sandbox.api_key) as client:
        sandbox.add_account("1001", ["M1", "M2"])
        client.import_profiles.create("P", MAPPING)
        client.bill_imports.submit(tmp_path / "bills.csv", profile_code="P")
        notes = {bill["end"]: bill["note"] for bill in sandbox.bills()}

    assert notes == {
        "2025-01-31": None,
        "2025-02-28": "The start date 2025-02-01 was adjusted to the previous bill's end date. "
        "It replaced 1 bill of the same import.",
    }


def test_a_start_that_a_bill_in_energycap_may_move_is_a_warning(tmp_path: Path) -> None:
    found = problems_in(check_content(tmp_path, text(GAS[1], ELECTRIC)))

    assert found == [("start_may_meet_bill", 3, "Start")]


def test_the_report_says_how_many_starts_move(tmp_path: Path) -> None:
    report = check_content(tmp_path, text(row(), row(start="02/01/2025", end="02/28/2025")))

    assert problems_in(report) == []
    assert report.moved_starts == 1


def test_starts_are_known_after_many_other_ends() -> None:
    model = StartModel()
    for account in range(20_000):
        assert model.add(str(account), (100, 130), 0) is None

    assert model.add("19999", (130, 160), 0) is None
    assert model.add("19999", (131, 160), label_of("C", "")) is None
    fault = model.add("19999", (131, 160), 0)
    assert fault is not None
    assert fault[0] == "start_meets_bill"


DAYS = st.sampled_from(["01/01/2025", "01/30/2025", "01/31/2025", "02/01/2025", "02/02/2025"])


def test_a_bill_is_lost_in_the_sandbox_where_the_check_says_so(tmp_path: Path) -> None:
    seen = {True: 0, False: 0}
    mapping = {**MAPPING, "aceFlagColumnIndex": 8}
    with Sandbox(clock="virtual") as sandbox, EciClient(sandbox.url, sandbox.api_key) as client:
        client.import_profiles.create("P", mapping)
        numbers = iter(range(10_000))

        @given(
            bills=st.lists(
                st.tuples(DAYS, st.sampled_from(["01/31/2025", "02/28/2025"]), st.sampled_from("AAC")),
                min_size=2,
                max_size=5,
                unique_by=lambda bill: bill[:2],
            )
        )
        @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def agree(bills: list[tuple[str, str, str]]) -> None:
            account = f"A{next(numbers)}"
            sandbox.add_account(account, ["M1"])
            rows = [row(account=account, start=start, end=end, note=flag) for start, end, flag in bills]
            report = check_content(tmp_path, text(*rows), mapping=mapping)
            codes = [problem.rule.code for problem in report]
            client.bill_imports.submit(tmp_path / "bills.csv", profile_code="P")
            found = [bill for bill in sandbox.bills() if bill["account"] == account]
            taken = report.bills - codes.count("end_before_start")
            assert (len(found) < taken) == ("start_meets_bill" in codes)
            assert sum("adjusted" in (bill["note"] or "") for bill in found) <= report.moved_starts
            seen[len(found) < taken] += 1

        agree()

    assert min(seen.values()) > 0  # other Pythons draw other bills
