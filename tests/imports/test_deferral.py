"""When a task defers: only if its import still runs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from eci_provider.sandbox import Sandbox
from tests.support.submissions import RUN, STATES, TASKS, Scene
from tests.support.turned_clock import TurnedClock


@pytest.fixture
def scene(sandbox: Sandbox, turned_clock: TurnedClock, tmp_path: Path) -> Scene:
    """Return a file of two bills whose import takes most of a second, and the tries of its task."""
    return Scene(sandbox, turned_clock, tmp_path, delay=0.9)


@STATES
def test_an_import_that_ends_within_a_second_is_not_deferred(has_state: bool, scene: Scene) -> None:
    end = scene.run(scene.tries(deferrable=True, has_state=has_state))

    assert end.state == "success", end.error
    assert end.deferrals == []
    assert end.result["imported"] == 2


def test_an_import_of_an_earlier_attempt_that_ended_is_not_deferred_though_its_first_poll_failed(
    scene: Scene,
) -> None:
    tries = scene.tries(deferrable=True)
    scene.sandbox.settings.delay = 60
    assert scene.killed_while_waiting(tries, dag_run=RUN).state == "failed"
    scene.clock.sleep(100)
    # The recorded import cannot be read at first, and is waited for all the same.
    scene.sandbox.fault("GET", f"{TASKS}/*", times=4, status=503)

    end = scene.run(tries)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert end.deferrals == []


def test_a_poll_that_fails_before_the_deferral_is_left_to_the_trigger(scene: Scene) -> None:
    scene.sandbox.settings.delay = 60
    scene.sandbox.fault("GET", f"{TASKS}/*", skip=1, times=1, status=503)

    end = scene.run(scene.tries(deferrable=True))

    assert end.state == "success", end.error
    assert len(end.deferrals) == 1


def test_a_trigger_of_an_import_that_runs_pauses_first(scene: Scene) -> None:
    scene.sandbox.settings.delay = 3
    began = scene.clock.moment

    end = scene.run(scene.tries(deferrable=True))

    assert end.state == "success", end.error
    ((_, trigger),) = end.deferrals
    # One second in the worker, which polls then; and five without a poll, though the import ends in them.
    assert trigger["first_poll"] == (began + timedelta(seconds=1 + 5)).isoformat()
    assert scene.clock.slept == [1.0, 5.0]


def test_a_short_interval_is_the_first_pause(scene: Scene) -> None:
    scene.sandbox.settings.delay = 60

    end = scene.run(scene.tries(deferrable=True, poll_interval=2))

    assert end.state == "success", end.error
    assert scene.clock.slept[:2] == [1.0, 2.0]


def test_the_first_pause_is_as_long_as_the_server_asks(scene: Scene) -> None:
    scene.sandbox.fault("GET", f"{TASKS}/*", skip=1, status=429, headers={"Retry-After": "120"})
    scene.sandbox.settings.delay = 60

    end = scene.run(scene.tries(deferrable=True))

    assert end.state == "success", end.error
    assert scene.clock.slept == [1.0, 120.0]
