"""Retry kickouts in rounds: while they bring bills in, each submitted once whatever dies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.imports.source import ImportSource
from eci_provider.operators import RetryKickoutsOperator
from eci_provider.sandbox import Sandbox
from tests.support.run_task import Finished, TaskInstanceDouble, Tries, run
from tests.support.sends import around_sends
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

ACCOUNTS = tuple(f"A-{number}" for number in range(1, 7))


class Analyst:
    """An analyst who corrects in EnergyCAP: before each retry is sent some more accounts get known."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox = sandbox
        self.corrections: Iterator[tuple[str, ...]] = iter(())
        #: The retries that EnergyCAP took, and which of them ends the process before it knows.
        self.sent: list[str] = []
        self.fatal = 0
        around_sends(monkeypatch, before=self._correct, after=self._note)

    def corrects(self, *corrections: tuple[str, ...]) -> None:
        self.corrections = iter(corrections)

    def _correct(self, source: ImportSource) -> None:
        for code in next(self.corrections, ()):
            self.sandbox.add_account(code)

    def _note(self, task_guid: str) -> None:
        self.sent.append(task_guid)
        if len(self.sent) == self.fatal:
            raise KeyboardInterrupt


@pytest.fixture
def analyst(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Analyst:
    """Return an analyst who corrects nothing yet."""
    return Analyst(sandbox, monkeypatch)


@pytest.fixture
def kicked_out(sandbox: Sandbox, tmp_path: Path) -> str:
    """Return an import all six of whose bills were kicked out."""
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.bill_imports.submit(bill_file(tmp_path, *ACCOUNTS))


def _task(guid: str, **arguments: Any) -> RetryKickoutsOperator:
    return RetryKickoutsOperator(task_id="retry", task_guid=guid, **arguments)


def _told(end: Finished, name: str) -> list[Any]:
    return [short[name] for short in end.result["rounds"]]


def _retries(sandbox: Sandbox) -> list[str]:
    """Return whose kickouts were retried, in order."""
    return [request.path.split("/")[-2] for request in sandbox.requests if request.path.endswith("/kickout")]


@pytest.mark.parametrize("deferrable", [False, True])
def test_rounds_go_on_while_they_bring_bills_in(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    sandbox.settings.delay = 60
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:3], (), ACCOUNTS[3:])

    end = run(_task(kicked_out, max_rounds=5, deferrable=deferrable))

    assert isinstance(end.error, errors.EciKickoutsError), end.error
    assert _told(end, "imported") == [2, 1, 0]
    assert _told(end, "kickouts") == [4, 3, 3]
    guids = _told(end, "task_guid")
    assert _retries(sandbox) == [kicked_out, *guids[:2]]
    assert end.result["task_guid"] == end.xcoms["task_guid"] == guids[2]
    assert (end.result["kickouts"], end.result["outcome"]) == (3, "completed_with_kickouts")
    assert len(end.deferrals) == (3 if deferrable else 0)
    assert sorted(bill["account"] for bill in sandbox.bills()) == list(ACCOUNTS[:3])


@pytest.mark.parametrize("deferrable", [False, True])
def test_rounds_end_when_nothing_is_kicked_out(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    sandbox.settings.delay = 60
    analyst.corrects(ACCOUNTS[:5], ACCOUNTS[5:])

    end = run(_task(kicked_out, max_rounds=5, deferrable=deferrable))

    assert end.state == "success", end.error
    assert _told(end, "outcome") == ["completed_with_kickouts", "completed"]
    assert (end.result["imported"], end.result["kickouts"]) == (1, 0)


def test_rounds_end_at_max_rounds(sandbox: Sandbox, kicked_out: str, analyst: Analyst) -> None:
    analyst.corrects(*((code,) for code in ACCOUNTS))

    end = run(_task(kicked_out, max_rounds=3, on_kickouts="warn"))

    assert _told(end, "imported") == [1, 1, 1]
    assert end.result["kickouts"] == 3


def test_one_round_is_all_without_max_rounds(sandbox: Sandbox, kicked_out: str, analyst: Analyst) -> None:
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:])
    end = run(_task(kicked_out, on_kickouts="warn"))

    assert _told(end, "imported") == [2]
    assert _retries(sandbox) == [kicked_out]


@pytest.mark.parametrize(("least", "rounds"), [(1, [2, 1, 0]), (2, [2, 1]), (3, [2])])
def test_a_round_that_brings_too_little_is_the_last(
    least: int, rounds: list[int], sandbox: Sandbox, kicked_out: str, analyst: Analyst
) -> None:
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:3])

    end = run(_task(kicked_out, max_rounds=9, min_progress=least, on_kickouts="warn"))

    assert _told(end, "imported") == rounds


def test_bills_that_were_voided_are_no_progress_where_the_next_round_cannot_join_them(
    sandbox: Sandbox, kicked_out: str, analyst: Analyst
) -> None:
    sandbox.settings.error_handling = "MarkBatchPending"
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:])

    end = run(_task(kicked_out, max_rounds=5, on_kickouts="warn"))

    assert (_told(end, "imported"), _told(end, "voided"), _told(end, "batch_status")) == ([0], [2], ["pending"])


def _pending_batch(client: EciClient, guid: str) -> dict[str, Any]:
    """Return the settings that retry an import's kickouts into its own batch, which kickouts have set Pending."""
    batch = client.tasks.get(guid).batch
    assert batch is not None
    return {"batch_mode": "use pending batch", "pending_batch_id": batch.batch_id}


def test_rounds_go_on_in_a_batch_that_is_pending(sandbox: Sandbox, tmp_path: Path, analyst: Analyst) -> None:
    sandbox.settings.error_handling = "MarkBatchPending"
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, *ACCOUNTS))
        settings = _pending_batch(client, guid)
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:])

    end = run(_task(guid, max_rounds=5, batch_settings=settings))

    assert end.state == "success", end.error
    assert (_told(end, "imported"), _told(end, "voided")) == ([0, 0], [2, 4])
    assert (end.result["imported"], end.result["batch_status"]) == (0, "pending")


def test_a_clear_after_the_rounds_sends_nothing_though_their_bills_count_by_now(
    sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    """What a round brought in is 0 while its batch is Pending, and more when somebody has opened it."""
    sandbox.settings.error_handling = "MarkBatchPending"
    analyst.corrects(ACCOUNTS[:2])
    tries = Tries(lambda: _task(kicked_out, max_rounds=3))
    first = tries.run()
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.update_status(first.result["batch_id"], "Open", note=None, leave_open_batches_as_is=True)
        for code in ACCOUNTS[2:]:
            sandbox.add_account(code)
        client.bill_imports.retry_kickouts(first.result["task_guid"])  # as the message says
    sent = _retries(sandbox)

    tries.clear()
    again = tries.run()

    assert isinstance(again.error, errors.EciKickoutsError)
    assert _told(again, "imported") == [2]
    assert _retries(sandbox) == sent
    assert sorted(bill["account"] for bill in sandbox.bills()) == list(ACCOUNTS)


@pytest.mark.parametrize("has_state", [False, True])
def test_a_round_that_was_sent_is_gone_on_with_whatever_the_one_before_is_worth_now(
    has_state: bool, sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    sandbox.settings.delay = 60
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:])
    analyst.fatal = 2
    tries = Tries(lambda: _task(kicked_out, max_rounds=3), has_state=has_state)
    with pytest.raises(KeyboardInterrupt):
        tries.run()
    sandbox.advance(120)
    for path in ("/api/v3/workflow/billImport", "/api/v3/batch/*"):
        sandbox.fault("GET", path, times=None, status=503)
    end = tries.run()

    assert end.state == "success", end.error
    assert _told(end, "task_guid") == analyst.sent
    assert sorted(bill["account"] for bill in sandbox.bills()) == list(ACCOUNTS)


def test_what_the_rounds_before_brought_in_is_told_when_the_next_one_is_refused(
    sandbox: Sandbox, kicked_out: str, analyst: Analyst
) -> None:
    sandbox.fault("POST", "/api/v202401/import/bill/task/*/kickout", skip=1, status=400)
    analyst.corrects(ACCOUNTS[:2])

    end = run(_task(kicked_out, max_rounds=3))

    assert isinstance(end.error, errors.EciBadRequestError)
    assert end.error.message.startswith("Round 2 of at most 3, after 2 bills in the rounds before: EnergyCAP did ")
    assert (_told(end, "imported"), end.result["kickouts"]) == ([2], 4)


def test_what_a_doubt_about_a_later_round_advises_imports_no_bill_again(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path, analyst: Analyst
) -> None:
    sandbox.settings.echo_notes = False
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, *ACCOUNTS))
        shared = {
            "batch_mode": "use existing batch",
            "existing_open_batch_id": client.batches.open("shared").batch_id,
        }
    changed: dict[str, Any] = {"guid": guid}
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:])
    tries = Tries(lambda: _task(max_rounds=2, batch_settings=shared, **changed))
    sandbox.fault("POST", "/api/v202401/import/bill/task/*/kickout", skip=1, drop="before")
    sandbox.fault("GET", "/api/v3/task", times=None, status=503)
    tries.run()
    sandbox.clear_faults()
    with EciClient(sandbox.url, sandbox.api_key) as client:  # somebody else's, of which no note tells that
        sandbox.add_account("S")
        client.bill_imports.submit(bill_file(tmp_path, "S"), batch_settings=shared)
    doubt = tries.run()

    assert isinstance(doubt.error, errors.EciUnknownOutcomeError)
    first = doubt.result["task_guid"]
    assert f"If none is, set task_guid to {first} and set reattach=False" in doubt.error.message

    changed.update(guid=first, reattach=False)
    tries.clear()
    end = tries.run()

    assert end.state == "success", end.error
    assert sorted(bill["account"] for bill in sandbox.bills()) == [*ACCOUNTS, "S"]


def test_imports_before_a_clear_leave_no_doubt_about_a_later_round(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path, analyst: Analyst
) -> None:
    sandbox.settings.echo_notes = False
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, *ACCOUNTS))
        batch_id = client.batches.open("shared").batch_id
    shared = {"batch_mode": "use existing batch", "existing_open_batch_id": batch_id}
    analyst.corrects(ACCOUNTS[:1], ACCOUNTS[1:2], ACCOUNTS[2:4])
    changed: dict[str, Any] = {"min_progress": 2}
    tries = Tries(lambda: _task(guid, max_rounds=2, batch_settings=shared, on_kickouts="warn", **changed))
    assert _told(tries.run(), "imported") == [1]

    changed["min_progress"] = 1
    tries.clear()
    end = tries.run()

    assert end.state == "success", end.error
    assert _told(end, "imported") == [2, 2]


@pytest.mark.parametrize("has_state", [False, True])
@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("lost_round", [1, 2, 3])
def test_a_try_that_dies_in_any_round_is_gone_on_with_there(
    lost_round: int,
    deferrable: bool,
    has_state: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    kicked_out: str,
    analyst: Analyst,
) -> None:
    """It dies once the request was taken: the GUID is not known, and the next try has to find the import."""
    sandbox.settings.delay = 60
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:4], ACCOUNTS[4:])
    analyst.fatal = lost_round
    tries = Tries(lambda: _task(kicked_out, max_rounds=5, deferrable=deferrable), has_state=has_state)
    with pytest.raises(KeyboardInterrupt):
        tries.run()
    end = tries.run()

    assert end.state == "success", end.error
    assert _told(end, "imported") == [2, 2, 2]
    assert _told(end, "task_guid") == analyst.sent
    assert _told(end, "reattached") == [number <= lost_round for number in (1, 2, 3)]
    assert sorted(bill["account"] for bill in sandbox.bills()) == list(ACCOUNTS)


def test_a_lost_answer_in_the_second_round_is_looked_for(
    sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    sandbox.fault("POST", "/api/v202401/import/bill/task/*/kickout", skip=1, drop="after")
    analyst.corrects(ACCOUNTS[:3], ACCOUNTS[3:])

    end = run(_task(kicked_out, max_rounds=2))

    assert end.state == "success", end.error
    assert _told(end, "imported") == [3, 3]
    assert len(sandbox.bills()) == 6


def test_a_task_that_is_cleared_after_its_success_makes_all_rounds_again(
    sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    analyst.corrects(ACCOUNTS[:3], ACCOUNTS[3:5])
    tries = Tries(lambda: _task(kicked_out, max_rounds=3, on_kickouts="warn"))
    first = tries.run()
    tries.clear()
    again = tries.run()

    assert (_told(first, "imported"), _told(again, "imported")) == ([3, 2, 0], [5, 0])
    assert _told(again, "reattached") == [False, False]
    assert not set(_told(first, "task_guid")) & set(_told(again, "task_guid"))
    # Nothing of the first time is looked for.
    assert turned_clock.slept == []


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_clear_that_discards_the_task_state_sends_no_round_again(
    deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    sandbox.settings.delay = 60
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:4], ACCOUNTS[4:])
    tries = Tries(lambda: _task(kicked_out, max_rounds=3, deferrable=deferrable))
    first = tries.run()
    assert first.state == "success", first.error
    tries.discard_state()
    tries.clear()

    again = tries.run()

    assert again.state == "success", again.error
    assert _told(again, "task_guid") == _told(first, "task_guid") == analyst.sent
    assert _told(again, "reattached") == [True, True, True]
    assert sorted(bill["account"] for bill in sandbox.bills()) == list(ACCOUNTS)


def test_a_clear_that_discards_the_task_state_starts_no_round_after_the_last(
    sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    analyst.corrects(ACCOUNTS[:2], (), ACCOUNTS[2:])
    tries = Tries(lambda: _task(kicked_out, max_rounds=3, on_kickouts="warn"))
    first = tries.run()
    assert _told(first, "imported") == [2, 0]
    tries.discard_state()
    tries.clear()

    again = tries.run()

    assert _told(again, "task_guid") == _told(first, "task_guid") == analyst.sent


def test_a_round_that_no_attempt_began_is_sent_without_a_search(
    sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    sandbox.settings.delay = 60
    analyst.corrects(ACCOUNTS[:2], ACCOUNTS[2:4], ACCOUNTS[4:])
    tries = Tries(lambda: _task(kicked_out, max_rounds=3))
    turned_clock.fatal = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        tries.run()
    turned_clock.fatal = None

    end = tries.run()

    assert end.state == "success", end.error
    assert _told(end, "reattached") == [True, False, False]
    assert turned_clock.slept.count(15.0) == 0


def test_a_trigger_that_died_leaves_the_round_where_it_was(
    sandbox: Sandbox, turned_clock: TurnedClock, kicked_out: str, analyst: Analyst
) -> None:
    analyst.corrects(ACCOUNTS[:3])
    ended = run(_task(kicked_out, max_rounds=2, on_kickouts="warn"))
    first, second = _told(ended, "task_guid")
    task = _task(kicked_out, max_rounds=2, on_kickouts="warn")
    double = TaskInstanceDouble(task, xcoms={"task_guid": second, "rounds": ended.result["rounds"][:1]})

    resumed = task.resume_execution("__fail__", {"error": "Trigger failure"}, {"ti": double, "task": task})

    assert [short["task_guid"] for short in resumed["rounds"]] == [first, second]
    assert len(_retries(sandbox)) == 2


def test_the_result_of_ten_rounds_fits_into_an_xcom(sandbox: Sandbox, tmp_path: Path, analyst: Analyst) -> None:
    sandbox.settings.statuses = {"kickouts": "Completed with kickouts"}
    accounts = tuple(f"\N{SNOWMAN}{number}" * 8 for number in range(10))
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(tmp_path, *accounts, "never"))
    analyst.corrects(*((code,) for code in accounts))

    end = run(_task(guid, max_rounds=10, on_kickouts="warn"))

    assert _told(end, "imported") == [1] * 10
    assert len(json.dumps(end.result)) < 16 * 1024


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"max_rounds": 0}, "max_rounds is 0: must be a whole number from 1 to 10"),
        ({"max_rounds": 11}, "max_rounds is 11: must be a whole number from 1 to 10"),
        ({"max_rounds": True}, "max_rounds is True"),
        ({"min_progress": 0}, "min_progress is 0: must be a whole number of at least 1"),
        ({"min_progress": 1.5}, "min_progress is 1.5"),
        (
            {"max_rounds": 2, "batch_settings": {"batchMode": "new batch", "newBatchCode": "{{ ds }}"}},
            "names new_batch_code '{{ ds }}' for a 'new batch'",
        ),
        ({"max_rounds": 2, "wait_for_completion": False}, "wait_for_completion is False, and max_rounds is 2"),
    ],
)
def test_rounds_that_cannot_be_are_refused_when_the_dag_is_parsed(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(errors.EciValidationError) as caught:
        RetryKickoutsOperator(task_id="retry", task_guid="{{ guid }}", **arguments)
    assert problem in str(caught.value)


def test_a_new_batch_of_a_rendered_mode_is_refused_before_anything_is_sent(
    sandbox: Sandbox, kicked_out: str
) -> None:
    settings = {"batch_mode": "{{ params.mode }}", "new_batch_code": "2026-03"}

    end = run(_task(kicked_out, max_rounds=2, batch_settings=settings), params={"mode": "new batch"})

    assert isinstance(end.error, errors.EciValidationError)
    assert _retries(sandbox) == []
