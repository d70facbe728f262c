"""An import that the author of a DAG names with ``adopt_task_guid``."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from eci_provider.api import errors
from eci_provider.operators import ImportBillsOperator
from tests.support.run_task import Finished, run
from tests.support.submissions import RUN, TASKS, Scene
from tests.support.two_bills import IMPORT


def test_a_lost_import_is_adopted(scene: Scene) -> None:
    scene.sandbox.settings.echo_notes = False
    scene.sandbox.fault("POST", IMPORT, drop="after")
    scene.run(scene.tries())
    guid = scene.sandbox.tasks()[0]["task_guid"]

    end = scene.run(scene.tries(adopt_task_guid=guid))

    assert end.state == "success", end.error
    assert (end.result["task_guid"], end.result["reattached"]) == (guid, True)
    assert scene.bills_once()


@pytest.mark.parametrize("times", [1, None])
def test_an_import_is_adopted_though_reads_of_it_lag(times: int | None, scene: Scene) -> None:
    guid = scene.import_by_hand()
    scene.sandbox.fault("GET", f"{TASKS}/*", times=times, status=404)

    end = scene.run(scene.tries(adopt_task_guid=guid))

    assert end.state == "success", end.error
    assert end.result["task_guid"] == guid


def test_a_guid_that_names_no_import_is_refused_after_the_settle_time(scene: Scene) -> None:
    guid = "00000000-0000-4000-8000-000000000001"

    end = scene.run(scene.tries(adopt_task_guid=guid))

    assert isinstance(end.error, errors.EciNotFoundError), end.error
    assert end.is_final
    assert guid in str(end.error)
    assert (sum(scene.clock.slept), scene.submits) == (15, 0)


def test_an_import_that_is_older_than_the_run_is_refused(scene: Scene) -> None:
    guid = scene.import_by_hand()
    scene.clock.sleep(30 * 86400)
    tries = scene.tries(adopt_task_guid=guid)

    end = tries.run(dag_run=SimpleNamespace(run_after=scene.clock.moment))

    assert isinstance(end.error, errors.EciExistsError)
    assert end.is_final
    assert "EciTaskSensor" in str(end.error)
    assert scene.submits == 1  # that of somebody else


def test_an_import_of_another_task_is_refused(scene: Scene) -> None:
    other = scene.run(scene.other_task())

    end = scene.run(scene.tries(adopt_task_guid=other.result["task_guid"]))

    assert isinstance(end.error, errors.EciExistsError)
    assert end.is_final
    assert "reattach=False" in str(end.error)


@pytest.mark.parametrize("nothing", ["", "{{ params.guid or '' }}", "None", None])
def test_nothing_means_none(nothing: str | None, scene: Scene) -> None:
    end = scene.tries(adopt_task_guid=nothing).run(dag_run=RUN, params={"guid": None})

    assert end.state == "success", end.error
    assert end.result["reattached"] is False


def test_what_is_no_guid_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(errors.EciValidationError, match="'import_bills': adopt_task_guid is 'A-1'"):
        ImportBillsOperator(task_id="import_bills", file="bills.csv", adopt_task_guid="A-1")


def test_the_tasks_own_import_is_not_orphaned(scene: Scene) -> None:
    scene.sandbox.settings.delay = 7200
    tries = scene.tries(timeout=timedelta(hours=1))
    own = scene.run(tries).xcoms["task_guid"]
    by_hand = scene.import_by_hand()
    tries.clear()

    end = scene.run(scene.edited(tries, adopt_task_guid=by_hand))

    assert isinstance(end.error, errors.EciExistsError), end.error
    assert own in str(end.error)
    assert by_hand in str(end.error)


def test_two_mapped_files_are_never_one_import(scene: Scene) -> None:
    by_hand = scene.import_by_hand()
    scene.clock.sleep(100)
    shared: dict[tuple[str, int], Any] = {}

    def adopted(index: int) -> Finished:
        task = ImportBillsOperator(task_id="import_bills", file=str(scene.path), adopt_task_guid=by_hand)
        return run(task, instance={"map_index": index, "shared": shared}, dag_run=RUN)

    first, second = adopted(0), adopted(1)

    assert first.state == "success", first.error
    assert isinstance(second.error, errors.EciExistsError), second.error
    assert "map index 1" in str(second.error)
    assert second.xcoms["task_guid"] is None, "or the first one's next try would meet it"


def test_a_mapped_task_may_adopt_for_one_of_its_files(scene: Scene) -> None:
    by_hand = scene.import_by_hand()
    shared: dict[tuple[str, int], Any] = {}
    ends = [
        run(
            ImportBillsOperator(task_id="import_bills", file=str(scene.path), adopt_task_guid=guid),
            instance={"map_index": index, "shared": shared},
            dag_run=RUN,
        )
        for index, guid in enumerate([by_hand, None])
    ]

    assert [end.state for end in ends] == ["success", "success"], [end.error for end in ends]
    assert len({end.result["task_guid"] for end in ends}) == 2
