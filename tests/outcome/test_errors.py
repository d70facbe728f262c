"""The errors of an import that ended: what happened, what is known, what to do, and the result with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eci_provider.api import EciClient, errors
from eci_provider.api.errors import EciOutcomeError
from eci_provider.api.tasks import TaskResponse
from eci_provider.outcome.batch_state import DELETED, BatchState
from eci_provider.outcome.errors import (
    conclusion_timeout_error,
    failed_error,
    kickouts_error,
    removed_error,
    voided_error,
)
from eci_provider.outcome.result import ImportResult, KickoutDigest, ReportStatus
from eci_provider.runtime.advice import reattach_hint
from eci_provider.sandbox import Sandbox
from eci_provider.waiting.status import Outcome

GUID = "123e4567-e89b-12d3-a456-426614174000"
VOID = BatchState("pending", counts=False)


def result(
    outcome: Outcome, status: str, batch_state: BatchState | None = None, batch_id: int = 7
) -> ImportResult:
    """Return the result of an import of five bills."""
    task = TaskResponse.model_validate(
        {
            "status": status,
            "message": "The vendor is unknown.",
            "batch": {"batch_id": batch_id, "batch_code": "2026-01"},
            "current_success_count": 5,
        }
    )
    digest = KickoutDigest(3, [{"message": "no such account", "rows": 2}, {"message": "no such meter", "rows": 1}])
    kicked_out = digest if outcome == "completed_with_kickouts" else None
    return ImportResult.from_task(task, GUID, outcome=outcome, digest=kicked_out, batch_state=batch_state)


COMPLETED = result("completed", "Completed")
KICKED_OUT = result("completed_with_kickouts", "Completed with kickouts")
VOIDED = result("completed_with_kickouts", "Completed with kickouts", VOID)
REMOVED = result("completed", "Completed", BatchState(DELETED, counts=False))
FAILED = result("failed", "Failed")


def _lead(message: str) -> list[str]:
    """Return the words before the first list, or before the advice in its own line."""
    return message.partition("\n")[0].split()


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (failed_error(FAILED), (GUID, "'Failed'", "EnergyCAP said: The vendor is unknown.", "success_statuses")),
        (
            removed_error(REMOVED),
            ("'2026-01'", "was deleted", "reattach=False", "mark this task", "success_statuses"),
        ),
        (
            kickouts_error(KICKED_OUT),
            (GUID, "3 rows kicked out", "     2 x no such account", "RetryKickoutsOperator"),
        ),
        (kickouts_error(VOIDED), ("no bill counts", "because of the kickouts", "the 5 bills", "is opened")),
        (
            kickouts_error(replace(KICKED_OUT, report=ReportStatus("s3://user:secret@bucket/k.csv"))),
            ("Each row is in s3://", "bucket/k.csv"),
        ),
        (
            kickouts_error(replace(KICKED_OUT, report=ReportStatus(error="The disk is full."))),
            ("Its kickout report was not written: The disk is full.", "KickoutReportOperator"),
        ),
    ],
)
def test_an_error_says_what_happened_and_what_to_do(error: EciOutcomeError | None, facts: tuple[str, ...]) -> None:
    assert error is not None
    for fact in facts:
        assert fact in error.message
    assert "secret" not in error.message
    assert len(_lead(error.message)) <= 40
    assert error.result["task_guid"] == GUID


@pytest.mark.parametrize(
    ("ended", "kinds"),
    [
        (COMPLETED, []),
        (KICKED_OUT, [errors.EciKickoutsError]),
        (REMOVED, [errors.EciRemovedError]),
        (FAILED, [errors.EciImportFailedError]),
    ],
)
def test_each_error_is_for_one_kind_of_end(ended: ImportResult, kinds: list[type[EciOutcomeError]]) -> None:
    made = [failed_error(ended), removed_error(ended), kickouts_error(ended)]

    assert [type(error) for error in made if error is not None] == kinds


@pytest.mark.parametrize("reattach", [True, False])
@pytest.mark.parametrize("ended", ["completed", "completed_with_kickouts"])
def test_a_batch_that_a_kill_voided_is_to_be_opened(ended: Outcome, reattach: bool, sandbox: Sandbox) -> None:
    with EciClient(sandbox.url, sandbox.api_key) as client:
        batch_id = int(client.batches.open("2026-01").batch_id or 0)
        imported = result(ended, "Completed", batch_id=batch_id)
        assert voided_error(client, imported, settle_time=0, reattach=reattach) is None
        client.batches.update_status(batch_id, "Pending")

        error = voided_error(client, imported, settle_time=0, reattach=reattach)

    assert isinstance(error, errors.EciVoidedError)
    for fact in ("'2026-01' is Pending", "on_kill='void_batch'", "open the batch", "reattach=False"):
        assert fact in error.message
    assert ("MarkBatchPending" in error.message) is (ended == "completed_with_kickouts")
    assert ("With reattach=False a clear imports again." in error.message) is not reattach


@pytest.mark.parametrize(("status", "helps"), [(403, False), (503, True)])
def test_whether_a_kill_voided_a_batch_may_stay_unknown(
    status: int, helps: bool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eci_provider.core.clock.sleep", lambda seconds: None)
    sandbox.fault("GET", "/api/v3/batch/*", times=None, status=status)
    with EciClient(sandbox.url, sandbox.api_key) as client:
        error = voided_error(client, COMPLETED, settle_time=0)

    assert isinstance(error, errors.EciUnknownOutcomeError)
    assert error.retry_helps is helps
    assert error.details["result"] == COMPLETED.to_xcom()
    for fact in (GUID, "on_kill='void_batch'", str(status), "sends nothing"):
        assert fact in error.message


def test_nothing_is_asked_of_an_import_that_failed() -> None:
    with EciClient("https://nowhere.invalid", "key") as client:
        assert voided_error(client, FAILED, settle_time=0) is None


def test_a_time_out_at_the_end_names_the_import() -> None:
    error = conclusion_timeout_error(KICKED_OUT, reattach_hint())

    assert (error.ended_by, error.details["task_guid"]) == ("execution_timeout", GUID)
    for fact in (GUID, "'Completed with kickouts' in batch 2026-01", "`execution_timeout`", "reattaches to it"):
        assert fact in error.message
