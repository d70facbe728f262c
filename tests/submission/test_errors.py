"""Each error of a submission says what happened, what is known, and what to do, in few words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from eci_provider.api.errors import EciBadRequestError, EciError, EciNotFoundError, EciServerError
from eci_provider.api.tasks import TaskResponse
from eci_provider.runtime.advice import reattach_hint
from eci_provider.submission import errors
from eci_provider.submission.marker import Target

FILE = "file 's3://bills/2026-01.csv'"
GUID = "123e4567-e89b-12d3-a456-426614174000"
OTHER = "00000000-e89b-12d3-a456-426614174000"
MARKER = "af:9e5ec1578290c0de"
TASK = TaskResponse.model_validate(
    {"taskGUId": OTHER, "status": "In progress", "begin_date": "2026-01-01T00:00:00Z"}
)
HINT = "set reattach=False"
FACTS = {"method": "GET", "path": "/api/v3/task"}
DOWN = EciServerError("It was answered with 503.", status=503, **FACTS)
GONE = EciNotFoundError("It was answered with 404.", status=404, **FACTS)
REFUSAL = EciBadRequestError("The batch code is taken.", status=400, **FACTS)
#: What begins a list of imports, or the message of another error.
LISTED = r" (The cause|The last error|The imports|\d+ imports (run|may be)|Earlier imports)\b"

CASES: list[tuple[Callable[[], EciError], tuple[str, ...]]] = [
    (lambda: errors.several_imports(MARKER, [TASK, TASK]), (MARKER, OTHER, "adopt_task_guid", "Nothing is sent")),
    (
        lambda: errors.undecided(FILE, MARKER, [TASK], shows_notes=True, resubmit_hint=HINT),
        (FILE, OTHER, "adopt_task_guid", HINT, "mapped instance", "no note yet", "nothing is sent"),
    ),
    (
        lambda: errors.undecided(FILE, MARKER, [TASK], shows_notes=False, resubmit_hint=HINT),
        (FILE, OTHER, "adopt_task_guid", HINT, "not known to show notes", "without retries"),
    ),
    (lambda: errors.search_failed(FILE, MARKER, DOWN), (FILE, MARKER, "Nothing is sent", "next attempt", "503")),
    (lambda: errors.search_failed(FILE, MARKER, GONE), (FILE, MARKER, "Clear the task", "404")),
    (lambda: errors.search_failed(FILE, MARKER, DOWN, reattach=False), (FILE, MARKER, "adopt_task_guid", "503")),
    (
        lambda: errors.all_answers_lost(FILE, MARKER, 3, DOWN),
        ("File 's3", MARKER, "3 times", "next attempt", "503"),
    ),
    (
        lambda: errors.all_answers_lost(FILE, MARKER, 3, DOWN, reattach=False),
        (MARKER, "3 times", "adopt_task_guid", "503"),
    ),
    (lambda: errors.resend_failed(FILE, MARKER, DOWN), (FILE, MARKER, "may still take effect", "clear the task")),
    (
        lambda: errors.resend_failed(FILE, MARKER, DOWN, reattach=False),
        (FILE, MARKER, "may still take effect", "adopt_task_guid"),
    ),
    (lambda: errors.refused(FILE, Target(), [], REFUSAL), (FILE, "The batch code is taken.")),
    (
        lambda: errors.refused(FILE, Target(batch_code="A"), [GUID], REFUSAL),
        (FILE, "batch 'A'", "smart batch", GUID),
    ),
    (lambda: errors.refused(FILE, Target(batch_id=7), [], REFUSAL), (FILE, "batch 7", "Open", "Pending")),
    (lambda: errors.already_started(GUID, FILE, TASK), (GUID, OTHER, FILE, "'In progress'", "reattach=False")),
    (lambda: errors.taken_by_other_instance(GUID, 3), (GUID, "map index 3", "mapped instance")),
    (lambda: errors.timeout_before_import(FILE), (FILE, "`execution_timeout`", "next attempt", "settle_time")),
    (lambda: errors.timeout_before_import(FILE, reattach=False), (FILE, "reattach=False", "adopt_task_guid")),
    (
        lambda: errors.timeout_with_import(GUID, FILE, reattach_hint()),
        (GUID, FILE, "`execution_timeout`", "reattaches", "settle_time"),
    ),
    (lambda: errors.foreign_marker(GUID, [MARKER]), (GUID, MARKER, "reattach=False")),
    (lambda: errors.vanished(GUID, FILE, GONE, HINT), (GUID, FILE, HINT, "Nothing is sent", "404")),
    (
        lambda: errors.content_changed(FILE, TASK),
        (OTHER, FILE, "'In progress'", "adopt_task_guid", "Nothing is sent"),
    ),
    (lambda: errors.not_an_import(GUID, "ReadingImport"), (GUID, "ReadingImport")),
    (
        lambda: errors.older_than_run(GUID, TASK, datetime(2026, 1, 5, tzinfo=timezone.utc)),
        (GUID, "2026-01-01", "2026-01-05", "EciTaskSensor"),
    ),
    (lambda: errors.missing_guid(FILE), (FILE, "no GUID")),
]


@pytest.mark.parametrize(("make", "facts"), CASES)
def test_it_names_its_facts_in_few_words(make: Callable[[], EciError], facts: tuple[str, ...]) -> None:
    message = make().message

    for fact in facts:
        assert fact in message
    # What follows is a list of imports, or the message of another error.
    lead = re.split(
        r" (The cause|The last error|The imports|\d+ imports (run|may be)|Earlier imports)\b", message
    )[0]
    assert len(lead.split()) <= 40, lead


def test_what_a_server_said_is_kept() -> None:
    for error, cause in ((errors.vanished(GUID, FILE, GONE, HINT), GONE), (CASES[10][0](), REFUSAL)):
        assert isinstance(error, type(cause))
        assert error.status == cause.status
        assert error.message != cause.message


@pytest.mark.parametrize(
    ("shows_notes", "batch", "helps"), [(True, {}, True), (False, None, True), (False, {}, False)]
)
def test_a_retry_helps_while_an_import_may_still_show_more(
    shows_notes: bool, batch: dict[str, int] | None, helps: bool
) -> None:
    task = TaskResponse.model_validate({"taskGUId": GUID, "batch": batch})

    error = errors.undecided(FILE, MARKER, [task], shows_notes=shows_notes, resubmit_hint=HINT)

    assert error.retry_helps is helps


def test_at_most_ten_imports_are_named() -> None:
    tasks = [TaskResponse(taskGUId=f"g-{number}") for number in range(12)]

    error = errors.several_imports(MARKER, tasks)

    assert "12 imports" in error.message
    assert "g-9 and 2 more" in error.message
    assert error.details["task_guids"] == [f"g-{number}" for number in range(10)]
