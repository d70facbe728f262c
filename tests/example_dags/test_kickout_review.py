"""A person decides about kickouts: a whole Airflow and its REST API, of which the web interface is made too."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest
from airflow import __version__ as airflow_version

from dev.demo.bills import Bills
from dev.support.paths import EXAMPLES
from tests.support.review_airflow import DAG, WAITING, Reviewed, review, running, scheduled

pytestmark = [
    pytest.mark.skipif(
        tuple(map(int, airflow_version.split(".")[:2])) < (3, 1),
        reason="only Airflow 3.1 and newer can ask a person",
    ),
    # A whole Airflow starts and works through five runs; a loaded machine may take minutes for that.
    pytest.mark.timeout(1200),
]

FILE = EXAMPLES / "data" / "new_buildings.csv"
RETRY, ACCEPT, VOID = "Retry the kickouts", "Accept what came in", "Void the batch"
# An account code that is Markdown and HTML, and would end a table's row.
NASTY = "<img src=x> | [here](https://example.invalid) `x`"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    """
    Run the DAG side by side until all runs ask but the scheduled one, which has no kickouts; then answer.

    From the first answer on EnergyCAP is set to MarkBatchPending, and one more run begins under that.
    """
    with running(tmp_path_factory.mktemp("review") / "home") as airflow:
        for building, meters in Bills.read(FILE).meters.items():
            airflow.energycap.add_account(building, meters)
        for run in ("void", "retry", "stubborn", "pending"):
            airflow.energycap.add_account(f"{run} 1", ["M1"])
        airflow.unpause(DAG)
        airflow.begin("void", "void 1", NASTY)
        airflow.begin("retry", "retry 1", "retry 2")
        airflow.begin("stubborn", *(f"stubborn {number}" for number in (1, 2, 3, 4)))
        airflow.asked = {run: airflow.question(run) for run in ("void", "retry", "stubborn")}
        airflow.end(scheduled(airflow))
        airflow.until("a moment without work", lambda: airflow.has_workers() and not airflow.busy_workers())
        airflow.meanwhile = {run: airflow.states(run) for run in airflow.asked}

        airflow.energycap.settings.error_handling = "MarkBatchPending"
        airflow.begin("pending", "pending 1", "pending 2")
        airflow.energycap.add_account("retry 2", ["M1"])
        airflow.energycap.add_account("stubborn 2", ["M1"])
        for run, choice in (("stubborn", RETRY), ("retry", RETRY), ("void", VOID)):
            airflow.answer(run, choice)
        airflow.asked["stubborn, retried"] = airflow.question("stubborn", 2)
        airflow.energycap.add_account("stubborn 3", ["M1"])
        airflow.answer("stubborn", RETRY, 2)
        yield airflow


def test_without_kickouts_nobody_is_asked(airflow: Reviewed) -> None:
    run = scheduled(airflow)
    assert airflow.end(run) == "success"
    states = airflow.states(run)
    done = {"create_profile", "open_batch", "import_bills", "question_1.kickouts_left", "close_batch"}
    assert {name for name, state in states.items() if state == "success"} == done
    assert {state for name, state in states.items() if name not in done} == {"skipped"}
    assert airflow.batch_of(run)["batch_status"] == "Closed"
    with FILE.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    bills = {(row["Building ID"], row["Service Start Date"], row["Service End Date"]) for row in rows}
    assert airflow.batch_of(run)["bill_count"] == len(bills)


def test_a_run_waits_without_a_worker(airflow: Reviewed) -> None:
    for states in airflow.meanwhile.values():
        assert states.pop(review(1)) in WAITING
        assert set(states.values()) == {"success", None}


def test_the_question_has_the_numbers_the_reasons_and_the_report(airflow: Reviewed) -> None:
    question = airflow.asked["stubborn"]
    code = airflow.batch_of("stubborn")["batch_code"]
    assert question["subject"] == f"Batch {code}: 3 rows kicked out, 1 bills imported"
    assert question["options"] == [RETRY, ACCEPT, VOID]
    assert (question["defaults"], question["multiple"]) == (None, False)
    for building in ("stubborn 2", "stubborn 3", "stubborn 4"):
        assert f"\n| 1 | `Account code '{building}' was not found.` | EnergyCAP |\n" in question["body"]
    report = airflow.home / "reports" / DAG / "stubborn.csv"
    assert f"Every row is in `{report}`." in question["body"]
    assert "stubborn 3" in report.read_text()


def test_a_reason_cannot_become_a_table_a_link_or_html(airflow: Reviewed) -> None:
    message = "Account code '<img src=x> ¦ [here](https://example.invalid) 'x'' was not found."
    assert f"\n| 1 | `{message}` | EnergyCAP |\n" in airflow.asked["void"]["body"]


def test_void_leaves_no_bill_that_counts(airflow: Reviewed) -> None:
    assert airflow.end("void") == "success"
    assert airflow.batch_of("void")["batch_status"] == "Pending"
    assert airflow.bills_of("void") == {"void 1": False}
    states = airflow.states("void")
    assert (states["question_1.retry_kickouts"], states["close_batch"]) == ("skipped", "skipped")


def test_retry_imports_what_was_corrected_and_closes(airflow: Reviewed) -> None:
    assert airflow.end("retry") == "success"
    assert airflow.batch_of("retry")["batch_status"] == "Closed"
    assert airflow.bills_of("retry") == {"retry 1": True, "retry 2": True}
    assert airflow.states("retry")[review(2)] == "skipped"


def test_nobody_answers_and_then_accept_closes_a_batch_that_energycap_had_voided(airflow: Reviewed) -> None:
    question = airflow.question("pending")
    assert question["subject"].endswith(": 1 rows kicked out, 1 bills are void")
    assert "set the batch Pending because of the kickouts. Its **1** bills are void" in question["body"]

    # Older versions keep the deadline where a test cannot turn it.
    if airflow.states("pending")[review(1)] == "awaiting_input":
        airflow.let_the_deadline_pass("pending", 1)
        assert airflow.end("pending") == "failed"
        assert "HITLTimeoutError" in airflow.log_of("pending", review(1))
        airflow.clear("pending", review(1))
        assert airflow.question("pending")["body"] == question["body"]

    assert airflow.batch_of("pending")["batch_status"] == "Pending"
    assert airflow.bills_of("pending") == {"pending 1": False}
    airflow.answer("pending", ACCEPT)
    assert airflow.end("pending") == "success"
    assert airflow.batch_of("pending")["batch_status"] == "Closed"
    assert airflow.bills_of("pending") == {"pending 1": True}


def test_what_a_retry_leaves_is_asked_about_and_the_third_retry_fails(airflow: Reviewed) -> None:
    second = airflow.asked["stubborn, retried"]
    assert [f"stubborn {number}" in second["body"] for number in (2, 3, 4)] == [False, True, True]
    assert second["subject"].endswith(": 2 rows kicked out, 1 bills are void")

    third = airflow.question("stubborn", 3)
    assert [f"stubborn {number}" in third["body"] for number in (2, 3, 4)] == [False, False, True]
    assert airflow.batch_of("stubborn")["batch_status"] == "Pending"
    assert airflow.bills_of("stubborn") == {f"stubborn {number}": False for number in (1, 2, 3)}
    airflow.answer("stubborn", RETRY, 3)
    assert airflow.end("stubborn") == "failed"
    assert airflow.states("stubborn")["close_batch"] == "upstream_failed"
    log = airflow.log_of("stubborn", "question_3.retry_kickouts")
    assert "1 x Account code 'stubborn 4' was not found." in log

    airflow.clear("stubborn", review(3))
    airflow.question("stubborn", 3)
    airflow.answer("stubborn", ACCEPT, 3)
    assert airflow.end("stubborn") == "success"
    assert airflow.batch_of("stubborn")["batch_status"] == "Closed"
    assert airflow.bills_of("stubborn") == {f"stubborn {number}": True for number in (1, 2, 3)}
    batch_id = airflow.batch_of("stubborn")["batch_id"]
    imports = [task["kickouts"] for task in airflow.energycap.tasks() if task["batch_id"] == batch_id]
    assert imports == [3, 2, 1, 1]
