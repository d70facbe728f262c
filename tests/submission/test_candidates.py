"""Which listed import is ours: the table of what a search finds, and what then."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from eci_provider.api.errors import EciUnknownOutcomeError
from eci_provider.api.tasks import TaskResponse
from eci_provider.submission.candidates import Criteria, Generation, is_superseded
from eci_provider.submission.marker import Target
from eci_provider.submission.times import began_after

SINCE = datetime(2026, 1, 5, 8, tzinfo=timezone.utc)
NOW = datetime(2026, 1, 5, 9, tzinfo=timezone.utc)
#: The markers of resubmissions 0 to 3.
MARKERS = [f"af:{number:016x}" for number in range(4)]
#: Those of later generations.
LATER = [f"af:{number:016x}" for number in range(16, 24)]
SALTED = "af:" + "a" * 16
THEIRS = "af:" + "b" * 16


def task(note: str | None = None, **facts: Any) -> TaskResponse:
    """Return an import of ours that runs, and shows a note."""
    known = {
        "taskGUId": "g-1",
        "status": "In progress",
        "begin_date": "2026-01-05T08:01:00Z",
        "task_note": note,
        "batch": {"batch_id": 7, "batch_code": "A"},
        "user": {"user_code": "airflow"},
    }
    return TaskResponse.model_validate({**known, **facts})


def failed(note: str | None = None, imported: int = 0, **facts: Any) -> TaskResponse:
    """Return an import that failed."""
    ended = {"status": "Failed", "end_date": "2026-01-05T08:02:00Z", "current_success_count": imported}
    return task(note, **{**ended, **facts})


def generation(number: int = 0, markers: list[str] = MARKERS, salted: tuple[str, ...] = ()) -> Generation:
    return Generation(number, lambda resubmission: markers[resubmission], salted)


def criteria(**changed: Any) -> Criteria:
    known: dict[str, Any] = {
        "generations": [generation()],
        "targets": [Target()],
        "user_code": "AIRFLOW",
        "since": SINCE,
        "now": NOW,
    }
    return Criteria(**{**known, **changed})


@pytest.mark.parametrize(
    ("tasks", "resubmission", "marker"),
    [
        ([task(f"{MARKERS[0]} by hand")], 0, MARKERS[0]),
        ([task(MARKERS[0].upper())], 0, MARKERS[0]),
        ([task(None, batch={"batch_code": f" {MARKERS[0].upper()} "})], 0, MARKERS[0]),
        ([task(THEIRS), task(MARKERS[0])], 0, MARKERS[0]),
        ([failed(MARKERS[0], imported=1)], 0, MARKERS[0]),
        ([failed(MARKERS[0]), task(MARKERS[1])], 1, MARKERS[1]),
        ([failed(MARKERS[0]), failed(MARKERS[1]), task(MARKERS[2])], 2, MARKERS[2]),
        # Who sent it, when, and into which batch does not matter where it carries the marker.
        ([task(MARKERS[0], user={"user_code": "x"}, begin_date="2020-01-01T00:00:00Z")], 0, MARKERS[0]),
        # An import with reattach=False comes before those of other attempts.
        ([task(MARKERS[0]), task(SALTED, taskGUId="g-2")], 0, SALTED),
    ],
)
def test_an_import_that_carries_our_marker_is_ours(
    tasks: list[TaskResponse], resubmission: int, marker: str
) -> None:
    found = criteria(generations=[generation(salted=(SALTED,))]).choose(tasks, 0, shows_notes=True)

    assert found.ours is not None
    assert (found.marker, found.resubmission, found.doubtful) == (marker, resubmission, [])


@pytest.mark.parametrize(
    ("tasks", "resubmission"),
    [([], 0), ([failed(MARKERS[0])], 1), ([failed(MARKERS[0]), failed(MARKERS[1])], 2), ([failed(MARKERS[1])], 0)],
)
def test_after_imports_that_brought_nothing_in_the_next_resubmission_is_sent(
    tasks: list[TaskResponse], resubmission: int
) -> None:
    found = criteria().choose(tasks, 0, shows_notes=True)

    assert (found.ours, found.resubmission, found.doubtful) == (None, resubmission, [])


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([task(MARKERS[0]), task(LATER[0])], (2, 0, LATER[0])),
        ([task(MARKERS[0]), task(LATER[0]), task(SALTED)], (2, 0, SALTED)),
        ([task(MARKERS[0])], (0, 0, MARKERS[0])),
        ([task(MARKERS[0]), failed(LATER[0])], (2, 1, "")),
        ([task(MARKERS[0]), failed(LATER[0]), task(LATER[1])], (2, 1, LATER[1])),
        ([failed(MARKERS[0])], (0, 1, "")),
        ([task(THEIRS)], (0, 0, "")),
    ],
)
def test_the_latest_generation_with_an_import_decides(
    tasks: list[TaskResponse], expected: tuple[int, int, str]
) -> None:
    generations = [generation(2, LATER, (SALTED,)), generation(1, LATER[2:]), generation()]

    found = criteria(generations=generations).choose(tasks, 0, shows_notes=True)

    assert (found.generation, found.resubmission, found.marker) == expected
    assert (found.ours is not None) is bool(found.marker)


@pytest.mark.parametrize("marker", [MARKERS[0], SALTED])
def test_several_that_carry_our_marker_are_named(marker: str) -> None:
    tasks = [task(marker), task(marker, taskGUId="g-2"), failed(marker, taskGUId="g-3")]

    with pytest.raises(EciUnknownOutcomeError, match=r"2 imports carry the marker .*g-1, g-2") as caught:
        criteria(generations=[generation(salted=(SALTED,))]).choose(tasks, 0, shows_notes=True)
    assert caught.value.retry_helps is False
    assert caught.value.details == {"task_guids": ["g-1", "g-2"], "marker": marker}


@pytest.mark.parametrize(
    ("candidate", "changed", "without_notes", "with_notes"),
    [
        (task(), {}, True, True),
        (task("by hand"), {}, True, False),
        (task(status="Completed", end_date="2026-01-05T08:02:00Z"), {}, True, False),
        (task(THEIRS), {}, False, False),
        (failed(), {}, False, False),
        (failed(), {"success_statuses": ["failed"]}, True, False),
        (task(user={"user_code": "colleague"}), {}, False, False),
        (task(user={"user_code": "colleague"}), {"user_code": None}, True, True),
        (task(user=None), {}, True, True),
        (task(begin_date="2026-01-05T07:54:59Z"), {}, False, False),
        (task(begin_date="2026-01-05T07:55:00Z"), {}, True, True),
        (task(begin_date="2026-01-04T10:00:00"), {}, True, True),
        (task(begin_date="soon"), {}, True, True),
        (task(), {"targets": [Target(batch_id=7)]}, True, True),
        (task(), {"targets": [Target(batch_id=8)]}, False, False),
        (task(), {"targets": [Target(batch_id=8), Target(batch_code="a")]}, True, True),
        (task(), {"targets": [Target(is_own=True)]}, False, False),
        (task(batch=None), {"targets": [Target(is_own=True)]}, True, True),
    ],
)
def test_what_else_may_be_ours(
    candidate: TaskResponse, changed: dict[str, Any], without_notes: bool, with_notes: bool
) -> None:
    doubtful = [
        bool(criteria(**changed).choose([candidate], 0, shows_notes=shown).doubtful) for shown in (False, True)
    ]

    assert doubtful == [without_notes, with_notes]


@pytest.mark.parametrize(
    ("found", "statuses", "superseded"),
    [
        (failed(), [], True),
        (failed(current_success_count=1), [], False),
        (failed(current_success_count=None), [], False),
        (failed(end_date=None), [], False),
        (failed(end_date="0001-01-01T00:00:00"), [], False),
        (failed(end_date="2099-01-01T00:00:00Z"), [], False),
        (failed(status="Completed"), [], False),
        (failed(status="Completed with kickouts"), [], False),
        (failed(status="Finished"), [], True),
        (failed(status="Finished"), ["finished"], False),
    ],
)
def test_only_a_failure_with_nothing_imported_is_superseded(
    found: TaskResponse, statuses: list[str], superseded: bool
) -> None:
    assert is_superseded(found, NOW, statuses) is superseded


@pytest.mark.parametrize(
    ("begin", "after"),
    [
        ("2026-01-05T08:00:00+00:00", True),
        ("2026-01-05T09:54:00+02:00", False),
        ("2026-01-04T05:00:00", False),
        (None, True),
    ],
)
def test_a_date_without_a_zone_may_be_hours_off(begin: str | None, after: bool) -> None:
    assert began_after(task(begin_date=begin), SINCE) is after
