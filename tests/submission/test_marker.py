"""The marker tells one piece of work from all others."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.operators import ImportBillsOperator
from eci_provider.submission.marker import Identity
from tests.support.run_task import run
from tests.support.submissions import MARKER, RUN, Scene
from tests.support.turned_clock import connect
from tests.support.two_bills import IMPORT

WORK = Identity("dag", "task", "run", -1, "content")


@pytest.mark.parametrize(
    "other",
    [
        Identity("dag2", "task", "run", -1, "content"),
        Identity("dag", "task2", "run", -1, "content"),
        Identity("dag", "task", "run2", -1, "content"),
        Identity("dag", "task", "run", 0, "content"),
        Identity("dag", "task", "run", -1, "content2"),
        Identity("da", "gtask", "run", -1, "content"),
        Identity("dag", "task", "run", -1, "content", "prod"),
    ],
)
def test_other_work_has_another_marker(other: Identity) -> None:
    assert MARKER.fullmatch(WORK.marker(0, 0))
    assert len({WORK.marker(*numbers) for numbers in [(0, 0), (1, 0), (0, 1), (0, 0, "try 2")]}) == 4
    assert other.marker(0, 0) != WORK.marker(0, 0)


def test_each_mapped_file_is_another_import(scene: Scene) -> None:
    ends = [
        run(
            ImportBillsOperator(task_id="import_bills", file=str(scene.path), poll_interval=10),
            instance={"map_index": index},
            dag_run=RUN,
        )
        for index in (0, 1)
    ]

    assert [end.result["reattached"] for end in ends] == [False, False]
    assert len({request.body["importNote"] for request in scene.sandbox.requests if request.path == IMPORT}) == 2


def test_a_marker_stays_what_it_was() -> None:
    # What `printf '["dag", "task", "run", -1, "content", "", 0, 0]' | sha256sum` prints: running imports of an
    # older version must be found by a newer one.
    assert WORK.marker(0, 0) == "af:9e5ec1578290c0de"


@pytest.mark.parametrize("settings", [None, {"batch_mode": "new batch", "leave_existing_batches_open": True}])
def test_a_named_deployment_has_imports_of_its_own(
    settings: dict[str, Any] | None, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = scene.sandbox
    for deployment in ("staging", "prod"):
        connect(monkeypatch, sandbox.url, sandbox.api_key, deployment=deployment)
        end = scene.run(scene.tries(batch_settings=settings))
        assert end.state == "success", end.error

    requests = [request.body for request in sandbox.requests if request.path == IMPORT]
    notes = [request["importNote"] for request in requests]
    assert len(set(notes)) == 2
    codes = [request["batchSettings"]["newBatchCode"] for request in requests if settings]
    assert codes == (notes if settings else [])


def test_a_deployment_finds_its_own_import_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, scene.sandbox.url, scene.sandbox.api_key, deployment="prod")
    tries = scene.tries(has_state=False)
    scene.killed_while_waiting(tries, dag_run=RUN)

    assert scene.run(tries).result["reattached"]
    assert scene.bills_once()
