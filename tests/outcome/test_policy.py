"""What kickouts make of a task: how many are tolerated, and whether the bills beside them count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.api.tasks import TaskResponse
from eci_provider.operators import ImportBillsOperator, OpenBatchOperator, UpdateBatchStatusOperator
from eci_provider.outcome.batch_state import BatchState
from eci_provider.outcome.policy import is_tolerated
from eci_provider.outcome.result import ImportResult, KickoutDigest
from eci_provider.sandbox import Sandbox
from eci_provider.sensors import EciTaskSensor
from tests.support.run_task import Finished, Tries, run
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import KINDS, bill_file, waiting_task

SETTINGS = "/api/v3/workflow/billImport"


def _import(folder: Path, *accounts: str, **arguments: Any) -> ImportBillsOperator:
    return ImportBillsOperator(task_id="import_bills", file=str(bill_file(folder, *accounts)), **arguments)


def _submits(sandbox: Sandbox) -> int:
    return len([request for request in sandbox.requests if request.method == "POST"])


def _one_of_two(kind: str, sandbox: Sandbox, folder: Path, **arguments: Any) -> Finished:
    """Run a task one of whose two bills is kicked out."""
    return run(waiting_task(kind, sandbox, folder, good=False, **arguments))


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("allowed", "state"),
    [(0, "failed"), (1, "success"), (2, "success"), (0.49, "failed"), (0.5, "success"), (None, "failed")],
)
def test_kickouts_up_to_max_kickouts_are_a_warning(
    allowed: float | None,
    state: str,
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    end = _one_of_two(kind, sandbox, tmp_path, deferrable=deferrable, max_kickouts=allowed)

    assert end.state == state, end.error
    assert (end.result["imported"], end.result["kickouts"]) == (1, 1)
    warned = [record for record in caplog.records if f"max_kickouts={allowed!r}" in record.getMessage()]
    assert [record.levelname for record in warned] == (["WARNING"] if state == "success" else [])
    assert state == "success" or isinstance(end.error, errors.EciKickoutsError)


@pytest.mark.parametrize(
    ("text", "state"),
    [("1", "success"), ("0", "failed"), ("0.5", "success"), (".49", "failed"), ("None", "failed"), ("", "failed")],
)
def test_max_kickouts_may_be_a_template(text: str, state: str, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")

    end = run(_import(tmp_path, "A-1", "A-2", max_kickouts="{{ params.allowed }}"), params={"allowed": text})

    assert end.state == state, end.error
    assert end.result["kickouts"] == 1


@pytest.mark.parametrize("value", [-1, 1.0, 1.5, -0.1, True, "2%", "many", [1]])
def test_a_max_kickouts_that_is_none_is_refused_when_the_dag_is_parsed(value: Any, tmp_path: Path) -> None:
    for make in (
        lambda: _import(tmp_path, "A-1", max_kickouts=value),
        lambda: EciTaskSensor(task_id="wait", task_guid="{{ guid }}", max_kickouts=value),
    ):
        with pytest.raises(
            errors.EciValidationError, match=r"max_kickouts is .*a whole number of rows, or a share"
        ):
            make()


def test_a_rendered_max_kickouts_that_is_none_is_refused_before_anything_is_sent(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    end = run(_import(tmp_path, "A-1", max_kickouts="{{ params.allowed }}"), params={"allowed": "two"})

    assert isinstance(end.error, errors.EciValidationError)
    assert "max_kickouts is 'two'" in str(end.error)
    assert _submits(sandbox) == 0


@pytest.mark.parametrize("has_state", [False, True])
def test_a_kickout_failure_is_never_sent_again_by_a_retry(
    has_state: bool, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    """Airflow makes no retry of it; should one run all the same, it finds the import that there is."""
    tries = Tries(lambda: _import(tmp_path, "A-1"), has_state=has_state)

    first, second = tries.run(), tries.run()

    assert first.is_final
    assert isinstance(second.error, errors.EciKickoutsError)
    assert second.result["reattached"] is True
    assert first.result["task_guid"] == second.result["task_guid"]
    assert _submits(sandbox) == 1


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_bills_that_kickouts_voided_are_not_called_imported(
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="eci_provider")
    sandbox.settings.error_handling = "MarkBatchPending"

    end = _one_of_two(kind, sandbox, tmp_path, deferrable=deferrable, on_kickouts="warn")

    assert end.state == "success", end.error
    facts = ("imported", "voided", "kickouts", "batch_status")
    assert [end.result[name] for name in facts] == [0, 1, 1, "pending"]
    assert all(bill["voided"] for bill in sandbox.bills())
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any("no bill counts" in text and "MarkBatchPending" in text for text in told)
    assert len([request for request in sandbox.requests if request.path == SETTINGS]) == 1


@pytest.mark.parametrize("delay", [0, 60])
@pytest.mark.parametrize("handling", ["ProcessValidBills", "MarkBatchPending"])
def test_without_waiting_no_bill_is_called_imported(
    handling: str, delay: int, sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.error_handling, sandbox.settings.delay = handling, delay
    tries = Tries(lambda: _import(tmp_path, "A-1", "A-2", wait_for_completion=False), has_state=False)

    fresh = tries.run()
    turned_clock.sleep(100)
    reattached = tries.run()

    assert [end.result["reattached"] for end in (fresh, reattached)] == [False, True]
    facts = ("outcome", "imported", "voided", "batch_status")
    for end in (fresh, reattached):
        assert end.state == "success", end.error
        assert [end.result[name] for name in facts] == [None, None, None, None]
    assert _submits(sandbox) == 1


def test_kickouts_that_void_the_other_bills_are_not_tolerated(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.error_handling = "MarkBatchPending"

    end = run(_import(tmp_path, "A-1", "A-2", max_kickouts=10))

    assert isinstance(end.error, errors.EciKickoutsError)
    assert "1 bills of this import are void until it is opened" in str(end.error)


def test_bills_count_again_once_their_batch_is_opened(
    sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.error_handling = "MarkBatchPending"
    tries = Tries(lambda: _import(tmp_path, "A-1", "A-2", on_kickouts="warn"))
    voided = tries.run().result
    run(UpdateBatchStatusOperator(task_id="open", batch_id=voided["batch_id"], batch_status="Open"))

    with EciClient(sandbox.url, sandbox.api_key):
        end = run(EciTaskSensor(task_id="wait", task_guid=voided["task_guid"], on_kickouts="warn"))

    assert (end.result["imported"], end.result["voided"], end.result["batch_status"]) == (1, 0, "open")


@pytest.mark.parametrize("handling", ["ProcessValidBills", "MarkBatchPending"])
def test_without_kickouts_nothing_is_asked_about_them(handling: str, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.error_handling = handling

    end = run(_import(tmp_path, "A-1"))

    assert (end.result["imported"], end.result["voided"], end.result["batch_status"]) == (1, 0, "open")
    assert [request.path for request in sandbox.requests if request.path == SETTINGS] == []


def test_bills_that_another_imports_kickouts_voided_are_not_called_imported(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.add_account("A-1")
    sandbox.add_account("A-3")
    sandbox.settings.error_handling = "MarkBatchPending"
    shared = {"batch_mode": "smart batch", "new_batch_code": "2026-01"}
    run(_import(tmp_path, "A-1", "A-2", batch_settings=shared, on_kickouts="warn"))

    end = run(_import(tmp_path, "A-3", batch_settings=shared))

    assert end.state == "success", end.error
    facts = ("outcome", "imported", "voided", "batch_status")
    assert [end.result[name] for name in facts] == ["completed", 0, 1, "pending"]
    assert [bill["voided"] for bill in sandbox.bills()] == [True, True]
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any("no bill counts. Batch '2026-01' is Pending: the 1 bills" in text for text in warned)


def test_an_import_without_kickouts_counts_where_its_batch_cannot_be_read(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.fault("GET", "/api/v3/batch/*", times=None, status=403)

    end = run(_import(tmp_path, "A-1"))

    assert (end.result["imported"], end.result["voided"], end.result["batch_status"]) == (1, 0, None)


@pytest.mark.parametrize("handling", ["ProcessValidBills", "MarkBatchPending"])
@pytest.mark.parametrize(("most", "state"), [(1, "success"), (0.5, "success"), (0.3, "failed"), (0, "failed")])
def test_few_kickouts_are_tolerated_in_a_batch_that_is_pending_on_purpose(
    most: float, state: str, handling: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.error_handling = handling
    opened = run(OpenBatchOperator(task_id="open", batch_code="2026-01")).result["batch_id"]
    run(UpdateBatchStatusOperator(task_id="pend", batch_id=opened, batch_status="Pending"))
    pending = {"batch_mode": "use pending batch", "pending_batch_id": opened}

    end = run(_import(tmp_path, "A-1", "A-2", batch_settings=pending, max_kickouts=most))

    assert end.state == state, end.error
    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == [0, 1, "pending"]


def test_with_process_valid_bills_the_other_bills_count(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_account("A-1")

    end = run(_import(tmp_path, "A-1", "A-2", on_kickouts="warn"))

    assert (end.result["imported"], end.result["voided"], end.result["batch_status"]) == (1, 0, "open")


@pytest.mark.parametrize(
    ("unreadable", "handling", "expected"),
    [
        ((SETTINGS,), "MarkBatchPending", [0, 1, "pending"]),
        ((SETTINGS,), "ProcessValidBills", [1, 0, "open"]),
        (("/api/v3/batch/*",), "ProcessValidBills", [1, 0, None]),
        (("/api/v3/batch/*",), "MarkBatchPending", [None, None, None]),
        ((SETTINGS, "/api/v3/batch/*"), "ProcessValidBills", [None, None, None]),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_good(
    unreadable: tuple[str, ...],
    handling: str,
    expected: list[Any],
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
) -> None:
    sandbox.add_account("A-1")
    sandbox.settings.error_handling = handling
    for path in unreadable:
        sandbox.fault("GET", path, times=None, status=403)

    end = run(_import(tmp_path, "A-1", "A-2", max_kickouts=10))

    assert [end.result[name] for name in ("imported", "voided", "batch_status")] == expected
    assert end.state == ("success" if expected[0] else "failed"), end.error
    if expected[0] is None:
        assert "whether its bills count is not known" in str(end.error)


@pytest.mark.parametrize("bills", [None, 2**64])
def test_kickouts_beside_an_unknown_number_of_void_bills_are_not_tolerated(bills: int | None) -> None:
    task = TaskResponse(status="Completed with kickouts", end_date="2026-01-05", current_success_count=bills)
    void = BatchState("pending", counts=False)
    digest = KickoutDigest(1, [])

    result = ImportResult.from_task(
        task, "guid", outcome="completed_with_kickouts", digest=digest, batch_state=void
    )

    assert not is_tolerated(result, 10)
    assert "no bill counts, 1 rows kicked out" in result.summary
