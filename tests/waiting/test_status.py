"""What a status means, at the end and before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eci_provider.waiting.status import classify

text = st.text(max_size=40)


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
