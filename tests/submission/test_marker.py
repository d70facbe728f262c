"""The marker tells one piece of work from all others."""

from __future__ import annotations

import pytest

from eci_provider.operators import ImportBillsOperator
from eci_provider.submission.marker import Identity
from tests.support.run_task import run
from tests.support.submissions import MARKER, RUN, Scene
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
