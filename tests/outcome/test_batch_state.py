"""Whether an import's bills count is asked at its end, however little EnergyCAP tells of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from eci_provider.api import EciClient, errors
from eci_provider.operators import ImportBillsOperator
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.support.run_task import Finished, Tries, run
from tests.support.turned_clock import TurnedClock, connect
from tests.support.waiting_tasks import KINDS as WAITING
from tests.support.waiting_tasks import bill_file, waiting_task

TASK = "/api/v3/task/*"
BATCH = "/api/v3/batch/*"
SETTINGS = "/api/v3/workflow/billImport"
OPEN = {"batchCode": "2026-01", "batchStatus": "open", "isOpen": True}
MODES = pytest.mark.parametrize("deferrable", [False, True])
KINDS = pytest.mark.parametrize("kind", ["adopting", "sensor"])


def _ended(sandbox: Sandbox, folder: Path, *accounts: str) -> tuple[str, int]:
    """Return an import of bills for the known account A-1, and whatever else, that has ended, and its batch."""
    sandbox.add_account("A-1")
    with EciClient(sandbox.url, sandbox.api_key) as client:
        guid = client.bill_imports.submit(bill_file(folder, *accounts))
        batch = client.tasks.get(guid).batch
    assert batch is not None
    assert batch.batch_id is not None
    return guid, batch.batch_id


def _task(kind: str, folder: Path, guid: str, **arguments: Any) -> BaseOperator:
    """Return a task that judges an import which somebody else made."""
    if kind == "sensor":
        return EciTaskSensor(task_id="judges", task_guid=guid, **arguments)
    path = bill_file(folder, "A-1")
    return ImportBillsOperator(task_id="judges", file=str(path), adopt_task_guid=guid, **arguments)


def _shown(sandbox: Sandbox, guid: str) -> dict[str, Any]:
    """Return what EnergyCAP shows of an import."""
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.tasks.get(guid).model_dump(mode="json", by_alias=True)


def _show(sandbox: Sandbox, shown: dict[str, Any], *, times: int | None = None) -> None:
    """Answer each read of an import with this, a number of times or always."""
    sandbox.fault("GET", TASK, times=times, status=200, body=shown)


def _batch_facts(end: Finished) -> list[Any]:
    return [end.result[name] for name in ("imported", "voided", "batch_status")]


def _uncounted(sandbox: Sandbox, guid: str, **facts: Any) -> None:
    """Let EnergyCAP tell no ``currentSuccessCount``."""
    _show(sandbox, {**_shown(sandbox, guid), "currentSuccessCount": None, **facts})


@MODES
@KINDS
@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        ("Completed", "success", "no bill counts. Batch {code!r} is Pending: all bills of this import are void"),
        ("Completed with kickouts", "failed", "all bills of this import are void"),
        ("Failed", "failed", "all bills of this import are void"),
    ],
)
def test_bills_that_are_not_counted_are_void_in_a_pending_batch(
    status: str,
    state: str,
    said: str,
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    guid, batch_id = _ended(sandbox, tmp_path, "A-1")
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.update_status(batch_id, "Pending")
    _uncounted(sandbox, guid, status=status)

    end = run(_task(kind, tmp_path, guid, deferrable=deferrable, max_kickouts=5))

    assert end.state == state, end.error
    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == [0, None, "pending"]
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    said = said.format(code=end.result["batch_code"])
    assert said in str(end.error) if end.error else any(said in text for text in told)
    assert end.error is None or (isinstance(end.error, errors.EciOutcomeError) and end.is_final)


@KINDS
def test_bills_that_are_not_counted_are_not_called_void_in_an_open_batch(
    kind: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    guid, _ = _ended(sandbox, tmp_path, "A-1")
    _uncounted(sandbox, guid)

    end = run(_task(kind, tmp_path, guid))

    assert end.state == "success", end.error
    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == [None, 0, "open"]


@MODES
@KINDS
@pytest.mark.parametrize("on_kickouts", ["fail", "warn", "skip"])
@pytest.mark.parametrize("accounts", [("A-1",), ("A-1", "A-2")])
@pytest.mark.parametrize("when", ["long ago", "just now"])
def test_bills_that_were_deleted_with_their_batch_are_not_called_imported(
    when: str,
    accounts: tuple[str, ...],
    on_kickouts: str,
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
) -> None:
    guid, batch_id = _ended(sandbox, tmp_path, *accounts)
    shown = _shown(sandbox, guid)
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.delete(batch_id)
    if when == "long ago":
        shown["currentSuccessCount"] = 0  # only bills that still exist are counted
    _show(sandbox, shown, times=None if when == "long ago" else 1)

    end = run(_task(kind, tmp_path, guid, deferrable=deferrable, on_kickouts=on_kickouts))

    assert isinstance(end.error, errors.EciRemovedError), end.error
    assert end.is_final
    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == [0, 0, "deleted"]
    code = end.result["batch_code"]
    assert f"Import {guid} ended as {shown['status']!r}: no bill of it is in EnergyCAP" in str(end.error)
    assert f"EnergyCAP does not know batch {code!r} any more: it was deleted" in str(end.error)
    assert "set reattach=False" in str(end.error)


@MODES
@KINDS
def test_a_batch_that_reads_show_late_is_read_again(
    kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.batch_lag = 10
    guid, _ = _ended(sandbox, tmp_path, "A-1")

    end = run(_task(kind, tmp_path, guid, deferrable=deferrable))

    assert end.state == "success", end.error
    assert _batch_facts(end) == [1, 0, "open"]
    assert turned_clock.slept[-1] == 15


@MODES
@KINDS
@pytest.mark.parametrize("age", [0, 86400])
def test_a_batch_that_only_a_list_shows_is_taken_from_there(
    age: float, kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    guid, _ = _ended(sandbox, tmp_path, "A-1")
    turned_clock.sleep(age)
    sandbox.fault("GET", BATCH, times=None, status=404)

    end = run(_task(kind, tmp_path, guid, deferrable=deferrable))

    assert end.state == "success", end.error
    assert _batch_facts(end) == [1, 0, "open"]
    assert (15.0 in turned_clock.slept) is (age == 0)


@MODES
@KINDS
@pytest.mark.parametrize("count", [1, None])
@pytest.mark.parametrize("listed", [{"status": 200, "body": []}, {"status": 403}, {"status": 404}], ids=str)
def test_bills_that_the_task_counts_are_never_called_deleted(
    listed: dict[str, Any],
    count: int | None,
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    guid, batch_id = _ended(sandbox, tmp_path, "A-1")
    _show(sandbox, {**_shown(sandbox, guid), "currentSuccessCount": count})
    sandbox.fault("GET", BATCH, times=None, status=404)
    sandbox.fault("GET", "/api/v3/batch", times=None, **listed)

    end = run(_task(kind, tmp_path, guid, deferrable=deferrable))

    assert end.state == "success", end.error
    assert _batch_facts(end) == [None, None, None]
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any(f"Cannot read batch {batch_id} of import {guid}" in text for text in warned)
    assert any("whether its bills count is not known. No batch of it can be read." in text for text in warned)


def test_a_code_that_no_filter_can_express_is_not_searched_for(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.fault("GET", BATCH, times=None, status=404)
    settings = {"batch_mode": "new batch", "new_batch_code": "O'Hara"}

    end = run(
        ImportBillsOperator(task_id="imports", file=str(bill_file(tmp_path, "A-1")), batch_settings=settings)
    )

    assert end.state == "success", end.error
    assert _batch_facts(end) == [None, None, None]


@KINDS
def test_a_404_after_the_batch_was_read_does_not_say_that_it_is_gone(
    kind: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    """The first read is before EnergyCAP sets the batch Pending for the kickouts."""
    sandbox.settings.error_handling = "MarkBatchPending"
    guid, batch_id = _ended(sandbox, tmp_path, "A-1", "A-2")
    sandbox.fault("GET", BATCH, times=1, status=200, body={**OPEN, "batchId": batch_id})
    sandbox.fault("GET", BATCH, times=1, status=404)

    end = run(_task(kind, tmp_path, guid, on_kickouts="warn"))

    assert end.state == "success", end.error
    assert _batch_facts(end) == [0, 1, "pending"]


@MODES
@KINDS
def test_an_import_that_shows_neither_bills_nor_a_batch_at_its_end_is_read_again(
    kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    guid, _ = _ended(sandbox, tmp_path, "A-1")
    _show(sandbox, {**_shown(sandbox, guid), "batch": None, "currentSuccessCount": 0}, times=1)

    end = run(_task(kind, tmp_path, guid, deferrable=deferrable))

    assert end.state == "success", end.error
    assert _batch_facts(end) == [1, 0, "open"]


@MODES
@pytest.mark.parametrize("on_kill", ["detach", "void_batch"])
def test_a_clear_finds_its_batch_deleted_and_says_how_to_import_again(
    on_kill: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    """Below Airflow 3.3, where a clear takes up what an earlier try imported."""
    sandbox.add_account("A-1")
    arguments = {"file": str(bill_file(tmp_path, "A-1")), "deferrable": deferrable, "on_kill": on_kill}
    tries = Tries(lambda: ImportBillsOperator(task_id="imports", **arguments), has_state=False)
    first = tries.run()
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.delete(first.result["batch_id"])
    tries.clear()

    for cleared in (tries.run(), tries.run()):
        assert isinstance(cleared.error, errors.EciRemovedError), cleared.error
        assert "It names no batch: that was deleted, and its bills with it." in str(cleared.error)
        assert (cleared.result["task_guid"], cleared.is_final) == (first.result["task_guid"], True)
    assert sandbox.bills() == []

    arguments["reattach"] = False
    assert tries.run().state == "success"
    assert len(sandbox.bills()) == 1


@KINDS
def test_an_import_of_no_bills_succeeds_in_the_batch_that_it_names(
    kind: str, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    guid, _ = _ended(sandbox, tmp_path)

    end = run(_task(kind, tmp_path, guid))

    assert end.state == "success", end.error
    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == [0, 0, "open"]


@KINDS
@pytest.mark.parametrize(("literals", "state"), [(None, "failed"), (["completed"], "success")])
def test_an_import_of_no_bills_that_never_had_a_batch_succeeds_where_its_status_is_named(
    literals: list[str] | None,
    state: str,
    kind: str,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
) -> None:
    guid, _ = _ended(sandbox, tmp_path)
    _show(sandbox, {**_shown(sandbox, guid), "batch": None})

    end = run(_task(kind, tmp_path, guid, success_statuses=literals))

    assert end.state == state, end.error
    assert isinstance(end.error, errors.EciRemovedError) is (state == "failed")
    assert end.error is None or "add the status to success_statuses" in str(end.error)


def _batch_looks(sandbox: Sandbox) -> int:
    return len([request for request in sandbox.requests if request.path.startswith("/api/v3/batch/")])


@MODES
@pytest.mark.parametrize("kind", WAITING)
@pytest.mark.parametrize("readable", [True, False])
def test_a_batch_that_energycap_sets_pending_a_moment_after_the_end_is_looked_at_again(
    readable: bool, kind: str, deferrable: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.settings.error_handling = "MarkBatchPending"
    task = waiting_task(kind, sandbox, tmp_path, deferrable=deferrable, good=False, max_kickouts=5)
    batch_id = 2 if kind == "retry" else 1  # the batch of the import whose kickouts are retried is the first one
    sandbox.fault("GET", BATCH, times=1, status=200, body={**OPEN, "batchId": batch_id})
    if not readable:
        sandbox.fault("GET", SETTINGS, times=None, status=403)

    end = run(task)

    assert isinstance(end.error, errors.EciKickoutsError), end.error
    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == [0, 1, "pending"]
    assert 0 < turned_clock.slept[-1] <= 15


@KINDS
@pytest.mark.parametrize(
    ("passed", "zone", "settle_time", "pause"),
    [
        (0, "Z", 15, 15),
        (5, "Z", 15, 10),
        (15, "Z", 15, None),
        (15, "Z", 40, 25),
        (0, "Z", 0, None),
        (3600, "Z", 15, None),
        # Which zone it is in is not known.
        (3600, "", 15, 15),
        (27 * 3600, "", 15, None),
    ],
)
def test_an_open_batch_is_believed_once_the_end_has_had_its_time_to_take_effect(
    passed: float,
    zone: str,
    settle_time: float,
    pause: float | None,
    kind: str,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An analyst has opened it again."""
    connect(monkeypatch, sandbox.url, sandbox.api_key, settle_time=settle_time)
    sandbox.settings.error_handling = "MarkBatchPending"
    guid, batch_id = _ended(sandbox, tmp_path, "A-1", "A-2")
    with EciClient(sandbox.url, sandbox.api_key) as client:
        client.batches.update_status(batch_id, "Open")
    shown = _shown(sandbox, guid)
    shown["endDate"] = f"{shown['endDate'].rstrip('Z')}{zone}"
    _show(sandbox, shown)
    turned_clock.sleep(passed)
    sandbox.clear_requests()

    end = run(_task(kind, tmp_path, guid, on_kickouts="warn"))

    assert end.state == "success", end.error
    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == [1, 0, "open"]
    assert turned_clock.slept[1:] == ([] if pause is None else [pause])
    assert _batch_looks(sandbox) == (1 if pause is None else 2)


@pytest.mark.parametrize(
    ("handling", "accounts"), [("ProcessValidBills", ("A-1", "A-2")), ("MarkBatchPending", ("A-1",))]
)
def test_a_batch_that_nothing_sets_pending_is_looked_at_once(
    handling: str, accounts: tuple[str, ...], sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.error_handling = handling
    path = bill_file(tmp_path, *accounts)

    end = run(ImportBillsOperator(task_id="imports", file=str(path), on_kickouts="warn"))

    assert (end.result["imported"], end.result["batch_status"]) == (1, "open")
    assert turned_clock.slept == []
    assert _batch_looks(sandbox) == 1
