"""The judge of the storm finds duplicates, losses and wrong states."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.storm.plan import BillFile, Plan
from dev.storm.verdict import Judge, Result, check_results, files_with_key
from eci_provider.api import EciClient
from eci_provider.sandbox import Sandbox

# Its runs: one batch with kickouts, own batches, one batch, and one batch that must fail because of kickouts.
PLAN = Plan(seed=32, runs=4, files=2)
STRICT = 3


@pytest.fixture
def energycap() -> Iterator[Sandbox]:
    """Serve a sandbox that knows the plan's accounts, and whose imports take no time."""
    with Sandbox() as sandbox:
        for file in PLAN.every_file:
            for account, _ in file.bills:
                sandbox.add_account(account)
        yield sandbox


@pytest.fixture
def client(energycap: Sandbox) -> Iterator[EciClient]:
    """Client of that sandbox."""
    with EciClient(energycap.url, energycap.api_key) as client:
        yield client


def send(client: EciClient, file: BillFile, folder: Path, **batch: Any) -> None:
    file.write(folder)
    settings = batch or {"batch_mode": "new self-contained batch"}
    client.bill_imports.submit(folder / file.name, batch_settings=settings)


def send_everything(client: EciClient, folder: Path) -> None:
    for run in PLAN.planned:
        batch = None if run.own_batches else client.batches.open(batch_code=run.run_id).batch_id
        for file in run.files:
            if batch is None:
                send(client, file, folder)
            else:
                send(client, file, folder, batch_mode="use existing batch", existing_open_batch_id=batch)
        if batch is not None and run.expected_state() == "success":
            client.batches.update_status(batch, batch_status="Closed")


def task_of(number: int, place: int, state: str = "success", **more: Any) -> dict[str, Any]:
    run = PLAN.planned[number]
    facts = {"task_id": "import_bills", "map_index": place, "state": state, "try_number": 1, **more}
    return {"dag_id": run.dag_id, "dag_run_id": run.run_id, **facts}


def write_log(logs: Path, task: dict[str, Any], text: str) -> None:
    place = (
        f"dag_id={task['dag_id']}/run_id={task['dag_run_id']}/task_id=import_bills/map_index={task['map_index']}"
    )
    log = logs / place / f"attempt={task['try_number']}.log"
    log.parent.mkdir(parents=True)
    log.write_text(text)


def judged(
    energycap: Sandbox, logs: Path, *tasks: dict[str, Any], doubled: dict[str, int] | None = None, **states: str
) -> Result:
    runs = [
        {"dag_run_id": run.run_id, "state": states.get(f"run_{run.number}", run.expected_state())}
        for run in PLAN.planned
    ]
    found = Result()
    Judge(PLAN, energycap, list(tasks), runs, logs, found, doubled=doubled).judge()
    return found


def test_nothing_is_wrong_when_everything_was_imported_once(
    energycap: Sandbox, client: EciClient, tmp_path: Path
) -> None:
    send_everything(client, tmp_path)
    found = judged(energycap, tmp_path, task_of(0, 0), task_of(0, 1, try_number=3))
    assert found.wrong == []
    assert (found.imports, found.retries) == (len(PLAN.every_file), 2)


def test_an_import_made_twice_is_seen_bill_by_bill(energycap: Sandbox, client: EciClient, tmp_path: Path) -> None:
    send_everything(client, tmp_path)
    twice = next(file for file in PLAN.every_file if file.kickouts)
    send(client, twice, tmp_path)
    found = judged(energycap, tmp_path)
    assert found.duplicates == len(twice.bills) + len(twice.kickouts)
    assert any(text.startswith("there are ") for text in found.wrong)


@pytest.mark.parametrize("is_doubled", [True, False])
@pytest.mark.parametrize("named", ["both", "one", "none"])
def test_a_doubled_import_is_right_only_if_its_task_failed_and_named_both(
    energycap: Sandbox, client: EciClient, tmp_path: Path, named: str, is_doubled: bool
) -> None:
    send_everything(client, tmp_path)
    file = PLAN.planned[STRICT].files[0]
    (batch,) = {task["batch_id"] for task in energycap.tasks() if task["file_name"] == file.name}
    send(client, file, tmp_path, batch_mode="use existing batch", existing_open_batch_id=batch)
    guids = [task["task_guid"] for task in energycap.tasks() if task["file_name"] == file.name]
    failed = task_of(STRICT, 0, "failed")
    shown = {"both": guids, "one": guids[:1], "none": []}[named]
    write_log(tmp_path, failed, f"EciUnknownOutcomeError: several imports: {shown}")

    found = judged(energycap, tmp_path, failed, doubled={file.name: 1} if is_doubled else {})

    is_right = named == "both" and is_doubled
    assert (found.twins, found.duplicates == 0, found.wrong == []) == (int(is_right), is_right, is_right)
    assert len(guids) == 2


def test_an_import_that_was_never_made_is_a_loss(energycap: Sandbox, tmp_path: Path) -> None:
    found = judged(energycap, tmp_path)
    assert found.losses == sum(len(file.outcomes) for file in PLAN.every_file)


def test_a_task_with_an_unknown_outcome_is_counted_and_its_bills_may_be_missing(
    energycap: Sandbox, client: EciClient, tmp_path: Path
) -> None:
    send_everything(client, tmp_path)
    run = PLAN.planned[0]
    batch = next(batch for batch in energycap.batches() if batch["batch_code"] == run.run_id)
    client.batches.delete(batch["batch_id"])
    failed = task_of(0, 0, "failed", try_number=5)
    write_log(tmp_path, failed, "EciUnknownOutcomeError: the outcome is unknown")
    found = judged(energycap, tmp_path, failed, run_0="failed")
    assert (found.unknown_tasks, found.unknown_attempts) == (1, 1)
    # The bills of the run's other file must not be missing. Kickouts belong to the import and stay without the
    # batch.
    assert found.losses == len(run.files[1].bills)


@pytest.mark.parametrize("state", ["running", "deferred", "queued", "up_for_retry", None])
def test_a_task_that_has_not_ended_is_wrong(
    energycap: Sandbox, client: EciClient, tmp_path: Path, state: str | None
) -> None:
    send_everything(client, tmp_path)
    found = judged(energycap, tmp_path, task_of(1, 0) | {"state": state})
    assert found.waiting == 1
    assert found.wrong == [f"storm-001 import_bills[0] has not ended: {state}"]


def test_a_run_that_failed_without_a_reason_is_wrong(
    energycap: Sandbox, client: EciClient, tmp_path: Path
) -> None:
    send_everything(client, tmp_path)
    found = judged(energycap, tmp_path, task_of(2, 1, "failed"), run_2="failed")
    assert [text.split(" (")[0] for text in found.wrong] == [
        "storm-002 import_bills[1] failed in attempt 1",
        "storm-002",
    ]


def test_a_run_whose_kickouts_must_fail_it_is_wrong_when_it_succeeds_or_fails_for_another_reason(
    energycap: Sandbox, client: EciClient, tmp_path: Path
) -> None:
    send_everything(client, tmp_path)
    place = next(place for place, file in enumerate(PLAN.planned[STRICT].files) if file.kickouts)
    failed = task_of(STRICT, place, "failed")
    assert judged(energycap, tmp_path, failed).wrong == [f"storm-003 import_bills[{place}] failed in attempt 1"]
    write_log(tmp_path, failed, "EciKickoutsError: rows were kicked out")
    assert judged(energycap, tmp_path, failed).wrong == []
    found = judged(energycap, tmp_path, task_of(STRICT, place), run_3="success")
    assert [text.split(" (")[0] for text in found.wrong] == [
        f"storm-003 import_bills[{place}] succeeded but must fail",
        "storm-003",
    ]


def test_the_batch_of_a_run_that_failed_must_not_be_closed(
    energycap: Sandbox, client: EciClient, tmp_path: Path
) -> None:
    send_everything(client, tmp_path)
    left = next(batch for batch in energycap.batches() if batch["batch_code"] == "storm-003")
    client.batches.update_status(left["batch_id"], batch_status="Closed")
    found = judged(energycap, tmp_path)
    assert found.wrong == ["storm-003 must have one batch that is Open, but has: ['Closed']"]


def test_a_batch_left_open_is_wrong(energycap: Sandbox, client: EciClient, tmp_path: Path) -> None:
    send_everything(client, tmp_path)
    client.batches.open(batch_code="opened twice")
    found = judged(energycap, tmp_path)
    assert found.wrong == [
        f"there are {len(energycap.batches())} batches instead of {len(energycap.batches()) - 1}"
    ]


def test_a_result_that_does_not_fit_the_file_is_wrong() -> None:
    file = PLAN.planned[0].files[0]
    fitting = {
        "outcome": "completed_with_kickouts" if file.kickouts else "completed",
        "imported": len(file.bills),
        "kickouts": len(file.kickouts),
        "reattached": True,
    }
    found = Result()
    check_results(PLAN, {("storm-000", 0): fitting}, found)
    assert (found.wrong, found.reattached) == ([], 1)
    check_results(PLAN, {("storm-000", 0): fitting | {"imported": 0}, ("storm-001", 0): None}, found)
    assert len(found.wrong) == 2


def test_the_key_is_found_in_any_file_but_energycaps_own(tmp_path: Path) -> None:
    energycap = tmp_path / "energycap"
    log = tmp_path / "logs" / "deep" / "task.log"
    for path in (energycap / "sandbox.db", log):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"...the-key...")
    assert files_with_key(tmp_path, "the-key", without=energycap) == [log]
