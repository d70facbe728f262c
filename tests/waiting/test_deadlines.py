"""When a wait must end: our deadline, and Airflow's timeouts around it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from eci_provider.waiting.deadlines import deadline_after, execution_deadline, framework_timeout

NOON = datetime(2026, 3, 29, 12, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eci_provider.core.clock.utc_now", lambda: NOON)


@pytest.mark.parametrize("timeout", [timedelta(hours=6), 21600, 21600.0])
def test_a_timeout_counts_from_its_start(timeout: timedelta | float) -> None:
    assert deadline_after(timeout) == NOON + timedelta(hours=6)
    assert deadline_after(timeout, since=NOON - timedelta(hours=1)) == NOON + timedelta(hours=5)


@pytest.mark.parametrize(
    ("limit", "ends_before"),
    [
        (timedelta(seconds=100), timedelta(seconds=10)),
        (timedelta(minutes=10), timedelta(minutes=1)),
        (timedelta(hours=6), timedelta(minutes=1)),
    ],
)
def test_a_trigger_ends_a_little_before_the_execution_timeout(limit: timedelta, ends_before: timedelta) -> None:
    assert execution_deadline(limit, NOON) == NOON + limit - ends_before
    assert execution_deadline(limit, None) == NOON + limit - ends_before


def test_without_an_execution_timeout_it_ends_nothing() -> None:
    assert execution_deadline(None, NOON) is None


def test_airflows_own_timeout_comes_after_ours() -> None:
    assert framework_timeout(NOON + timedelta(hours=6)) > timedelta(hours=6)
    assert framework_timeout(NOON - timedelta(hours=1)) > timedelta(0)
