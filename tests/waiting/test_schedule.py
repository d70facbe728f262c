"""The timing of a wait: when to poll next, when to give up."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eci_provider.api.errors import EciConnectionError, EciError, EciPermissionError, EciServerError
from eci_provider.waiting.deadlines import deadline_after
from eci_provider.waiting.schedule import (
    MOST_FAILING_SECONDS,
    MOST_FAILURES,
    PollSchedule,
)

NOON = datetime(2026, 3, 29, 12, tzinfo=timezone.utc)


class Clock:
    """A wall clock that a test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment = NOON
        monkeypatch.setattr("eci_provider.core.clock.utc_now", lambda: self.moment)

    def turn(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def broken(status: int = 503, retry_after: float | None = None) -> EciError:
    return EciServerError("down", status=status, method="GET", path="/p", retry_after=retry_after)


@given(st.floats(min_value=0.1, max_value=3600), st.floats(min_value=0, max_value=0.999))
def test_the_interval_ramps_up_and_stays(interval: float, chance: float) -> None:
    schedule = PollSchedule(poll_interval=interval, deadline=None, random=lambda: chance)

    delays = [schedule.after_poll() for _ in range(40)]

    assert all(delay is not None and 0 < delay <= interval * 1.1 for delay in delays)
    assert delays[0] <= 1.1
    assert delays == sorted(delays)
    assert interval * 0.9 <= delays[-1] <= interval * 1.1


@pytest.mark.parametrize("failing", [False, True])
def test_the_last_poll_is_at_the_deadline(failing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    schedule = PollSchedule(poll_interval=30, deadline=deadline_after(100), random=lambda: 0.5)

    moments = []
    while True:
        moments.append((clock.moment - NOON).total_seconds())
        delay = schedule.after_failure(broken()) if failing else schedule.after_poll()
        if delay is None:
            break
        clock.turn(delay)

    assert moments[-1] == pytest.approx(100)
    assert schedule.is_expired()


def test_an_outage_of_half_an_hour_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    schedule = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    waited = 0.0
    while (delay := schedule.after_failure(broken())) is not None:
        waited += delay
        clock.turn(delay)

    assert schedule.failures <= MOST_FAILURES
    assert MOST_FAILING_SECONDS - 90 < waited <= MOST_FAILING_SECONDS


def test_quick_failures_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    schedule = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    answers = [schedule.after_failure(broken(retry_after=1)) for _ in range(MOST_FAILURES)]

    assert None not in answers[:-1]
    assert answers[-1] is None


def test_one_success_forgets_all_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    schedule = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    for _ in range(200):
        for _ in range(3):
            clock.turn(schedule.after_failure(broken()) or 0)
        clock.turn(schedule.after_poll() or 0)

    assert schedule.after_failure(broken()) is not None


@pytest.mark.parametrize("asked", [7.0, 600.0])
def test_retry_after_is_obeyed(asked: float, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    schedule = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    delay = schedule.after_failure(broken(429, retry_after=asked))

    assert delay is not None
    assert asked <= delay < asked * 1.2 + 1


@pytest.mark.parametrize("asked", [86401.0, 31536000.0, 1e12, float("inf")])
def test_of_a_longer_one_a_day_is_obeyed_and_logged_once(
    asked: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(monkeypatch)
    schedule = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    for _ in range(3):
        delay = schedule.after_failure(broken(429, retry_after=asked))
        assert delay is not None
        assert 86400 <= delay < 86460
        clock.turn(delay)

    assert [record.getMessage() for record in caplog.records if "after 86400 s" in record.getMessage()] == [
        f"EnergyCAP asked for a pause of {asked:g} s; the next request is sent after 86400 s."
    ]


def test_a_permanent_failure_ends_the_wait_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    schedule = PollSchedule(poll_interval=1, deadline=None, random=lambda: 0.5)

    assert schedule.after_failure(EciPermissionError("no", status=403, method="GET", path="/p")) is None
    tls = EciConnectionError("tls", kind="tls", sent=False, method="GET", path="/p")
    assert schedule.after_failure(tls) is None


def test_a_404_ends_the_wait_when_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    schedule = PollSchedule(poll_interval=1, deadline=deadline_after(100), random=lambda: 0.5)

    assert schedule.after_missing(15) == 15
    assert schedule.after_missing(15) is None
    schedule.after_poll()
    assert schedule.after_missing(1000) == pytest.approx(84, abs=1)
    assert schedule.failures == 0
