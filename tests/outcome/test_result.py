"""The result of an import: the keys of its XCom, and the sentence about it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from eci_provider.api.tasks import TaskResponse
from eci_provider.outcome.batch_state import DELETED, BatchState
from eci_provider.outcome.result import ImportResult, KickoutDigest, ReportStatus

GUID = "123e4567-e89b-12d3-a456-426614174000"
#: The keys that DAGs read, in the order in which Airflow's UI shows them.
KEYS = [
    "task_guid",
    "task_id",
    "status",
    "outcome",
    "message",
    "batch_id",
    "batch_code",
    "imported",
    "kickouts",
    "kickout_messages",
    "unresolved_flags",
    "analyzing",
    "begin_date",
    "end_date",
    "reattached",
    "batch_status",
    "voided",
]


def task(**facts: Any) -> TaskResponse:
    """Return the task of an import that brought five bills into batch 7."""
    known = {
        "task_id": 12,
        "status": "Completed",
        "message": "done",
        "batch": {"batch_id": 7, "batch_code": "2026-01"},
        "current_success_count": 5,
        "unresolved_flag_count": 2,
        "analyzing_count": 1,
        "begin_date": "2026-01-05T08:00:00Z",
        "end_date": "2026-01-05T08:01:00Z",
    }
    return TaskResponse.model_validate({**known, **facts})


def result(batch_state: BatchState | None = None, **facts: Any) -> ImportResult:
    return ImportResult.from_task(task(**facts), GUID, outcome="completed", batch_state=batch_state)


def kicked_out(batch_state: BatchState | None = None, rows: int | None = 3, **facts: Any) -> ImportResult:
    digest = KickoutDigest(rows, [{"message": "no account", "rows": rows}])
    return ImportResult.from_task(
        task(status="Completed with kickouts", **facts),
        GUID,
        outcome="completed_with_kickouts",
        digest=digest,
        batch_state=batch_state,
    )


def test_the_keys_and_values_of_an_xcom() -> None:
    values = [
        GUID, 12, "Completed", "completed", "done", 7, "2026-01", 5, 0, [], 2, 1,
        "2026-01-05T08:00:00Z", "2026-01-05T08:01:00Z", False, None, 0,
    ]  # fmt: skip

    assert list(result().to_xcom().items()) == list(zip(KEYS, values, strict=True))


@pytest.mark.parametrize(
    ("further", "keys"),
    [
        ({"report": ReportStatus()}, {"kickout_report": None}),
        ({"report": ReportStatus("/tmp/k.csv")}, {"kickout_report": "/tmp/k.csv"}),  # noqa: S108
        ({"report": ReportStatus(error="full")}, {"kickout_report": None, "kickout_report_error": "full"}),
        ({"rounds": [{"task_guid": GUID}]}, {"rounds": [{"task_guid": GUID}]}),
        (
            {"rounds": [], "report": ReportStatus(error="full")},
            {"kickout_report": None, "kickout_report_error": "full", "rounds": []},
        ),
    ],
)
def test_a_report_and_rounds_have_keys_only_where_there_are_any(
    further: dict[str, Any], keys: dict[str, Any]
) -> None:
    facts = replace(result(), **further).to_xcom()

    assert list(facts) == [*KEYS, *keys]
    assert {key: facts[key] for key in keys} == keys


@pytest.mark.parametrize("report", [None, ReportStatus("k.md"), ReportStatus(None, "no room on disk")])
def test_a_result_comes_back_from_xcom(report: ReportStatus | None) -> None:
    found = replace(kicked_out(), report=report, rounds=[{"kickouts": 3}])

    assert ImportResult.from_xcom(json.loads(json.dumps(found.to_xcom()))) == found


def test_a_result_of_another_version_comes_back_as_far_as_it_is_known() -> None:
    facts = {**kicked_out().to_xcom(), "of_a_newer_version": 1}
    del facts["voided"]

    assert ImportResult.from_xcom(facts) == replace(kicked_out(), voided=None)


def test_an_xcom_stays_small_and_can_be_kept_whatever_a_server_sends() -> None:
    huge = "\x00\ud83d" + "x" * 100_000
    odd = result(
        status=huge,
        message=huge,
        batch={"batch_id": 7, "batch_code": huge},
        begin_date=huge,
        end_date=huge,
        current_success_count=2**64,
    ).to_xcom()

    assert odd["imported"] is None
    text = json.dumps(odd, allow_nan=False, ensure_ascii=False)
    assert len(text.encode()) < 16 * 1024
    assert "\\u0000" not in text


@pytest.mark.parametrize(
    ("found", "summary"),
    [
        (result(), "ended as 'Completed': 5 bills imported into batch 2026-01."),
        (result(current_success_count=None), "an unknown number of bills imported into batch 2026-01."),
        (result(batch=None), "ended as 'Completed': 5 bills imported."),
        (
            kicked_out(),
            "ended as 'Completed with kickouts': 5 bills imported into batch 2026-01, 3 rows kicked out.",
        ),
        (kicked_out(rows=None), "an unknown number of rows kicked out."),
        (
            result(BatchState("pending", counts=False)),
            "no bill counts. Batch '2026-01' is Pending: the 5 bills of",
        ),
        (
            result(BatchState("Pending", counts=False), current_success_count=None),
            "no bill counts. Batch '2026-01' is Pending: all bills of this import are void",
        ),
        (
            kicked_out(BatchState("pending", counts=False)),
            "no bill counts, 3 rows kicked out. Batch '2026-01' is Pending because of the kickouts",
        ),
        (kicked_out(BatchState(counts=None)), "whether its bills count is not known, 3 rows kicked out."),
        (
            result(BatchState(DELETED, counts=False)),
            "no bill of it is in EnergyCAP. EnergyCAP does not know batch '2026-01' any more: it was deleted",
        ),
        (
            result(BatchState(DELETED, counts=False), batch=None),
            "no bill of it is in EnergyCAP. It names no batch: that was deleted, and its bills with it.",
        ),
    ],
)
def test_the_summary_says_how_an_import_ended(found: ImportResult, summary: str) -> None:
    assert found.summary.startswith(f"Import {GUID} ended as ")
    assert summary in found.summary


@pytest.mark.parametrize(
    ("found", "bills"),
    [
        (result(), 5),
        (result(BatchState("pending", counts=False)), 5),
        (result(BatchState(counts=None)), 0),
        (result(BatchState(DELETED, counts=False)), 0),
    ],
)
def test_void_bills_are_brought_in_too(found: ImportResult, bills: int) -> None:
    assert found.bills == bills
