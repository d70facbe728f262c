"""The decisions of a wait: what a status means, when to look again, when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eci_provider.api.errors import EciConnectionError, EciError, EciNotFoundError, EciServerError
from eci_provider.waiting.schedule import (
    MOST_FAILING_SECONDS,
    MOST_FAILURES,
    PollSchedule,
    classify,
    deadline_after,
    framework_timeout,
)

NOON = datetime(2026, 3, 29, 12, tzinfo=timezone.utc)
text = st.text(max_size=40)


class Clock:
    """A wall clock that a test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment = NOON
        monkeypatch.setattr("eci_provider.core.clock.utc_now", lambda: self.moment)

    def turn(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def broken(status: int = 503, retry_after: float | None = None) -> EciError:
    return EciServerError("down", status=status, method="GET", path="/p", retry_after=retry_after)


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


@given(st.floats(min_value=0.1, max_value=3600), st.floats(min_value=0, max_value=0.999))
def test_the_pace_grows_to_the_interval_and_stays(interval: float, chance: float) -> None:
    watch = PollSchedule(poll_interval=interval, deadline=None, random=lambda: chance)

    delays = [watch.after_look() for _ in range(40)]

    assert all(delay is not None and 0 < delay <= interval * 1.1 for delay in delays)
    assert delays[0] <= 1.1
    assert delays == sorted(delays)
    assert interval * 0.9 <= delays[-1] <= interval * 1.1


@pytest.mark.parametrize("failing", [False, True])
def test_the_last_look_falls_on_the_deadline(failing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    watch = PollSchedule(poll_interval=30, deadline=deadline_after(100), random=lambda: 0.5)

    looks = []
    while True:
        looks.append((clock.moment - NOON).total_seconds())
        delay = watch.after_failure(broken()) if failing else watch.after_look()
        if delay is None:
            break
        clock.turn(delay)

    assert looks[-1] == pytest.approx(100)
    assert watch.is_over()


def test_an_outage_is_waited_out_for_half_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    watch = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    waited = 0.0
    while (delay := watch.after_failure(broken())) is not None:
        waited += delay
        clock.turn(delay)

    assert watch.failures <= MOST_FAILURES
    assert MOST_FAILING_SECONDS - 90 < waited <= MOST_FAILING_SECONDS


def test_failures_in_a_quick_row_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    watch = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    answers = [watch.after_failure(broken(retry_after=1)) for _ in range(MOST_FAILURES)]

    assert None not in answers[:-1]
    assert answers[-1] is None


def test_one_success_forgets_all_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    watch = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    for _ in range(200):
        for _ in range(3):
            clock.turn(watch.after_failure(broken()) or 0)
        clock.turn(watch.after_look() or 0)

    assert watch.after_failure(broken()) is not None


@pytest.mark.parametrize("asked", [7.0, 600.0])
def test_retry_after_is_obeyed(asked: float, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    watch = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    delay = watch.after_failure(broken(429, retry_after=asked))

    assert delay is not None
    assert asked <= delay < asked * 1.2 + 1


@pytest.mark.parametrize("asked", [86401.0, 31536000.0, 1e12, float("inf")])
def test_of_a_longer_one_an_hour_is_obeyed_and_that_is_said_once(
    asked: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(monkeypatch)
    watch = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    for _ in range(3):
        delay = watch.after_failure(broken(429, retry_after=asked))
        assert delay is not None
        assert 86400 <= delay < 86460
        clock.turn(delay)

    assert [
        record.getMessage() for record in caplog.records if "asked again after 86400 s" in record.getMessage()
    ] == [f"EnergyCAP asks for a pause of {asked:g} s; it is asked again after 86400 s."]


def test_what_waiting_cannot_cure_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    watch = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    assert watch.after_failure(EciNotFoundError("gone", status=404, method="GET", path="/p")) is None
    tls = EciConnectionError("tls", kind="tls", sent=False, method="GET", path="/p")
    assert watch.after_failure(tls) is None


def test_airflows_own_time_out_comes_after_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    deadline = deadline_after(timedelta(hours=6))

    assert framework_timeout(deadline) > timedelta(hours=6)
    clock.turn(7 * 3600)
    assert framework_timeout(deadline) > timedelta(0)
