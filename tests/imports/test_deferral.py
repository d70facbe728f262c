"""When a task defers: only if its import still runs."""

from __future__ import annotations

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
