"""A gateway whose lists have no end: every operator that reads one ends, and sends nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eci_provider.api import errors
from eci_provider.operators import (
    CheckBillFileOperator,
    CreateImportProfileOperator,
    KickoutReportOperator,
    OpenBatchOperator,
)
from eci_provider.sandbox import Sandbox
from tests.operators.test_import_profile import MAPPING
from tests.support.gateway import EndlessLists
from tests.support.run_task import run
from tests.support.submissions import Scene
from tests.support.turned_clock import TurnedClock, connect
from tests.support.two_bills import IMPORT


@pytest.fixture(params=[None, "999999999"], ids=["no TotalPages", "999999999"])
def gateway(
    request: pytest.FixtureRequest, sandbox: Sandbox, turned_clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EndlessLists]:
    """Serve lists without an end, to ``eci_default``."""
    with EndlessLists(sandbox.url, request.param).serving() as serving:
        connect(monkeypatch, serving.url, sandbox.api_key)
        yield serving


@pytest.fixture
def scene(gateway: EndlessLists, turned_clock: TurnedClock, tmp_path: Path) -> Scene:
    """Return a file of two bills, and the tries of its task."""
    return Scene(turned_clock.sandbox, turned_clock, tmp_path, delay=60)


def test_a_search_ends_by_the_timeout_of_the_task(scene: Scene, gateway: EndlessLists) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="after")
    tries = scene.tries(timeout=10)

    end, again = scene.run(tries), scene.run(tries)

    for one in (end, again):
        assert isinstance(one.error, errors.EciUnknownOutcomeError)
        assert "the list at GET /api/v3/task did not end within" in str(one.error)
        assert not one.is_final
    # In each try nineteen pages at once, and ten a second for ten seconds.
    assert gateway.pages == {"task": 2 * (19 + 100)}
    assert scene.submits == 1


def test_a_search_of_a_task_that_may_wait_longer_ends_all_the_same(scene: Scene, gateway: EndlessLists) -> None:
    scene.sandbox.fault("POST", IMPORT, drop="after")

    end = scene.run(scene.tries())

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    assert "did not end within 1,000 pages" in str(end.error)
    assert gateway.pages == {"task": 1000}
    assert scene.submits == 1


@pytest.mark.parametrize("if_exists", ["adopt", "fail"])
def test_a_batch_is_not_searched_for_without_end(if_exists: str, gateway: EndlessLists, sandbox: Sandbox) -> None:
    sandbox.fault("POST", "/api/v3/batch", drop="after")

    end = run(OpenBatchOperator(task_id="open", batch_code="2026-01", if_exists=if_exists))

    assert isinstance(end.error, errors.EciUnreadableResponseError | errors.EciUnknownOutcomeError)
    assert "the list at GET /api/v3/batch did not end within 1,000 pages" in str(end.error)
    assert gateway.pages == {"batch": 1000}
    assert len(sandbox.batches()) == (if_exists == "fail")


def test_the_batch_of_an_import_is_not_searched_for_without_end(scene: Scene, gateway: EndlessLists) -> None:
    scene.sandbox.fault("GET", "/api/v3/batch/*", times=None, status=404)

    end = scene.run(scene.tries())

    assert end.state == "success", end.error
    # Nineteen pages at once, and ten a second for a minute.
    assert gateway.pages["batch"] == 19 + 600


def test_profiles_are_read_once(gateway: EndlessLists, tmp_path: Path) -> None:
    (tmp_path / "bills.csv").write_text("Account\n")

    end = run(CheckBillFileOperator(task_id="check", file=str(tmp_path / "bills.csv"), profile_code="vendor"))

    assert isinstance(end.error, errors.EciValidationError)
    assert "EnergyCAP has no such import profile" in str(end.error)
    assert gateway.pages == {"profile": 1}


def test_a_profile_that_no_list_shows_is_searched_for_at_most_six_times(
    gateway: EndlessLists, sandbox: Sandbox
) -> None:
    sandbox.fault("POST", "/api/v3/import/bill/profile", times=None, drop="before")

    end = run(CreateImportProfileOperator(task_id="create", profile_code="vendor", column_mapping=MAPPING))

    assert isinstance(end.error, errors.EciUnknownOutcomeError)
    # Before the first request, and twice after each of three.
    assert gateway.pages == {"profile": 1 + 2 * 3}


def test_kickouts_have_no_pages(scene: Scene, gateway: EndlessLists, tmp_path: Path) -> None:
    guid = scene.import_kicked_out()

    end = run(KickoutReportOperator(task_id="report", task_guid=guid, path=str(tmp_path / "report.csv")))

    assert isinstance(end.error, errors.EciUnreadableResponseError)
    assert "/kickout/summary was answered with 200" in str(end.error)
    # An answer that cannot be read is requested again, three times.
    assert gateway.pages == {"summary": 4}
