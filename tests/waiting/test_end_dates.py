"""Which ``endDate`` ends an import: one that can be a date of its end, and no sentinel, blank or word."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci_provider.sandbox import Sandbox
from tests.support.run_task import run
from tests.support.submissions import MODES, RUN, STATES, Scene
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import KINDS, waiting_task

#: What servers write for "has not ended yet".
NO_DATES = (
    "0001-01-01T00:00:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+05:00",
    "1753-01-01T00:00:00",
    "1900-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "2099-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999",
    "9999-12-31T23:59:59.9999999-05:00",
    "",
    "   ",
    "pending",
)


@pytest.fixture
def scene(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> Scene:
    """Return a file of two bills whose import takes a minute, and the tries of its task."""
    return Scene(sandbox, turned_clock, tmp_path, delay=60)


@MODES
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shown", NO_DATES)
def test_an_import_whose_end_date_cannot_be_one_runs_on(
    shown: str,
    kind: str,
    deferrable: bool,
    sandbox: Sandbox,
    turned_clock: TurnedClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.settings.delay = 60
    sandbox.settings.running_end_date = shown

    end = run(waiting_task(kind, sandbox, tmp_path, deferrable=deferrable, good=True))

    assert end.state == "success", end.error
    assert (end.result["outcome"], end.result["imported"]) == ("completed", 2)
    assert len(sandbox.bills()) == 2
    told = [record for record in caplog.records if "counts as not ended" in record.getMessage()]
    # Once a wait: a sensor polls in a worker before it defers to the triggerer.
    assert [record.levelname for record in told] == ["WARNING"] * (1 + (kind == "sensor" and deferrable))


@MODES
@STATES
@pytest.mark.parametrize("shown", ["0001-01-01T00:00:00", "2099-01-01T00:00:00Z"])
def test_an_import_with_such_a_date_is_never_sent_again(
    shown: str, has_state: bool, deferrable: bool, scene: Scene
) -> None:
    """It runs with a count of 0, as one that failed with nothing imported shows it."""
    scene.sandbox.settings.running_end_date = shown
    tries = scene.tries(deferrable=deferrable, has_state=has_state)
    assert "killed while waiting" in str(scene.killed_while_waiting(tries, dag_run=RUN).error)

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 1
    assert scene.bills_once()


@pytest.mark.parametrize("offset", [-7.0, 0.0, 10.0])
@pytest.mark.parametrize("show_zone", [False, True])
@pytest.mark.parametrize("server_ahead", [-3, 0, 3, 72])
@MODES
def test_an_end_counts_whatever_zone_and_clock_it_is_shown_in(
    deferrable: bool, server_ahead: int, show_zone: bool, offset: float, scene: Scene
) -> None:
    scene.sandbox.advance(3600 * server_ahead)
    scene.sandbox.settings.utc_offset = offset
    scene.sandbox.settings.show_zone = show_zone

    end = scene.run(scene.tries(deferrable=deferrable))

    assert end.state == "success", end.error
    assert end.result["imported"] == 2
    assert sum(scene.clock.slept) < 100
    assert len(end.deferrals) <= 1
