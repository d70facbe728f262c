"""What a status means, at the end and before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eci_provider.api.tasks import TaskResponse
from eci_provider.core.dates import parse_datetime
from eci_provider.waiting.status import classify, has_ended

text = st.text(max_size=40)
NOW = parse_datetime("2026-01-05T09:00:00Z")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("Completed with kickouts", "completed_with_kickouts"),
        (" COMPLETED WITH KICKOUTS ", "completed_with_kickouts"),
        ("Completed", "completed"),
        ("complete", "completed"),
        ("Completed successfully", "completed"),
        ("Completed with errors", "failed"),
        ("Completed, partially", "failed"),
        ("Completion pending", "failed"),
        ("Incomplete", "failed"),
        ("Failed", "failed"),
        ("Canceled", "failed"),
        ("", "failed"),
        (None, "failed"),
    ],
)
def test_what_a_status_means_at_the_end(status: str | None, outcome: str) -> None:
    assert classify(status, ended=True) == outcome


@given(st.one_of(st.none(), text), st.lists(text))
def test_no_status_ends_a_task_that_has_no_end_date(status: str | None, success: list[str]) -> None:
    assert classify(status, ended=False, success_statuses=success) is None


@given(text, st.lists(text))
def test_what_the_author_names_counts_as_success_in_any_case(status: str, others: list[str]) -> None:
    spelled = [*others, f" {status.swapcase()} "]

    if (
        classify(status, ended=True) != "completed_with_kickouts"
        and status.swapcase().casefold() == status.casefold()
    ):
        assert classify(status, ended=True, success_statuses=spelled) == "completed"


@given(st.text(st.characters(exclude_characters="cC"), min_size=1))
def test_an_unknown_status_at_the_end_never_succeeds(status: str) -> None:
    assert classify(status, ended=True) == "failed"


@pytest.mark.parametrize(
    ("begin", "end", "ended"),
    [
        ("2026-01-05T08:00:00Z", "2026-01-05T08:01:00Z", True),
        ("2026-01-05T08:00:00Z", "2026-01-05T08:00:00Z", True),
        ("2026-01-05T08:00:00Z", "2026-01-05T09:04:59Z", True),
        ("2026-01-05T08:00:00Z", "2026-01-05T09:05:01Z", False),
        # In any zone, and never more than that.
        ("2026-01-05T08:00:00", "2026-01-06T10:00:00", True),
        ("2026-01-05T08:00:00", "2026-01-06T12:00:00", False),
        ("2026-01-05T08:00:00Z", "2026-01-04T07:00:00", True),
        ("2026-01-05T08:00:00Z", "2026-01-04T05:00:00", False),
        # A server that writes its own zone as UTC: both dates are ahead.
        ("2026-01-05T18:00:00Z", "2026-01-05T18:30:00Z", True),
        ("2026-01-05T18:00:00Z", "2026-01-07T18:30:00Z", False),
        # Without a begin that can be, the end decides alone.
        (None, "2026-01-05T08:01:00Z", True),
        (None, "2019-01-05T08:01:00Z", True),
        ("soon", "2026-01-05T08:01:00Z", True),
        ("0001-01-01T00:00:00", "2026-01-05T08:01:00Z", True),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00", False),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", False),
        ("9999-12-31T23:59:59Z", "2026-01-05T08:01:00Z", True),
        (None, "1970-01-01T00:00:00Z", False),
        (None, "2000-01-01T00:00:00Z", False),
        (None, None, False),
        (None, " ", False),
        (None, "x" * 500, False),
    ],
)
def test_only_a_date_that_can_be_ends_an_import(begin: str | None, end: str | None, ended: bool) -> None:
    assert has_ended(TaskResponse(begin_date=begin, end_date=end), NOW) is ended


@given(st.text(max_size=120), st.text(max_size=120))
def test_no_text_makes_the_question_fail(begin: str, end: str) -> None:
    assert has_ended(TaskResponse(begin_date=begin, end_date=end), NOW) in (True, False)
