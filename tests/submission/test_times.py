"""EnergyCAP's clock and Airflow's differ, and dates of imports cannot be."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from eci_provider.api import errors
from tests.support.submissions import STATES, TASKS, Scene
from tests.support.two_bills import IMPORT

HOUR = timedelta(hours=1)


def _run_of_now(scene: Scene) -> dict[str, Any]:
    """Return the context of a DAG run that begins now, by Airflow's clock."""
    return {"dag_run": SimpleNamespace(run_after=scene.clock.moment)}


def _lose_before_effect(scene: Scene) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="before")
    scene.sandbox.fault("GET", TASKS, times=None, status=503)


@pytest.mark.parametrize("behind", [timedelta(minutes=15), timedelta(hours=3), timedelta(days=3)], ids=str)
def test_a_server_whose_clock_is_behind_is_searched_by_its_own_clock(behind: timedelta, scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.clock.moment += behind
    tries, run = scene.tries(has_state=False), _run_of_now(scene)
    scene.lost_and_listed(tries, **run)
    scene.clock.sleep(1200)

    end = tries.run(**run)

    assert isinstance(end.error, errors.EciUnknownOutcomeError), end.error
    assert scene.sandbox.tasks()[0]["task_guid"] in str(end.error)
    assert scene.submits == 1


@pytest.mark.parametrize("days", [-3, 3])
def test_an_import_with_our_note_is_found_whatever_the_clocks_show(days: int, scene: Scene) -> None:
    scene.clock.moment += timedelta(days=days)
    tries, run = scene.tries(has_state=False), _run_of_now(scene)
    scene.lost_and_listed(tries, **run)
    scene.clock.sleep(2.5 * 86400)

    end = tries.run(**run)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.bills_once()


def test_imports_before_the_run_are_no_candidates_on_a_server_that_is_ahead(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.clock.moment -= 3 * HOUR
    scene.import_by_hand()
    scene.clock.sleep(3600)
    tries, run = scene.tries(has_state=False), _run_of_now(scene)
    _lose_before_effect(scene)
    assert isinstance(tries.run(**run).error, errors.EciUnknownOutcomeError)
    scene.sandbox.clear_faults()

    end = tries.run(**run)

    assert end.state == "success", end.error
    assert end.result["reattached"] is False


def test_an_import_of_this_run_is_adopted_from_a_server_that_is_behind(scene: Scene) -> None:
    scene.clock.moment += 3 * HOUR
    run = _run_of_now(scene)
    guid = scene.import_by_hand()

    end = scene.tries(adopt_task_guid=guid).run(**run)

    assert end.state == "success", end.error
    assert end.result["task_guid"] == guid


def test_an_import_before_this_run_is_not_adopted_from_a_server_that_is_ahead(scene: Scene) -> None:
    scene.clock.moment -= 3 * HOUR
    guid = scene.import_by_hand()
    scene.clock.sleep(2 * 3600)

    end = scene.tries(adopt_task_guid=guid).run(**_run_of_now(scene))

    assert isinstance(end.error, errors.EciExistsError), end.error
    assert "before this DAG run" in str(end.error)


@STATES
@pytest.mark.parametrize("hours_ahead", [-1, 0, 1])
@pytest.mark.parametrize(
    "begin_date",
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1900-01-01T00:00:00Z", "2001-01-01T00:00:00Z"],
)
def test_a_date_that_cannot_be_does_not_move_the_deadline(
    begin_date: str, hours_ahead: int, has_state: bool, scene: Scene
) -> None:
    scene.clock.moment -= hours_ahead * HOUR
    tries, run = scene.tries(has_state=has_state, timeout=HOUR), _run_of_now(scene)
    (listed,) = scene.lost_and_listed(tries, **run)
    shown = [{**listed, "beginDate": begin_date}]
    scene.sandbox.fault("GET", TASKS, times=None, status=200, body=shown, headers={"TotalPages": "1"})

    end = tries.run(**run)

    assert end.state == "success", end.error
    assert end.result["reattached"] is True
    assert scene.submits == 1


@STATES
def test_a_wait_for_a_found_import_ends_an_hour_after_its_submission(has_state: bool, scene: Scene) -> None:
    scene.sandbox.settings.delay = 1e6
    tries, run = scene.tries(has_state=has_state, timeout=HOUR), _run_of_now(scene)
    began = scene.clock.moment
    (listed,) = scene.lost_and_listed(tries, **run)
    shown = [{**listed, "beginDate": "2001-01-01T00:00:00Z"}]
    scene.sandbox.fault("GET", TASKS, times=None, status=200, body=shown, headers={"TotalPages": "1"})
    scene.clock.sleep(1200)

    end = tries.run(**run)

    assert isinstance(end.error, errors.EciWaitTimeoutError), end.error
    assert timedelta(0) <= scene.clock.moment - began - HOUR <= timedelta(seconds=1)


def test_without_notes_an_import_with_a_date_that_cannot_be_may_be_ours(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    tries = scene.tries()
    (listed,) = scene.lost_and_listed(tries)
    shown = [{**listed, "beginDate": "0001-01-01T00:00:00Z"}]
    scene.sandbox.fault("GET", TASKS, times=None, status=200, body=shown, headers={"TotalPages": "1"})

    end = scene.run(tries)

    assert isinstance(end.error, errors.EciUnknownOutcomeError), end.error
    assert scene.submits == 1
